"""The decision for all feeds of one run together: whether a word is new depends on what the other feeds say."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from newsclust.quarantine.history import FeedItem, FeedRunStats, recurring_words, run_stats
from newsclust.quarantine.rules import Anomaly, KnownWords, find_anomaly

WordLookup = Callable[[str, Collection[str]], Collection[str]]  # (feed id, words): those known to archive or feed


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRun:
    """What one run saw new or changed of one feed.

    `is_exempt`: its entries became articles before the quarantine was introduced; it is learned from and not checked.
    """

    feed_id: str
    run_id: str
    night_at: datetime
    content_type: str | None
    is_exempt: bool
    new: Sequence[FeedItem]
    edited: Sequence[FeedItem]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedRun:
    """Statistics of one feed's run and the anomaly found; the entries of a `quarantined` one become no articles."""

    stats: FeedRunStats
    recurring_words: Collection[str]
    content_type: str | None
    anomaly: Anomaly | None
    quarantined: bool


def check_run(
    feed_runs: Sequence[FeedRun],
    history: Mapping[str, Sequence[FeedRunStats]],
    *,
    relocated_to: Mapping[str, Collection[str]],
    quarantined: Collection[str],
    look_up: WordLookup,
) -> list[CheckedRun]:
    """Return the decision for each feed of one run, in order.

    `history` are the admitted runs with new items by feed id, the oldest first; `relocated_to` the sites where feeds
    have shown their known entries again; `quarantined` the feeds that are so already.
    """
    all_stats = {run.feed_id: _stats_of(run, history.get(run.feed_id, ())) for run in feed_runs}

    def anomaly_of(run: FeedRun, known_words: KnownWords) -> Anomaly | None:
        earlier = history.get(run.feed_id, ())
        if run.is_exempt:
            return None
        # A new subscription of an account brings old items, and another language if its owner likes: no habit says
        # otherwise. What its known feeds show is compared as ever.
        settled = [item for item in run.new if not item.from_new_source]
        return find_anomaly(
            all_stats[run.feed_id] if len(settled) == len(run.new) else _stats_of(replace(run, new=settled), earlier),
            settled,
            earlier,
            edited=run.edited,
            relocated_to=relocated_to.get(run.feed_id, ()),
            known_words=known_words,
        )

    # First without `vocabulary`: every word counts as known. Two domains sold to one buyer publish the same words, so
    # a feed that breaks another rule does not make its words known for the others.
    by_other_rules = {run.feed_id: anomaly_of(run, set) for run in feed_runs}
    feeds_of_word = _feeds_by_word(
        run for run in feed_runs if by_other_rules[run.feed_id] is None and run.feed_id not in quarantined
    )

    def known_words_for(feed_id: str) -> KnownWords:
        def known_words(words: Collection[str]) -> set[str]:
            by_others = {word for word in words if feeds_of_word.get(word, set()) - {feed_id}}
            return by_others | set(look_up(feed_id, set(words) - by_others))

        return known_words

    checked = []
    for run in feed_runs:
        anomaly = by_other_rules[run.feed_id] or anomaly_of(run, known_words_for(run.feed_id))
        checked.append(
            CheckedRun(
                stats=all_stats[run.feed_id],
                recurring_words=recurring_words(run.new),
                content_type=run.content_type,
                anomaly=anomaly,
                quarantined=anomaly is not None or run.feed_id in quarantined,
            )
        )
    return checked


def _stats_of(run: FeedRun, earlier: Sequence[FeedRunStats]) -> FeedRunStats:
    last_night_at = earlier[-1].night_at if earlier else None
    return run_stats(run.feed_id, run.run_id, run.night_at, run.new, last_night_at, edited=run.edited)


def _feeds_by_word(feed_runs: Iterable[FeedRun]) -> dict[str, set[str]]:
    """Return the feeds whose new items hold each word in this run."""
    feeds: dict[str, set[str]] = {}
    for run in feed_runs:
        for item in run.new:
            for word in item.words:
                feeds.setdefault(word, set()).add(run.feed_id)
    return feeds
