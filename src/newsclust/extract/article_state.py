"""What is stored of an article: which sighting speaks for it, which date counts, when an edit is a version. Pure.

A sighting is an entry as one feed showed it; an article has one at least.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from newsclust.extract.outlets import speaks_for, teller_name
from newsclust.model import DateQuality, Extraction, TextQuality, TextSource

_BEST_DATES_FIRST = list(DateQuality)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What decides about one entry of an article: its feed, its length and its dates."""

    entry_id: str
    feed_id: str
    url: str  # canonical
    feed_urls: tuple[str | None, ...]  # where the feed itself stands, then the sites whose pages name it
    characters: int  # of its content and summary, markup included
    first_seen_at: datetime
    published_at: datetime
    date_quality: DateQuality
    claimed_url: str | None = None  # the site that a list says the feed is of; nobody else says so
    absent_at: datetime | None = None  # the last poll that did not show it; first sight where there was none
    told_at: str = ""  # the address of the feed that an account took it from; "": the first of `feed_urls`

    def teller(self, page_url: str | None = None) -> str | None:
        """Return the name of its feed where that does not speak for the article's site and its page's, else None."""
        if all(speaks_for(self.feed_urls, url) for url in (self.url, page_url) if url is not None):
            return None
        return teller_name(self.told_at or self.feed_urls[0] or self.url)


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

    Any feed may link to any article, in its own words: so the feed of the article's site goes before the others, and
    before those one that a list calls the site's.
    Of equal ones the first that was seen is taken.
    """
    return min(sightings, key=lambda one: (_standing(one), -one.characters, one.first_seen_at, one.entry_id))


def first_seen_at(sightings: Collection[Sighting]) -> datetime:
    """Return when any feed first showed the article."""
    return min(sighting.first_seen_at for sighting in sightings)


def attested_at(sightings: Collection[Sighting], date: "ArticleDate") -> datetime:
    """Return the earliest moment since when an article can have been there: its date, as far as polls bear it out.

    A feed may date what it shows as it likes. What its last poll did not show was not there for us to see, and of a
    feed that was not polled before nothing is known.
    """
    unseen = [sighting.absent_at for sighting in sightings if sighting.absent_at is not None]
    return date.at if len(unseen) < len(sightings) else max(date.at, min(unseen))


def article_date(
    sightings: Collection[Sighting], extraction: Extraction, stored: StoredArticle | None = None
) -> ArticleDate:
    """Return an article's date: the feeds', else the page's, else what was inferred, else first sight.

    A page that gave the date once and is not read any more still stands for it. A date in the future is the feed's
    word that it has one: the page is not asked. Where no feed of the article's site showed it, it is no older than
    its page says. No article was published after it was first seen.
    """
    date, first_seen = _date(sightings, extraction, stored), first_seen_at(sightings)
    return replace(date, at=min(date.at, first_seen))


def _date(sightings: Collection[Sighting], extraction: Extraction, stored: StoredArticle | None) -> ArticleDate:
    best = _best_dated(sightings)
    if (
        extraction.published_at is not None
        and extraction.date_quality is DateQuality.GIVEN
        and best.published_at < extraction.published_at
        and not _is_own(best)
    ):
        return ArticleDate(at=extraction.published_at, quality=DateQuality.GIVEN, source=DateSource.PAGE)
    if best.date_quality in {DateQuality.INFERRED, DateQuality.MISSING}:
        if extraction.published_at is not None:
            return ArticleDate(at=extraction.published_at, quality=extraction.date_quality, source=DateSource.PAGE)
        if stored is not None and stored.date.source is DateSource.PAGE:
            return stored.date
    source = DateSource.FEED if best.date_quality.has_date else DateSource.FIRST_SEEN
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
    return min(
        sightings,
        key=lambda one: (
            not one.date_quality.has_date,
            _standing(one),
            _BEST_DATES_FIRST.index(one.date_quality),
            one.published_at,
            one.entry_id,
        ),
    )


def _is_own(sighting: Sighting) -> bool:
    return speaks_for(sighting.feed_urls, sighting.url)


def _standing(sighting: Sighting) -> int:
    """Return whose word it is: 0 the site's own feed's, 1 that of one which is said to be, 2 another's."""
    if _is_own(sighting):
        return 0
    return 1 if speaks_for([sighting.claimed_url], sighting.url) else 2
