"""What a feed usually shows, and whether a night is so far from it that its entries must wait for a person.

A night of a feed is what one run saw of it for the first time. It is judged against the feed's earlier nights, of
which five at least must have brought something; a younger feed is never refused. The rules, the first that applies:

1. `flood`: at least 30 new items, five times the feed's median night, and over half of them dated more than a week
   before the feed was last seen with something new: no outage of ours explains those.
2. `language`: at least five items whose language can be told, over half of them in languages it never spoke.
3. `elsewhere`: at least three items, all of which link to sites that a feed of three sites at most never linked to.
   A house that moved to another domain looks the same; only a person can tell it from a domain that was sold.

A refused feed comes back when its nights of three days in a row, those without items not counted, kept to its habits.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from statistics import median

_NIGHTS_TO_KNOW = 5
_DAYS_TO_RETURN = 3
_FLOOD = 30  # items
_FLOOD_TIMES = 5  # the median night
_OLD = timedelta(days=7)  # before the last night that brought something
_LANGUAGES_FROM = 5  # items whose language is known
_ELSEWHERE_FROM = 3  # items
_FEW_SITES = 3


class Rule(StrEnum):
    """Why a night is refused. Closed: analysts `GROUP BY breach`."""

    FLOOD = "flood"
    LANGUAGE = "language"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What the habits need of one new entry."""

    published_at: datetime | None  # None when first sight stands in for its date
    language: str | None  # by its words; None when they are too few to tell
    site: str  # the registered domain of its link
    characters: int  # of what the feed carries of it, markup included
    shared: bool  # another feed showed the article before, or in the same run


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedNight:
    """What one run saw of a feed for the first time, in numbers of items."""

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
    breach: Rule | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """The rule that a night broke, and how in words."""

    rule: Rule
    why: str


def night_of(
    feed_id: str, run_id: str, night_at: datetime, items: Sequence[Item], last: datetime | None
) -> FeedNight:
    """Return the night in numbers; `last` is the night before that brought something, None for the first."""
    return FeedNight(
        feed_id=feed_id,
        run_id=run_id,
        night_at=night_at,
        items=len(items),
        old=sum(
            last is not None and item.published_at is not None and item.published_at < last - _OLD for item in items
        ),
        undated=sum(item.published_at is None for item in items),
        shared=sum(item.shared for item in items),
        characters=median(item.characters for item in items),
        languages=Counter(item.language for item in items if item.language is not None),
        sites=Counter(item.site for item in items),
    )


def breach_of(night: FeedNight, earlier: Sequence[FeedNight]) -> Breach | None:
    """Return the first rule that the night breaks, None when it keeps to the habits of the admitted nights before."""
    if len(earlier) < _NIGHTS_TO_KNOW:
        return None
    usual = median(one.items for one in earlier)
    if night.items >= max(_FLOOD, _FLOOD_TIMES * usual) and night.old > night.items / 2:
        return Breach(
            rule=Rule.FLOOD,
            why=f"{night.items} new items where {usual:g} are usual, {night.old} of them dated over a week before "
            "its last night",
        )
    spoken = {language for one in earlier for language in one.languages}
    known, foreign = sum(night.languages.values()), _beyond(night.languages, spoken)
    if known >= _LANGUAGES_FROM and spoken and sum(foreign.values()) > known / 2:
        return Breach(
            rule=Rule.LANGUAGE,
            why=f"{sum(foreign.values())} of {known} items in {_most(foreign)}, which it never spoke",
        )
    linked = {site for one in earlier for site in one.sites}
    strange = _beyond(night.sites, linked)
    if night.items >= _ELSEWHERE_FROM and len(linked) <= _FEW_SITES and sum(strange.values()) == night.items:
        return Breach(
            rule=Rule.ELSEWHERE,
            why=f"all {night.items} items link to {_most(strange)}, which it never did",
        )
    return None


def good_again(held: Sequence[FeedNight]) -> Sequence[FeedNight]:
    """Return the nights that end a quarantine, of those `held` under it, the oldest first; none: it goes on."""
    kept: list[FeedNight] = []
    for night in reversed(held):
        if night.breach is not None:
            break
        kept.insert(0, night)
    days = {night.night_at.astimezone(UTC).date() for night in kept}
    return kept if len(days) >= _DAYS_TO_RETURN else ()


def _beyond(counts: Mapping[str, int], known: set[str]) -> Counter[str]:
    return Counter({name: number for name, number in counts.items() if name not in known})


def _most(counts: Counter[str]) -> str:
    """The three most frequent names."""
    names = sorted(counts, key=lambda name: (-counts[name], name))
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
