"""The rules by which a feed's run is an anomaly: so far from its history that its entries must wait for a person.

A run of a feed is what one run saw of it for the first time, and what it saw changed of earlier entries. It is
compared with the feed's earlier runs, of which at least five must have brought something; a younger feed is never
quarantined. The rules, the first that applies:

1. `volume`: over 100 new items, and either five times the median run with over half of them dated more than a week
   before the feed's last run with new items (no outage of ours explains those), or twenty times what the runs since
   then would have brought.
2. `language`: at least five items whose language can be detected, over half of them in languages it never used.
3. `foreign_links`: at least three items, all of which link to sites that a feed of at most three sites never linked
   to. An outlet that moved to another domain looks the same, unless it shows its known entries there; else only a
   person can tell it from a domain that was sold.
4. `vocabulary`: at least five items, four fifths of which share three or more new words: words that recur in a
   quarter of them and in two titles (a new standing sentence under each text does not), and that neither the archive,
   nor other feeds in this run, nor the feed's own earlier runs know as common.

Changed entries are compared by the last three rules, apart from the new ones. `benchmarks.quarantine` measures it.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from newsclust.quarantine.history import AnomalyRule, FeedItem, FeedRunStats, document_frequencies

_MIN_EARLIER_RUNS = 5
_MIN_VOLUME = 100  # items: the longest of 44 captured feed documents holds so many, and may be shown anew as a whole
_BACKDATED_VOLUME_FACTOR = 5  # times the median run
_VOLUME_FACTOR = 20  # times what is due: the largest of 1,614 real runs is 8.5 times the median
_MIN_LANGUAGE_ITEMS = 5  # items whose language is known
_MIN_LINK_ITEMS = 3
_MAX_SITES = 3
_MIN_VOCABULARY_ITEMS = 5
_MIN_WORD_ITEMS = 3  # items that share a new word
_WORD_SHARE = 0.25  # of the items
_MIN_WORD_TITLES = 2
_MIN_NEW_WORDS = 3  # a name that is new to the archive comes alone, or with its maker's
_VOCABULARY_SHARE = 0.8  # of the items: chosen on four of five sets of outlets, by real runs and made-up odd ones
_VOCABULARY_LANGUAGES = {"en", "fr"}  # those whose words the archive counts

KnownWords = Callable[[Collection[str]], Collection[str]]  # of these words, those that are not new


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """The rule that a feed's run broke, and how in words."""

    rule: AnomalyRule
    why: str


def find_anomaly(
    stats: FeedRunStats,
    items: Sequence[FeedItem],
    earlier: Sequence[FeedRunStats],
    *,
    edited: Sequence[FeedItem] = (),
    relocated_to: Collection[str] = (),
    known_words: KnownWords,
) -> Anomaly | None:
    """Return the first rule that the run breaks; None when it is like the admitted runs before.

    `earlier` are runs with new items; `relocated_to` are sites where the feed has shown its known entries again.
    """
    if len(earlier) < _MIN_EARLIER_RUNS:
        return None
    used_languages = {language for run in earlier for language in run.languages}
    linked_sites = {site for run in earlier for site in run.sites}
    if anomaly := _volume(stats, earlier):
        return anomaly
    for group, what in ((items, "new"), (edited, "changed")):
        anomaly = (
            _language(group, what, used_languages)
            or _foreign_links(group, what, linked_sites, relocated_to)
            or _vocabulary(group, what, known_words)
        )
        if anomaly:
            return anomaly
    return None


def _volume(stats: FeedRunStats, earlier: Sequence[FeedRunStats]) -> Anomaly | None:
    median_items = median(run.items for run in earlier)
    if stats.items <= _MIN_VOLUME:
        return None
    why = f"{stats.items} new items where {median_items:g} are usual"
    if stats.items >= _BACKDATED_VOLUME_FACTOR * median_items and stats.backdated > stats.items / 2:
        backdated = f"{stats.backdated} of them dated over a week before its last night"
        return Anomaly(rule=AnomalyRule.VOLUME, why=f"{why}, {backdated}")
    moments = sorted(run.night_at for run in earlier)
    interval = median((later - sooner).total_seconds() for sooner, later in pairwise(moments))
    runs_since = max(1.0, (stats.night_at - moments[-1]).total_seconds() / max(interval, 1.0))
    if stats.items >= _VOLUME_FACTOR * median_items * runs_since:
        return Anomaly(rule=AnomalyRule.VOLUME, why=why)
    return None


def _language(items: Sequence[FeedItem], what: str, used_languages: Collection[str]) -> Anomaly | None:
    languages = Counter(item.language for item in items if item.language is not None)
    known, foreign = sum(languages.values()), _without(languages, used_languages)
    if known < _MIN_LANGUAGE_ITEMS or not used_languages or sum(foreign.values()) <= known / 2:
        return None
    why = f"{sum(foreign.values())} of {known} {what} items in {_top_names(foreign)}, which it never spoke"
    return Anomaly(rule=AnomalyRule.LANGUAGE, why=why)


def _foreign_links(
    items: Sequence[FeedItem], what: str, linked_sites: Collection[str], relocated_to: Collection[str]
) -> Anomaly | None:
    foreign = _without(Counter(item.site for item in items), {*linked_sites, *relocated_to})
    if len(items) < _MIN_LINK_ITEMS or len(linked_sites) > _MAX_SITES or sum(foreign.values()) < len(items):
        return None
    why = f"all {len(items)} {what} items link to {_top_names(foreign)}, which it never did"
    return Anomaly(rule=AnomalyRule.FOREIGN_LINKS, why=why)


def _vocabulary(items: Sequence[FeedItem], what: str, known_words: KnownWords) -> Anomaly | None:
    readable = [item for item in items if item.language in _VOCABULARY_LANGUAGES]
    if len(readable) < _MIN_VOCABULARY_ITEMS:
        return None
    minimum = max(_MIN_WORD_ITEMS, _WORD_SHARE * len(readable))
    in_titles = Counter(word for item in readable for word in item.title_words)
    shared = {
        word: count
        for word, count in document_frequencies(readable).items()
        if count >= minimum and in_titles[word] >= _MIN_WORD_TITLES
    }
    new_words = _without(shared, known_words(shared))
    matching = sum(not item.words.isdisjoint(new_words) for item in readable)
    if len(new_words) < _MIN_NEW_WORDS or matching < _VOCABULARY_SHARE * len(readable):
        return None
    share = f"{matching} of {len(readable)} {what} items"
    why = f"{share} share words that were hardly ever said before: {_top_names(new_words)}"
    return Anomaly(rule=AnomalyRule.VOCABULARY, why=why)


def _without(counts: Mapping[str, int], known: Collection[str]) -> Counter[str]:
    return Counter({name: number for name, number in counts.items() if name not in known})


def _top_names(counts: Counter[str]) -> str:
    """Return the three most frequent names."""
    names = sorted(counts, key=lambda name: (-counts[name], name))
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
