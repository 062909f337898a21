"""What is stored of an article: which sighting speaks for it, which date counts, when an edit is a version. Pure.

A sighting is an entry as one feed showed it; an article has one at least.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from newsclust.model import DateQuality, Extraction, TextQuality, TextSource
from newsclust.urls import registered_domain

_OTHER_DATES = (DateQuality.INFERRED, DateQuality.MISSING, DateQuality.FUTURE)
_BEST_DATES_FIRST = [DateQuality.GIVEN, DateQuality.GUESSED, *_OTHER_DATES]
_WITHOUT_DATE = {DateQuality.MISSING, DateQuality.FUTURE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What decides about one entry of an article: its feed, its length and its dates."""

    entry_id: str
    feed_id: str
    url: str  # canonical
    feed_urls: tuple[str | None, ...]  # the feed's address and its site's, as a person wrote them
    characters: int  # of its content and summary, markup included
    first_seen_at: datetime
    published_at: datetime
    date_quality: DateQuality


class DateSource(StrEnum):
    """Who gave an article's date."""

    FEED = "feed"
    PAGE = "page"
    FIRST_SEEN = "first_seen"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleDate:
    """When an article was published, how far that can be trusted, and who gave it."""

    at: datetime
    quality: DateQuality
    source: DateSource | None  # None: dated before the source was kept


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredArticle:
    """The state of an article before a text is taken again."""

    title: str
    text: str
    text_source: TextSource
    date: ArticleDate
    text_quality: TextQuality = TextQuality.FULL


def representative_sighting(sightings: Collection[Sighting]) -> Sighting:
    """Return the sighting that describes an article: of its own site's feed, then the one with the most text.

    Any feed may link to any article, in its own words: so the feed of the article's site goes before the others.
    Of equal ones the first that was seen is taken.
    """
    own = _own_sightings(sightings)
    return min(sightings, key=lambda one: (one.entry_id not in own, -one.characters, one.first_seen_at, one.entry_id))


def first_seen_at(sightings: Collection[Sighting]) -> datetime:
    """Return when any feed first showed the article."""
    return min(sighting.first_seen_at for sighting in sightings)


def article_date(
    sightings: Collection[Sighting], extraction: Extraction, stored: StoredArticle | None = None
) -> ArticleDate:
    """Return an article's date: the feeds', else the page's, else what was inferred, else first sight.

    A page that gave the date once and is not read any more still stands for it. A date in the future is the feed's
    word that it has one: the page is not asked. No article was published after it was first seen.
    """
    date, first_seen = _date(sightings, extraction, stored), first_seen_at(sightings)
    return replace(date, at=min(date.at, first_seen))


def _date(sightings: Collection[Sighting], extraction: Extraction, stored: StoredArticle | None) -> ArticleDate:
    best = _best_dated(sightings)
    if best.date_quality in {DateQuality.INFERRED, DateQuality.MISSING}:
        if extraction.published_at is not None:
            return ArticleDate(at=extraction.published_at, quality=extraction.date_quality, source=DateSource.PAGE)
        if stored is not None and stored.date.source is DateSource.PAGE:
            return stored.date
    source = DateSource.FIRST_SEEN if best.date_quality in _WITHOUT_DATE else DateSource.FEED
    return ArticleDate(at=best.published_at, quality=best.date_quality, source=source)


def is_changed(stored: StoredArticle | None, extraction: Extraction) -> bool:
    """Tell whether title or text differ from the stored ones, or nothing is stored."""
    return stored is None or (stored.title, stored.text) != (extraction.title, extraction.text)


def keeps_stored_text(stored: StoredArticle | None, extraction: Extraction) -> bool:
    """Tell whether a stored article stays as it is: it has a text, or its page's, and now nobody gives as much.

    A wall's words that were stored as a text before the wall was known are none.
    """
    if stored is None or not stored.text or stored.text_quality is TextQuality.WALL:
        return False
    return not extraction.text or (
        extraction.text_quality is TextQuality.WALL and stored.text_source is TextSource.PAGE
    )


def makes_version(stored: StoredArticle | None, extraction: Extraction) -> bool:
    """Tell whether the stored state is kept as a version: an edit of a text from the same kind of source.

    A page that was reached on the second night is no edit.
    """
    return stored is not None and is_changed(stored, extraction) and stored.text_source is extraction.text_source


def _best_dated(sightings: Collection[Sighting]) -> Sighting:
    """Return the sighting whose date counts: a date one can trust, of the own feed, the most exact, the earliest."""
    own = _own_sightings(sightings)
    return min(
        sightings,
        key=lambda one: (
            one.date_quality in _WITHOUT_DATE,
            one.entry_id not in own,
            _BEST_DATES_FIRST.index(one.date_quality),
            one.published_at,
            one.entry_id,
        ),
    )


def _own_sightings(sightings: Collection[Sighting]) -> set[str]:
    """Return the entries that a feed of the article's own site showed; none when only one feed showed it."""
    if len({sighting.feed_id for sighting in sightings}) == 1:
        return set()
    return {one.entry_id for one in sightings if registered_domain(one.url) in map(_site, one.feed_urls)}


def _site(url: str | None) -> str | None:
    """Return the registered domain of an address as a person wrote it, None when it has none."""
    try:
        return registered_domain(url or "")
    except ValueError:
        return None
