"""Choose an article's text among its page's and its feed's. Pure: no clock, no network, no process."""

import re
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from newsclust.errors import ExtractError, Reason
from newsclust.extract.boilerplate import is_truncated, strip_boilerplate
from newsclust.extract.headlines import is_headline, without_headlines, without_outlet
from newsclust.extract.outlets import bears_out
from newsclust.extract.page import PageText
from newsclust.extract.walls import wall_reason
from newsclust.model import (
    MAX_TEXT_CHARACTERS,
    MAX_TITLE_CHARACTERS,
    ArticleInput,
    DateQuality,
    Extraction,
    PagePolicy,
    TextQuality,
    TextSource,
)
from newsclust.text.html_to_text import html_to_text
from newsclust.text.language import detect_language
from newsclust.text.normalize import normalize_text, word_count
from newsclust.text.sanitize import one_line
from newsclust.urls import canonical, registered_domain

# A feed's text of fewer words is a teaser: those of our sample feeds that gave whole articles gave over 400.
MIN_FEED_WORDS = 150

_HOME_PATH = re.compile(r"(?:/[a-z]{2})?/?|/(?:index|home|accueil|default)(?:\.[a-z]{3,5})?", re.IGNORECASE)
_SECTION = re.compile(r"[a-z]+(?:[-_][a-z]+)?", re.IGNORECASE)
_ADDRESS = re.compile(r"(?<!\S)\S*://\S*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractOutcome:
    """Outcome of one article: its text, an error, or both when the feed's text stands in for a failed page."""

    extraction: Extraction | None
    error: ExtractError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    text: str
    paywall_marker: str | None
    text_source: TextSource
    is_whole: bool  # as far as it can be told


def wants_page(*, policy: PagePolicy, summary: str | None, content: str | None, speaks_for_site: bool = True) -> bool:
    """Return whether an entry's page should be downloaded: by the feed's policy, and under AUTO by the feed's text.

    AUTO wants it when that text is short, breaks off, or is cut by a paywall, and when the feed does not speak for
    the site: then only the page says whose word it is.
    """
    if policy is not PagePolicy.AUTO:
        return policy is PagePolicy.ALWAYS
    if not speaks_for_site:
        return True
    return not _is_whole(max((html_to_text(content or ""), html_to_text(summary or "")), key=word_count))


def _is_whole(text: str) -> bool:
    """Return whether a feed's text is an article, and not its beginning or a teaser."""
    return word_count(text) >= MIN_FEED_WORDS and not is_truncated(text)


def select_text(
    source: ArticleInput, page: PageText | None, error: ExtractError | None, *, unread: str = ""
) -> ExtractOutcome:
    """Return the longest of the page's text, the feed's content and its summary as the article's text.

    Where the feed does not speak for the site, the page goes before what the feed says of it.
    `page` is None when there was none, when it failed with `error`, or when it was not read because of `unread`. Of
    equal lengths the page's goes first, then the content's. A page that is a wall counts as one that failed. Where
    none has any text the headline stands alone; without one there is only an error: the page's, if it failed. A page
    that does not match its site's rule is read as usual, with an error.
    """
    title, is_borne_out = _title(source, page)
    if page is not None and (why := wall_reason(page.wall, title=title, page_title=page.title or "", text=page.text)):
        return walled(source, why, unread=unread)
    headlines = (title, source.title), _outlet_names(source, page)
    candidates = [
        *([_candidate(page.text, title, TextSource.PAGE, page.notice)] if page else []),
        *(
            _candidate(without_headlines(html_to_text(html or ""), *headlines), title, text_source, None)
            for html, text_source in (
                (source.content, TextSource.FEED_CONTENT),
                (source.summary, TextSource.FEED_SUMMARY),
            )
        ),
    ]
    if page is not None and not candidates[0].text:
        error = _no_text_error(source, page)
    notes = [unread, f"page failed: {error.reason}" if error else ""]
    if page is not None and page.rule_mismatch:
        notes.append("the site's rule found nothing on the page")
        mismatch = f"the site's rule finds nothing, {page.rule_mismatch}: {_final_url(source)}"
        error = error or ExtractError(source.url, Reason.NOTHING_SELECTED, mismatch)
    page_first = source.teller is not None and page is not None and is_borne_out and not candidates[0].paywall_marker
    best = max(
        candidates,
        key=lambda candidate: (
            page_first
            and candidate.text_source is TextSource.PAGE
            and word_count(candidate.text) >= MIN_FEED_WORDS,  # what is shorter may be a wall or a teaser
            word_count(candidate.text),
        ),
    )
    if not best.text and not is_headline(title):
        nothing = ExtractError(source.url, Reason.NO_TEXT, "no text in the feed, no page and no headline")
        return ExtractOutcome(extraction=None, error=error or nothing)
    text = best.text
    if len(text) > MAX_TEXT_CHARACTERS:
        text = text[:MAX_TEXT_CHARACTERS].rpartition("\n\n")[0] or text[:MAX_TEXT_CHARACTERS]
        notes.append(f"cut to its first {len(text):,} characters")
    language, language_source = detect_language(f"{title}\n{text}", source.language)
    extraction = Extraction(
        article_id=source.article_id,
        canonical_url=_canonical_url(source, page),
        title=title,
        text=text,
        language=language,
        language_source=language_source,
        author=" ".join(html_to_text((page.author if page else None) or "").split()) or None,
        text_source=best.text_source if best.text else TextSource.TITLE,
        paywall_marker=best.paywall_marker if best.text else None,
        text_source_reason=_choice(candidates, "; ".join(filter(None, notes))),
        published_at=page.published.at if page and page.published else None,
        date_quality=page.published.quality if page and page.published else DateQuality.MISSING,
        updated_at=page.updated.at if page and page.updated else None,
        text_quality=_text_quality(best, error),
        page_title=page.title if page else None,
    )
    return ExtractOutcome(extraction=extraction, error=error)


def walled(source: ArticleInput, why: str, *, unread: str = "") -> ExtractOutcome:
    """Return the outcome of an article whose page is a wall: nothing of that page is believed, not its address."""
    error = ExtractError(source.url, Reason.WALL, f"{_final_url(source)}: {why}")
    return select_text(replace(source, page=None), None, error, unread=unread)


def _text_quality(best: _Candidate, error: ExtractError | None) -> TextQuality:
    is_wall = error is not None and error.reason is Reason.WALL
    if not best.text:
        return TextQuality.WALL if is_wall else TextQuality.HEADLINE
    if best.paywall_marker:
        return TextQuality.PAYWALLED
    if best.text_source is TextSource.PAGE or best.is_whole:
        return TextQuality.FULL
    return TextQuality.WALL if is_wall else TextQuality.PARTIAL


def _no_text_error(source: ArticleInput, page: PageText) -> ExtractError:
    if page.headlines:
        return ExtractError(
            source.url, Reason.LIST_PAGE, f"a list of {page.headlines} articles: {_final_url(source)}"
        )
    return ExtractError(source.url, Reason.NO_TEXT, f"no text in the page {_final_url(source)}")


def _choice(candidates: list[_Candidate], notes: str) -> str:
    """Explain the choice: the lengths of all candidates, in words, and the notes on the page."""
    lengths = [f"{each.text_source} {word_count(each.text)}" for each in candidates if each.text]
    reason = (
        "nobody gives a text"
        if not lengths
        else (
            f"the only text: {lengths[0]} words"
            if len(lengths) == 1
            else f"the longest of {', '.join(lengths)} words"
        )
    )
    return f"{notes}; {reason}" if notes else reason


def _candidate(raw: str, title: str, text_source: TextSource, notice: str | None) -> _Candidate:
    text, marker = strip_boilerplate(normalize_text(raw, title=title))
    return _Candidate(
        text=text if any(map(str.isalpha, _ADDRESS.sub("", text))) else "",
        paywall_marker=marker or notice,
        text_source=text_source,
        is_whole=text_source is not TextSource.PAGE and _is_whole(raw),
    )


def _title(source: ArticleInput, page: PageText | None) -> tuple[str, bool]:
    """Return the entry's title, or the page's where it has none, without the outlet's name, and if the page agrees.

    Where the feed does not speak for the site, a page that does not say what the entry's title says gives its own.
    """
    entry_title = one_line(normalize_text(source.title), MAX_TITLE_CHARACTERS)
    page_title = one_line(normalize_text(page.title or ""), MAX_TITLE_CHARACTERS) if page else ""
    names = _outlet_names(source, page)
    title, of_page = (without_outlet(written, names) for written in (entry_title or page_title, page_title))
    if source.teller is None or page is None or bears_out(title, page_title=of_page, page_text=page.text):
        return title, True
    if of_page and word_count(page.text) >= MIN_FEED_WORDS:
        return of_page, True
    return title, False


def _outlet_names(source: ArticleInput, page: PageText | None) -> tuple[str, ...]:
    """Return the names by which the article's outlet may stand beside its title."""
    domain = registered_domain(source.url)
    site_name = (page.site_name or "") if page else ""
    return source.feed_title, source.source_title or "", site_name, domain, domain.partition(".")[0]


def _final_url(source: ArticleInput) -> str:
    return source.page.final_url if source.page else source.url


def _canonical_url(source: ArticleInput, page: PageText | None) -> str:
    """Return the canonical address that the page states if it is trusted, else its final one, else the entry's.

    Not trusted: another site's address, a home page or the section above the page (templates state one address for
    all pages), and what is no address of a page at all. A page that redirects to the home page is gone. One with a
    fragment is that of one article among others there.
    """
    if "#" in source.url:
        return source.url
    final_url = _final_url(source)
    if page is not None and page.canonical is not None and _is_page_on_same_site(page.canonical, final_url):
        return canonical(page.canonical)
    try:
        return canonical(source.url if _is_home(final_url) else final_url)
    except ValueError:  # a redirect to an address that no page has
        return source.url


def _is_page_on_same_site(url: str, final_url: str) -> bool:
    try:
        return (
            registered_domain(url) == registered_domain(final_url)
            and not _is_home(url)
            and not _is_section_of(canonical(url), canonical(final_url))
        )
    except ValueError:
        return False


def _is_home(url: str) -> bool:
    parts = urlsplit(url)
    return not parts.query and _HOME_PATH.fullmatch(parts.path) is not None


def _is_section_of(url: str, page_url: str) -> bool:
    """Return whether an address stands above a page's and has a name of two words at most: `/news` of `/news/7`."""
    parts, page_parts = urlsplit(url), urlsplit(page_url)
    return (
        page_parts.path.startswith(f"{parts.path}/")
        and not parts.query
        and _SECTION.fullmatch(parts.path.rpartition("/")[2]) is not None
    )
