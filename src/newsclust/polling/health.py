"""How a feed does: its state, since when, and the sentence that explains it. Pure; the store gathers the facts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from newsclust.errors import Reason

SLOW_S = 5.0  # an answer that takes longer is slow
UNDATED_SHARE = 0.5  # of a night's new items: with more, the night counts as undated
_SLOW_ANSWERS = 3  # in a row, for a slow feed
_CHANGED_FOR = timedelta(days=7)  # a change counts so long, and one that follows sooner goes on with it
_SILENT_FROM = timedelta(days=14)
_SILENT_PAUSES = 4  # times the feed's mean pause between two nights with something new
_NO_FEED = {Reason.HTML_NOT_FEED, Reason.NOT_A_FEED}


class HealthState(StrEnum):
    """What is to be said of a feed first: of several states that fit, the first in this order."""

    UNLISTED = "unlisted"
    NEW = "new"
    QUARANTINED = "quarantined"
    GONE = "gone"
    THROTTLED = "throttled"
    FAILING = "failing"
    CHANGED = "changed"
    UNREADABLE = "unreadable"
    SILENT = "silent"
    UNDATED = "undated"
    SLOW = "slow"
    HEALTHY = "healthy"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedChange:
    """One thing that a feed changed of all its entries at once: their guids or their links."""

    at: datetime
    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFacts:
    """What is stored of one feed's requests, documents, entries and nights."""

    feed_id: str
    added_at: datetime
    is_listed: bool = True
    listed_by: str | None = None  # the subscription that named it; None: feeds.toml
    requests: int = 0
    last_request_at: datetime | None = None
    last_answer_at: datetime | None = None
    last_reason: Reason | None = None  # why the last request failed; None: it was answered
    last_detail: str = ""
    retry_at: datetime | None = None  # Retry-After of the last request
    failures: int = 0  # requests since the last answer
    failing_since: datetime | None = None
    slow_answers: int = 0  # since the last one within SLOW_S
    slow_since: datetime | None = None
    read_at: datetime | None = None  # when the document was downloaded that was read last, well or not
    parse_failed_at: datetime | None = None  # the latest
    parse_reason: Reason | None = None  # of that one
    parse_failing_since: datetime | None = None  # since entries were last seen
    entries: int = 0
    last_new_at: datetime | None = None
    mean_pause_s: float = 0.0  # between two nights with something new
    undated_since: datetime | None = None  # the first of the undated nights in a row; None: the last one was dated
    undated_items: int = 0  # of those nights
    undated_of: int = 0  # their new items
    quarantined_since: datetime | None = None
    quarantine_why: str = ""
    changes: Sequence[FeedChange] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedHealth:
    """How one feed does."""

    state: HealthState
    since: datetime | None = None  # of unlisted feeds the last request; None for healthy ones
    why: str = ""  # one sentence, with its numbers
    reason: Reason | None = None  # why its last request failed, else why its document cannot be read


def feed_health(facts: FeedFacts) -> FeedHealth:
    """Return how a feed does, as of its last answer.

    Slow: its last three answers took over 5 s each. Undated: over half of what it last showed had no date one can
    trust. Silent: nothing new for two weeks and four times its mean pause between two nights with something new.
    """
    reason = facts.last_reason or (facts.parse_reason if _is_unreadable(facts) else None)
    for rule in _RULES:
        if found := rule(facts):
            state, since, why = found
            return FeedHealth(state=state, since=since, why=why, reason=reason)
    return FeedHealth(state=HealthState.HEALTHY, reason=reason)


_Finding = tuple[HealthState, datetime | None, str]


def _unlisted(facts: FeedFacts) -> _Finding | None:
    if facts.is_listed:
        return None
    return HealthState.UNLISTED, facts.last_request_at, f"{facts.listed_by or 'the list of feeds'} names it no more"


def _new(facts: FeedFacts) -> _Finding | None:
    return None if facts.requests else (HealthState.NEW, facts.added_at, "never asked yet")


def _quarantined(facts: FeedFacts) -> _Finding | None:
    if facts.quarantined_since is None:
        return None
    return HealthState.QUARANTINED, facts.quarantined_since, facts.quarantine_why


def _gone(facts: FeedFacts) -> _Finding | None:
    if facts.last_reason is not Reason.GONE:
        return None
    return HealthState.GONE, facts.failing_since, "it answered that it is gone"


def _throttled(facts: FeedFacts) -> _Finding | None:
    if facts.last_reason is not Reason.THROTTLED:
        return None
    if facts.retry_at is not None:
        why = f"its site wants no request before {facts.retry_at:%Y-%m-%d %H:%M} UTC"
    else:
        refused = f"{facts.failures} refused in a row, the last one with {facts.last_detail}"
        why = f"its site wants fewer requests: {refused}"
    return HealthState.THROTTLED, facts.failing_since, why


def _failing(facts: FeedFacts) -> _Finding | None:
    if facts.last_reason is None:
        return None
    failed = "request failed" if facts.failures == 1 else f"{facts.failures} requests failed, the latest"
    detail = f" ({facts.last_detail})" if facts.last_detail else ""
    return HealthState.FAILING, facts.failing_since, f"its last {failed}: {facts.last_reason}{detail}"


def _unreadable(facts: FeedFacts) -> _Finding | None:
    if not _is_unreadable(facts):
        return None
    since = facts.parse_failing_since or facts.parse_failed_at
    if facts.entries and facts.parse_reason in _NO_FEED:
        return HealthState.CHANGED, since, f"it was a feed, and is none any more: {facts.parse_reason}"
    return HealthState.UNREADABLE, since, f"its document cannot be read: {facts.parse_reason}"


def _changed(facts: FeedFacts) -> _Finding | None:
    """Entries with new guids or links, in the week before the last answer; the sentence is of the latest change."""
    changes = _ongoing(facts.changes)
    if not changes or facts.last_answer_at is None or changes[-1].at <= facts.last_answer_at - _CHANGED_FOR:
        return None
    nights = len({change.at for change in changes})
    latest = sorted((change for change in changes if change.at == changes[-1].at), key=lambda change: change.what)
    why = "; ".join(change.why for change in latest)
    return HealthState.CHANGED, changes[0].at, f"{why}, on {nights} nights so far" if nights > 1 else why


def _silent(facts: FeedFacts) -> _Finding | None:
    if facts.last_new_at is None:
        return HealthState.SILENT, facts.added_at, "it never showed anything"
    if facts.last_answer_at is None:
        return None
    silence = facts.last_answer_at.replace(microsecond=0) - facts.last_new_at.replace(microsecond=0)
    if silence <= max(_SILENT_FROM, timedelta(seconds=_SILENT_PAUSES * facts.mean_pause_s)):
        return None
    days = (facts.last_answer_at.date() - facts.last_new_at.date()).days
    return HealthState.SILENT, facts.last_new_at, f"nothing new for {days} days"


def _undated(facts: FeedFacts) -> _Finding | None:
    if facts.undated_since is None:
        return None
    why = f"{facts.undated_items} of {facts.undated_of} new items without a date one can trust"
    return HealthState.UNDATED, facts.undated_since, why


def _slow(facts: FeedFacts) -> _Finding | None:
    if facts.slow_answers < _SLOW_ANSWERS:
        return None
    return HealthState.SLOW, facts.slow_since, f"{facts.slow_answers} answers in a row took over {SLOW_S:g} s"


_RULES: tuple[Callable[[FeedFacts], _Finding | None], ...] = (
    _unlisted,
    _new,
    _quarantined,
    _gone,
    _throttled,
    _failing,
    _unreadable,
    _changed,
    _silent,
    _undated,
    _slow,
)


def _is_unreadable(facts: FeedFacts) -> bool:
    """Whether the document that was read last could not be: no later one was downloaded since it failed."""
    if facts.parse_failed_at is None:
        return False
    return facts.read_at is None or facts.parse_failed_at >= facts.read_at


def _ongoing(changes: Sequence[FeedChange]) -> Sequence[FeedChange]:
    """Return the changes since the last pause of over seven days, the oldest first."""
    ordered = sorted(changes, key=lambda change: change.at)
    begins = [0, *(i for i, (a, b) in enumerate(pairwise(ordered), start=1) if b.at > a.at + _CHANGED_FOR)]
    return ordered[begins[-1] :]
