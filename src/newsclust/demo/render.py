"""Sample articles rendered as their outlets serve them: feed documents in four formats, and HTML pages."""

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import PurePosixPath
from string import Template
from xml.sax.saxutils import escape

from newsclust.demo.corpus import FeedBody, FeedFormat, OutletFeed, SampleOutlet
from newsclust.model import id_of

TEASER_WORDS = 25
CONTENT_TYPES = {
    FeedFormat.RSS2: "application/rss+xml",
    FeedFormat.RDF: "application/rdf+xml",
    FeedFormat.ATOM: "application/atom+xml",
    FeedFormat.JSON: "application/feed+json",
}
PLACEHOLDERS = frozenset(("title", "summary", "url", "metadata", "byline", "paragraphs", "comments", "headlines"))
COMMENTERS = ("Nadir_B", "plume", "old_sysop", "Marieke", "tchoupi42", "0xCafe", "Jo Fabre", "anon-1138")


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePhrases:
    """The fixed phrases of a page in one language."""

    by: str
    updated: str
    comments: str
    headlines: str
    moment: str  # strftime


PHRASES = {
    "en": PagePhrases(
        by="By",
        updated="Updated",
        comments="Comments",
        headlines="Latest headlines",
        moment="%d %b %Y, %H:%M",
    ),
    "fr": PagePhrases(
        by="Par",
        updated="Mis à jour le",
        comments="Commentaires",
        headlines="À lire aussi",
        moment="%d/%m/%Y à %H:%M",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedArticle:
    """One article as its outlet shows it on one night."""

    url: str
    title: str
    author: str | None
    summary: str
    paragraphs: tuple[str, ...]
    feeds: tuple[str, ...]
    published: datetime | None  # as the outlet states it, which may lie in the future
    updated: datetime | None
    went_up_at: datetime  # when it really appeared: the order of the feeds
    comments: tuple[str, ...]
    headlines: tuple[str, ...]

    @property
    def changed_at(self) -> datetime:
        """When the article was last changed."""
        return self.updated or self.went_up_at


def feed_document(
    outlet: SampleOutlet, feed: OutletFeed, articles: Sequence[RenderedArticle], *, changed_at: datetime
) -> bytes:
    """Return the feed in its format and encoding, with the articles in the order given."""
    if feed.format is FeedFormat.JSON:
        return _json_feed(outlet, feed, articles)
    if feed.format is FeedFormat.RSS2:
        text = _rss2(outlet, feed, articles)
    elif feed.format is FeedFormat.RDF:
        text = _rdf(outlet, feed, articles)
    else:
        text = _atom(outlet, feed, articles, changed_at)
    return f'<?xml version="1.0" encoding="{outlet.encoding.upper()}"?>\n{text}'.encode(
        outlet.encoding, "xmlcharrefreplace"
    )


def page(outlet: SampleOutlet, layout: Template, article: RenderedArticle) -> bytes:
    """Return the article's page: the outlet's layout with its PLACEHOLDERS filled."""
    phrases = PHRASES[outlet.language]
    text = layout.substitute(
        title=html.escape(article.title),
        summary=html.escape(article.summary),
        url=html.escape(article.url),
        metadata=_metadata(outlet, article),
        byline=_byline(phrases, article),
        paragraphs=_paragraphs(article),
        comments=_comments(phrases, article),
        headlines=_headlines(phrases, article),
    )
    return text.encode(outlet.encoding, "xmlcharrefreplace")


def _rss2(outlet: SampleOutlet, feed: OutletFeed, articles: Sequence[RenderedArticle]) -> str:
    items = "".join(
        "<item>\n"
        + _tag("title", article.title)
        + _tag("link", _link(feed, article))
        + f'<guid isPermaLink="false">{outlet.origin}/?p={_number(article)}</guid>\n'
        + _tag("dc:creator", article.author)
        + _tag("pubDate", format_datetime(article.published) if article.published else None)
        + _tag("description", _summary(outlet, article))
        + _tag("content:encoded", _content(outlet, article))
        + "</item>\n"
        for article in articles
    )
    return (
        '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/">\n<channel>\n'
        + _tag("title", feed.title)
        + _tag("link", f"{outlet.origin}/")
        + _tag("description", feed.title)
        + _tag("language", outlet.language)
        + f"{items}</channel>\n</rss>\n"
    )


def _rdf(outlet: SampleOutlet, feed: OutletFeed, articles: Sequence[RenderedArticle]) -> str:
    links = "".join(f'<rdf:li rdf:resource="{html.escape(_link(feed, article))}"/>\n' for article in articles)
    items = "".join(
        f'<item rdf:about="{html.escape(_link(feed, article))}">\n'
        + _tag("title", article.title)
        + _tag("link", _link(feed, article))
        + _tag("description", _summary(outlet, article))
        + _tag("content:encoded", _content(outlet, article))
        + _tag("dc:creator", article.author)
        + _tag("dc:date", _iso(article.published))
        + "</item>\n"
        for article in articles
    )
    return (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"'
        ' xmlns:content="http://purl.org/rss/1.0/modules/content/"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/">\n'
        f'<channel rdf:about="{outlet.origin}{feed.path}">\n'
        + _tag("title", feed.title)
        + _tag("link", f"{outlet.origin}/")
        + _tag("description", feed.title)
        + _tag("dc:language", outlet.language)
        + f"<items><rdf:Seq>\n{links}</rdf:Seq></items>\n</channel>\n{items}</rdf:RDF>\n"
    )


def _atom(outlet: SampleOutlet, feed: OutletFeed, articles: Sequence[RenderedArticle], changed_at: datetime) -> str:
    entries = "".join(
        "<entry>\n"
        + _tag("title", article.title)
        + f'<link rel="alternate" type="text/html" href="{html.escape(_link(feed, article))}"/>\n'
        + _tag("id", f"tag:{outlet.origin.partition('://')[2]},2026:{_number(article)}")
        + _tag("published", _iso(article.published))
        + _tag("updated", _iso(article.updated or article.published))
        + (f"<author>\n{_tag('name', article.author)}</author>\n" if article.author else "")
        + f'<summary type="html">{escape(_summary(outlet, article))}</summary>\n'
        + (f'<content type="html">{escape(content)}</content>\n' if (content := _content(outlet, article)) else "")
        + "</entry>\n"
        for article in articles
    )
    return (
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{outlet.language}">\n'
        + _tag("title", feed.title)
        + f'<link rel="self" href="{outlet.origin}{feed.path}"/>\n<link href="{outlet.origin}/"/>\n'
        + _tag("id", f"{outlet.origin}{feed.path}")
        + _tag("updated", changed_at.isoformat())
        + f"{entries}</feed>\n"
    )


def _json_feed(outlet: SampleOutlet, feed: OutletFeed, articles: Sequence[RenderedArticle]) -> bytes:
    items = [
        {
            "id": str(_number(article)),
            "url": _link(feed, article),
            "title": article.title,
            "summary": article.summary,
            "content_html": _content(outlet, article) or _summary(outlet, article),
            "date_published": _iso(article.published),
            "date_modified": _iso(article.updated),
            "authors": [{"name": article.author}] if article.author else None,
        }
        for article in articles
    ]
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": f"{outlet.origin}/",
        "feed_url": f"{outlet.origin}{feed.path}",
        "language": outlet.language,
        "items": [{key: value for key, value in item.items() if value is not None} for item in items],
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def _link(feed: OutletFeed, article: RenderedArticle) -> str:
    """Return the page's URL, with tracking parameters in every feed but the article's first."""
    if feed.path == article.feeds[0]:
        return article.url
    return f"{article.url}?utm_source=rss&utm_medium={PurePosixPath(feed.path).stem}"


def _summary(outlet: SampleOutlet, article: RenderedArticle) -> str:
    """Return as HTML the summary as far as the outlet's feeds carry it, and the tail when no content follows."""
    summary = article.summary
    if outlet.carries is FeedBody.TEASER:
        summary = " ".join(summary.split()[:TEASER_WORDS]).rstrip(" ,;:.") + "..."
    tail = "" if outlet.carries is FeedBody.FULL else _tail(outlet, article)
    return f"<p>{html.escape(summary, quote=False)}</p>{tail}"


def _content(outlet: SampleOutlet, article: RenderedArticle) -> str | None:
    """Return the whole text as HTML; None where the outlet's feeds do not carry it."""
    if outlet.carries is not FeedBody.FULL:
        return None
    return _paragraphs(article) + _tail(outlet, article)


def _tail(outlet: SampleOutlet, article: RenderedArticle) -> str:
    return outlet.tail.format(url=html.escape(article.url), title=html.escape(article.title))


def _paragraphs(article: RenderedArticle) -> str:
    return "\n".join(f"<p>{html.escape(paragraph, quote=False)}</p>" for paragraph in article.paragraphs)


def _number(article: RenderedArticle) -> int:
    """Return the article's number in the outlet's own database."""
    return int(id_of(article.url), 16) % 1_000_000


def _tag(name: str, text: str | None) -> str:
    return "" if text is None else f"<{name}>{escape(text)}</{name}>\n"


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _metadata(outlet: SampleOutlet, article: RenderedArticle) -> str:
    """Return the page's metadata: canonical URL, Open Graph, JSON-LD (schema.org NewsArticle)."""
    open_graph = {
        "og:type": "article",
        "og:site_name": outlet.name,
        "og:title": article.title,
        "og:description": article.summary,
        "og:url": article.url,
        "article:published_time": _iso(article.published),
    }
    json_ld = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": article.title,
        "datePublished": _iso(article.published),
        "dateModified": _iso(article.updated),
        "author": {"@type": "Person", "name": article.author} if article.author else None,
        "publisher": {"@type": "Organization", "name": outlet.name},
    }
    script = json.dumps({key: value for key, value in json_ld.items() if value is not None})
    return "\n".join(
        (
            f'<link rel="canonical" href="{html.escape(article.url)}">',
            *(
                f'<meta property="{key}" content="{html.escape(value)}">'
                for key, value in open_graph.items()
                if value is not None
            ),
            '<script type="application/ld+json">' + script.replace("</", "<\\/") + "</script>",
        )
    )


def _byline(phrases: PagePhrases, article: RenderedArticle) -> str:
    parts = []
    if article.author:
        parts.append(f'<span class="author" rel="author">{phrases.by} {html.escape(article.author)}</span>')
    if article.published:
        parts.append(_time(phrases, article.published))
    if article.updated:
        parts.append(f"{phrases.updated} {_time(phrases, article.updated)}")
    return " - ".join(parts)


def _comments(phrases: PagePhrases, article: RenderedArticle) -> str:
    if not article.comments:
        return ""
    first = _number(article)
    items = "".join(
        f'<li class="comment" id="comment-{first + place}"><p class="comment-meta">'
        f'<b class="fn">{COMMENTERS[(first + place) % len(COMMENTERS)]}</b> '
        f"{_time(phrases, article.went_up_at + timedelta(minutes=17 + 23 * place))}</p>"
        f'<div class="comment-body"><p>{html.escape(comment, quote=False)}</p></div></li>\n'
        for place, comment in enumerate(article.comments)
    )
    return (
        f'<section id="comments" class="comments"><h2>{phrases.comments} ({len(article.comments)})</h2>\n'
        f'<ol class="comment-list">\n{items}</ol></section>'
    )


def _headlines(phrases: PagePhrases, article: RenderedArticle) -> str:
    if not article.headlines:
        return ""
    items = "".join(
        f'<li><a href="/{id_of(headline)}">{html.escape(headline, quote=False)}</a></li>\n'
        for headline in article.headlines
    )
    return f'<aside class="related-posts"><h2>{phrases.headlines}</h2>\n<ul>\n{items}</ul></aside>'


def _time(phrases: PagePhrases, moment: datetime) -> str:
    return f'<time datetime="{moment.isoformat()}">{moment.strftime(phrases.moment)}</time>'
