"""The sample corpus as a site: what its outlets serve on each night, and the gold labels."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from string import Template

from newsclust.demo.corpus import Corpus, GoldLabel, SampleArticle, SampleOutlet, read_corpus, read_gold
from newsclust.demo.render import CONTENT_TYPES, PLACEHOLDERS, RenderedArticle, feed_document, page
from newsclust.demo.server import Reply, Site
from newsclust.errors import SettingsError
from newsclust.model import Feed, id_of
from newsclust.urls import canonical

FIRST_NIGHT = datetime(2026, 2, 3, 22, tzinfo=UTC)
LONGEST_FEED = 30
EDITED_BEFORE_NIGHT = timedelta(hours=2)


def night_time(night: int) -> datetime:
    """Return when a night of the sample begins; the first is night 1."""
    return FIRST_NIGHT + timedelta(days=night - 1)


def sample_site(folder: Path, *, night: int) -> Site:
    """Return all feeds and pages of the corpus as they stand on one night.

    A feed shows the articles up to this night, newest first, at most 30 of them; a page stays for ever. From
    the night of its edit on, an article is shown edited. SettingsError when the corpus or a layout is wrong.
    """
    corpus = read_corpus(folder)
    site: dict[str, Reply] = {}
    for outlet in corpus.outlets.values():
        articles = sorted(
            (
                _rendered(corpus, outlet, article, night)
                for article in corpus.articles
                if article.site == outlet.key and article.night <= night
            ),
            key=lambda article: (article.went_up_at, article.url),
            reverse=True,
        )
        layout = _layout(folder, outlet)
        for article in articles:
            site[article.url] = Reply(
                body=page(outlet, layout, article),
                content_type=f"text/html; charset={outlet.encoding}",
                headers=_modified(article.changed_at),
            )
        for feed in outlet.feeds:
            listed = [article for article in articles if feed.path in article.feeds][:LONGEST_FEED]
            changed_at = max((article.changed_at for article in listed), default=night_time(0))
            site[outlet.origin + feed.path] = Reply(
                body=feed_document(outlet, feed, listed, changed_at=changed_at),
                content_type=CONTENT_TYPES[feed.format],
                headers=_modified(changed_at),
            )
    for broken in corpus.broken:
        site[broken.url] = Reply(body=broken.body.encode(), status=broken.status, drop=broken.drop)
    return site


def sample_feeds(folder: Path) -> list[Feed]:
    """Return the feeds of the corpus, the broken ones last; `feeds.toml` beside it lists the same."""
    corpus = read_corpus(folder)
    feeds = [
        Feed(
            id=id_of(canonical(outlet.origin + feed.path)),
            url=outlet.origin + feed.path,
            title=feed.title,
            site_url=f"{outlet.origin}/",
            language=outlet.language,
            tags=feed.tags,
        )
        for outlet in corpus.outlets.values()
        for feed in outlet.feeds
    ]
    return feeds + [
        Feed(
            id=id_of(canonical(broken.url)),
            url=broken.url,
            title=broken.title,
            language=broken.language,
            tags=("tech",),
        )
        for broken in corpus.broken
    ]


def sample_gold(folder: Path) -> list[GoldLabel]:
    """Return the gold label of each article of the corpus; SettingsError when one is missing."""
    return read_gold(folder, read_corpus(folder))


def _rendered(corpus: Corpus, outlet: SampleOutlet, article: SampleArticle, night: int) -> RenderedArticle:
    edit = article.edit if article.edit is not None and article.edit.night <= night else None
    paragraphs = (edit.paragraphs if edit else ()) or article.paragraphs
    if article.paywall is not None:
        paragraphs += tuple(line.format(percent=article.paywall) for line in outlet.paywall)
    first_seen_at = night_time(article.night)
    return RenderedArticle(
        url=corpus.url_of(article),
        title=(edit.title if edit else None) or article.title,
        author=article.author,
        summary=article.summary,
        paragraphs=paragraphs,
        feeds=article.feeds,
        published=article.published,
        updated=night_time(edit.night) - EDITED_BEFORE_NIGHT if edit else None,
        went_up_at=min(article.published or first_seen_at, first_seen_at),
        comments=article.comments,
        headlines=article.headlines,
    )


def _layout(folder: Path, outlet: SampleOutlet) -> Template:
    file = folder / "layouts" / f"{outlet.key}.html"
    try:
        layout = Template(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{file}: {error}") from error
    if not layout.is_valid():
        raise SettingsError(f"{file}: a $ that begins no placeholder is written $$")
    if unknown := set(layout.get_identifiers()) - PLACEHOLDERS:
        raise SettingsError(f"{file}: no placeholder is called {', '.join(sorted(unknown))}")
    return layout


def _modified(moment: datetime) -> dict[str, str]:
    return {"Last-Modified": format_datetime(moment, usegmt=True)}
