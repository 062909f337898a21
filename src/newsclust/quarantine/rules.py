"""What a feed usually shows, and whether a night is so far from it that its entries must wait for a person.

A night of a feed is what one run saw of it for the first time, and what it saw changed of earlier entries. It is
judged against the feed's earlier nights, of which five at least must have brought something; a younger feed is never
refused. The rules, the first that applies:

1. `volume`: over 100 new items, and either five times the median night with over half of them dated more than a week
   before the feed was last seen with something new (no outage of ours explains those), or twenty times what the
   nights since then would have brought.
2. `language`: at least five items whose language can be told, over half of them in languages it never spoke.
3. `foreign_links`: at least three items, all of which link to sites that a feed of three sites at most never linked
   to. A house that moved to another domain looks the same, unless it shows its known entries there; else only a
   person can tell it from a domain that was sold.
4. `vocabulary`: at least five items, four fifths of which share three words or more that are news: words that recur
   in a quarter of them and in two titles (a new standing sentence under each text is none), and that neither the
   archive, nor other feeds tonight, nor the feed's own earlier nights know as common.

Changed entries are judged by the last three rules, apart from the new ones. A refused feed comes back when its nights
of three days in a row, those without new items not counted, kept to its habits. `benchmarks.quarantine` measures it.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from statistics import median

_NIGHTS_TO_KNOW = 5
_DAYS_TO_RETURN = 3
_FLOOD = 100  # items: the longest of 44 captured feed documents holds so many, and may be shown anew as a whole
_FLOOD_TIMES = 5  # the median night
_TORRENT_TIMES = 20  # what is due: the largest of 1,614 real nights is 8.5 times the median
_OLD = timedelta(days=7)  # before the last night that brought something
_LANGUAGES_FROM = 5  # items whose language is known
_ELSEWHERE_FROM = 3  # items
_FEW_SITES = 3
_THEME_FROM = 5  # items
_THEME_WORD_FROM = 3  # items that share it
_THEME_WORD_SHARE = 0.25  # of the items
_THEME_WORD_TITLES = 2
_THEME_WORDS = 3  # a name that was never heard before comes alone, or with its maker's
_THEME_SHARE = 0.8  # of the items: as chosen on four of five sets of outlets, by real nights and odd ones made up
_THEME_LANGUAGES = {"en", "fr"}  # those whose words the archive knows

KnownWords = Callable[[Collection[str]], Collection[str]]  # of these words, those that are no news


class AnomalyRule(StrEnum):
    """Why a night is refused. Closed: analysts `GROUP BY anomaly`."""

    VOLUME = "volume"
    LANGUAGE = "language"
    FOREIGN_LINKS = "foreign_links"
    VOCABULARY = "vocabulary"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedItem:
    """What the habits need of one new or changed entry."""

    published_at: datetime | None  # None when first sight stands in for its date
    language: str | None  # by its words; None when they are too few to tell
    site: str  # the registered domain of its link
    characters: int  # of what the feed carries of it, markup included
    shared: bool  # another feed showed the article before, or in the same run
    title_words: frozenset[str] = frozenset()  # stems
    words: frozenset[str] = frozenset()  # of its title and lead


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRunStats:
    """What one run saw of a feed, in numbers of items: seen for the first time, but for `edited`."""

    feed_id: str
    run_id: str
    night_at: datetime
    items: int
    old: int  # dated over a week before the feed's last earlier night
    undated: int
    shared: int
    characters: float  # median
    languages: Mapping[str, int]
    sites: Mapping[str, int]
    edited: int = 0  # entries of earlier runs that this one saw changed
    breach: AnomalyRule | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """The rule that a night broke, and how in words."""

    rule: AnomalyRule
    why: str


def run_stats(
    feed_id: str,
    run_id: str,
    night_at: datetime,
    items: Sequence[FeedItem],
    last: datetime | None,
    *,
    edited: Sequence[FeedItem] = (),
) -> FeedRunStats:
    """Return the night in numbers; `last` is the night before that brought something, None for the first."""
    return FeedRunStats(
        feed_id=feed_id,
        run_id=run_id,
        night_at=night_at,
        items=len(items),
        old=sum(
            last is not None and item.published_at is not None and item.published_at < last - _OLD for item in items
        ),
        undated=sum(item.published_at is None for item in items),
        shared=sum(item.shared for item in items),
        characters=median(item.characters for item in items) if items else 0.0,
        languages=Counter(item.language for item in items if item.language is not None),
        sites=Counter(item.site for item in items),
        edited=len(edited),
    )


def recurring_words(items: Sequence[FeedItem]) -> frozenset[str]:
    """Return the words that a quarter of the items share, two at least, or all of a single item's."""
    least = min(len(items), max(2, _THEME_WORD_SHARE * len(items)))
    return frozenset(word for word, times in _times(items).items() if times >= least)


def find_anomaly(
    night: FeedRunStats,
    items: Sequence[FeedItem],
    earlier: Sequence[FeedRunStats],
    *,
    edited: Sequence[FeedItem] = (),
    moved_to: Collection[str] = (),
    heard: KnownWords,
) -> Anomaly | None:
    """Return the first rule that the night breaks, None when it keeps to the habits of the admitted nights before.

    `earlier` are nights with new items; `moved_to` are sites where the feed has shown its known entries again.
    """
    if len(earlier) < _NIGHTS_TO_KNOW:
        return None
    spoken = {language for one in earlier for language in one.languages}
    linked = {site for one in earlier for site in one.sites}
    if breach := _flood(night, earlier):
        return breach
    for shown, what in ((items, "new"), (edited, "changed")):
        found = (
            _language(shown, what, spoken) or _elsewhere(shown, what, linked, moved_to) or _theme(shown, what, heard)
        )
        if found:
            return found
    return None


def recovered(held: Sequence[FeedRunStats]) -> Sequence[FeedRunStats]:
    """Return the nights that end a quarantine, of those `held` under it, the oldest first; none: it goes on."""
    kept: list[FeedRunStats] = []
    for night in reversed(held):
        if night.breach is not None:
            break
        kept.insert(0, night)
    days = {night.night_at.astimezone(UTC).date() for night in kept if night.items}
    return kept if len(days) >= _DAYS_TO_RETURN else ()


def _flood(night: FeedRunStats, earlier: Sequence[FeedRunStats]) -> Anomaly | None:
    usual = median(one.items for one in earlier)
    if night.items <= _FLOOD:
        return None
    said = f"{night.items} new items where {usual:g} are usual"
    if night.items >= _FLOOD_TIMES * usual and night.old > night.items / 2:
        return Anomaly(
            rule=AnomalyRule.VOLUME, why=f"{said}, {night.old} of them dated over a week before its last night"
        )
    moments = sorted(one.night_at for one in earlier)
    pause = median((later - sooner).total_seconds() for sooner, later in pairwise(moments))
    nights = max(1.0, (night.night_at - moments[-1]).total_seconds() / max(pause, 1.0))
    if night.items >= _TORRENT_TIMES * usual * nights:
        return Anomaly(rule=AnomalyRule.VOLUME, why=said)
    return None


def _language(shown: Sequence[FeedItem], what: str, spoken: Collection[str]) -> Anomaly | None:
    told = Counter(item.language for item in shown if item.language is not None)
    known, foreign = sum(told.values()), _beyond(told, spoken)
    if known < _LANGUAGES_FROM or not spoken or sum(foreign.values()) <= known / 2:
        return None
    why = f"{sum(foreign.values())} of {known} {what} items in {_most(foreign)}, which it never spoke"
    return Anomaly(rule=AnomalyRule.LANGUAGE, why=why)


def _elsewhere(
    shown: Sequence[FeedItem], what: str, linked: Collection[str], moved_to: Collection[str]
) -> Anomaly | None:
    strange = _beyond(Counter(item.site for item in shown), {*linked, *moved_to})
    if len(shown) < _ELSEWHERE_FROM or len(linked) > _FEW_SITES or sum(strange.values()) < len(shown):
        return None
    why = f"all {len(shown)} {what} items link to {_most(strange)}, which it never did"
    return Anomaly(rule=AnomalyRule.FOREIGN_LINKS, why=why)


def _theme(shown: Sequence[FeedItem], what: str, heard: KnownWords) -> Anomaly | None:
    told = [item for item in shown if item.language in _THEME_LANGUAGES]
    if len(told) < _THEME_FROM:
        return None
    least = max(_THEME_WORD_FROM, _THEME_WORD_SHARE * len(told))
    titled = Counter(word for item in told for word in item.title_words)
    times = {w: n for w, n in _times(told).items() if n >= least and titled[w] >= _THEME_WORD_TITLES}
    news = _beyond(times, heard(times))
    about = sum(not item.words.isdisjoint(news) for item in told)
    if len(news) < _THEME_WORDS or about < _THEME_SHARE * len(told):
        return None
    why = f"{about} of {len(told)} {what} items share words that were hardly ever said before: {_most(news)}"
    return Anomaly(rule=AnomalyRule.VOCABULARY, why=why)


def _times(items: Sequence[FeedItem]) -> Counter[str]:
    """In how many of the items each word stands."""
    return Counter(word for item in items for word in item.words)


def _beyond(counts: Mapping[str, int], known: Collection[str]) -> Counter[str]:
    return Counter({name: number for name, number in counts.items() if name not in known})


def _most(counts: Counter[str]) -> str:
    """The three most frequent names."""
    names = sorted(counts, key=lambda name: (-counts[name], name))
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
