"""What a run saw of each feed, in numbers, and which quarantined runs are admitted again."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from statistics import median

BACKDATED = timedelta(days=7)  # older than that, before the last run that brought something
_RECURRING_SHARE = 0.25  # of a run's items, two at least
_DAYS_TO_RECOVER = 3


class AnomalyRule(StrEnum):
    """Why a feed's run is quarantined. Closed: analysts `GROUP BY anomaly`."""

    VOLUME = "volume"
    LANGUAGE = "language"
    FOREIGN_LINKS = "foreign_links"
    VOCABULARY = "vocabulary"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedItem:
    """One new or changed entry, as far as the rules need it."""

    published_at: datetime | None  # None when first sight stands in for its date
    language: str | None  # detected in its words; None when they are too few
    site: str  # the registered domain of its link
    characters: int  # of what the feed carries of it, markup included
    shared: bool  # another feed showed the article before, or in the same run
    from_new_source: bool = False  # of a feed that an account's owner has subscribed to since the run before
    title_words: frozenset[str] = frozenset()  # stems
    words: frozenset[str] = frozenset()  # stems of its title and lead


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRunStats:
    """What one run saw of a feed, in numbers of items: seen for the first time, but for `edited`."""

    feed_id: str
    run_id: str
    night_at: datetime
    items: int
    backdated: int  # dated over a week before the feed's last earlier run with new items
    undated: int
    shared: int
    median_characters: float
    languages: Mapping[str, int]
    sites: Mapping[str, int]
    edited: int = 0  # entries of earlier runs that this one saw changed
    anomaly: AnomalyRule | None = None


def run_stats(
    feed_id: str,
    run_id: str,
    night_at: datetime,
    items: Sequence[FeedItem],
    last_night_at: datetime | None,
    *,
    edited: Sequence[FeedItem] = (),
) -> FeedRunStats:
    """Return the statistics of a feed's run; `last_night_at` is its last run with new items, None for the first."""
    dates = [item.published_at for item in items if item.published_at is not None]
    oldest_usual = None if last_night_at is None else last_night_at - BACKDATED
    return FeedRunStats(
        feed_id=feed_id,
        run_id=run_id,
        night_at=night_at,
        items=len(items),
        backdated=sum(oldest_usual is not None and date < oldest_usual for date in dates),
        undated=len(items) - len(dates),
        shared=sum(item.shared for item in items),
        median_characters=median(item.characters for item in items) if items else 0.0,
        languages=Counter(item.language for item in items if item.language is not None),
        sites=Counter(item.site for item in items),
        edited=len(edited),
    )


def document_frequencies(items: Sequence[FeedItem]) -> Counter[str]:
    """Return in how many of the items each word stands."""
    return Counter(word for item in items for word in item.words)


def recurring_words(items: Sequence[FeedItem]) -> frozenset[str]:
    """Return the words that a quarter of the items share, two at least, or all words of a single item."""
    minimum = min(len(items), max(2, _RECURRING_SHARE * len(items)))
    return frozenset(word for word, count in document_frequencies(items).items() if count >= minimum)


def recovered(quarantined: Sequence[FeedRunStats]) -> Sequence[FeedRunStats]:
    """Return the runs that end a quarantine, of those under it, the oldest first; none while it goes on.

    A feed recovers when its runs of three days in a row, those without new items not counted, showed no anomaly.
    """
    normal: list[FeedRunStats] = []
    for stats in reversed(quarantined):
        if stats.anomaly is not None:
            break
        normal.insert(0, stats)
    days = {stats.night_at.astimezone(UTC).date() for stats in normal if stats.items}
    return normal if len(days) >= _DAYS_TO_RECOVER else ()


def released_runs(
    quarantined: Sequence[FeedRunStats], *, since: datetime | None, released_at: datetime
) -> Sequence[FeedRunStats]:
    """Return the quarantined runs that a person's release admits.

    `since` is when the feed's present quarantine began, None without one. A release given after that admits every
    quarantined run; else those up to the release, left over from quarantines that have ended.
    """
    if since is not None and released_at >= since:
        return quarantined
    return [stats for stats in quarantined if stats.night_at <= released_at]
