"""When each feed is asked next, and where: what its history says. Nothing here asks, stores or knows the time.

The rules, the first that applies:

1. A feed that was never asked is due, and so is one that a person asked for since its last request.
2. One that answered 410 (gone) is due no more.
3. One whose last request failed waits longer each time, from an hour (five minutes when no answer came) up to two
   days and half a day of spread, which is another for each feed: those of one host part.
4. One that answered waits as long as its own pace, its answer's freshness and its document's wishes say, whichever
   is the longest; never longer than `latest`, so that a nightly run finds every feed due that answered the night
   before.
5. Whatever the rule: not before the moment that its site gave in a Retry-After to any request of ours.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import takewhile

from newsclust.errors import Reason
from newsclust.model import Wishes
from newsclust.urls import registered_domain

_FIRST_WAIT = timedelta(hours=1)  # after an error that the site told us
_FIRST_WAIT_UNANSWERED = timedelta(minutes=5)  # it may well have been our own network
_LONGEST_WAIT = timedelta(days=2)
_SPREAD = 0.25  # of the wait, at most, comes on top of it
_DAYS_TO_MOVE = 3


class Rule(StrEnum):
    """What decided. Closed: analysts `GROUP BY rule`."""

    NEW = "new"  # never asked
    ASKED_FOR = "requested"  # by a person, for this feed
    ALL = "all"  # by the settings, for every feed
    AGAIN = "again"  # this run's request got no answer
    GONE = "gone"
    BACK_OFF = "backoff"
    RETRY_AFTER = "retry_after"
    PACE = "pace"  # how often something new stood in it
    FRESH = "http_freshness"  # Cache-Control or Expires
    WISH = "update_hint"  # RSS ttl, or the period of the syndication module
    SKIPPED = "skip_hours"  # RSS skipHours, skipDays


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """The bounds that a person sets: an answered feed waits `soonest` at least and `latest` at most."""

    soonest: timedelta = timedelta(minutes=30)
    latest: timedelta = timedelta(hours=22)  # less than from one night to the next, when the clocks change too
    all_now: bool = False  # ask for every feed, whatever its pace, its wishes and its errors say


USUAL = Rhythm()


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedHistory:
    """What is known of the requests for one feed; the moments of answers and requests are None before the first."""

    feed_id: str
    asked_at: datetime | None = None  # the last request
    reason: Reason | None = None  # why it failed
    unanswered: bool = False  # it failed without any answer
    interrupted: bool = False  # ... in the run that is under way
    failures: int = 0  # runs since the last answer in which the feed failed
    answered_at: datetime | None = None  # the last good answer, "not modified" included
    watched_since: datetime | None = None  # an earlier one, from which on new entries are counted
    new_entries: int = 0  # after it
    fresh_until: datetime | None = None
    wishes: Wishes = field(default_factory=Wishes)
    asked_for_at: datetime | None = None  # when a person last said: ask now
    site_retry_at: datetime | None = None  # the latest Retry-After of its site


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """When a feed is asked next, None for never, and what decided."""

    at: datetime | None
    rule: Rule
    why: str

    def by(self, now: datetime) -> bool:
        return self.at is not None and self.at <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One request to the address that a feed moved to."""

    at: datetime
    reason: str | None  # why it failed, or why its document could not be read


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirected:
    """One good answer, and where permanent redirects led to on the way; None when there were none."""

    at: datetime
    moved_to: str | None


def next_request(history: FeedHistory, rhythm: Rhythm, now: datetime) -> Due:
    """When the feed is asked next, by the rules above."""
    due = _wanted(history, rhythm, now)
    held = history.site_retry_at
    if due.at is None or held is None or held <= max(due.at, now):
        return due
    return Due(at=held, rule=Rule.RETRY_AFTER, why=f"its site wants no request before {_clock(held)}")


def moved_address(answers: Sequence[Redirected]) -> str | None:
    """Where the feed lives now: the address that the last answers of three days led to, and no other, else None.

    `answers` are those of the present address, the newest first. A single answer without a permanent redirect, or
    with another target, begins the count anew (RFC 9110, 15.4.2: links should be changed; three days because a
    mistaken 301 is as common as a meant one).
    """
    days = set()
    for answer in answers:
        if answer.moved_to is None or answer.moved_to != answers[0].moved_to:
            return None
        days.add(answer.at.astimezone(UTC).date())
        if len(days) == _DAYS_TO_MOVE:
            return answer.moved_to
    return None


def moved_in_vain(tries: Sequence[Tried]) -> bool:
    """Whether a feed goes back to where it was asked before: it is gone where it moved to, or failed for three days.

    `tries` are those of the new address, the newest first. To go back does no harm: where the earlier address still
    redirects, the redirect is followed.
    """
    if tries and tries[0].reason == Reason.GONE:
        return True
    failed = takewhile(lambda one: one.reason is not None, tries)
    return len({one.at.astimezone(UTC).date() for one in failed}) >= _DAYS_TO_MOVE


def site_of(url: str) -> str:
    """What shares one politeness: the registered domain of an address; the address itself when it has none."""
    try:
        return registered_domain(url)
    except ValueError:
        return url


def latest_by_site(moments: Iterable[tuple[str, datetime]]) -> dict[str, datetime]:
    """The latest moment of each site, of (address, moment)."""
    latest: dict[str, datetime] = {}
    for url, moment in moments:
        site = site_of(url)
        latest[site] = max(moment, latest.get(site, moment))
    return latest


def _wanted(history: FeedHistory, rhythm: Rhythm, now: datetime) -> Due:
    """When the feed would be asked, were it alone on its site."""
    if history.asked_at is None:
        return Due(at=now, rule=Rule.NEW, why="never asked yet")
    if history.asked_for_at is not None and history.asked_for_at > history.asked_at:
        return Due(at=now, rule=Rule.ASKED_FOR, why=f"asked for by a person on {_clock(history.asked_for_at)}")
    if history.reason is Reason.GONE:
        return Due(at=None, rule=Rule.GONE, why=f"it answered on {_clock(history.asked_at)} that it is gone")
    if rhythm.all_now:
        return Due(at=now, rule=Rule.ALL, why="the settings ask for every feed")
    if history.interrupted:
        return Due(at=now, rule=Rule.AGAIN, why=f"no answer in this run: {history.reason}")
    if history.reason is not None or history.answered_at is None:
        return _after_failures(history, history.asked_at)
    return _after_answer(history, history.answered_at, rhythm, now)


def _after_failures(history: FeedHistory, asked_at: datetime) -> Due:
    first = _FIRST_WAIT_UNANSWERED if history.unanswered else _FIRST_WAIT
    wait = min(first * 2 ** min(max(history.failures, 1) - 1, 16), _LONGEST_WAIT)
    wait *= 1 + _SPREAD * _share(history.feed_id, history.failures)
    failed = "once" if history.failures <= 1 else f"in {history.failures} runs"
    return Due(at=asked_at + wait, rule=Rule.BACK_OFF, why=f"failed {failed}: {history.reason}")


def _after_answer(history: FeedHistory, answered_at: datetime, rhythm: Rhythm, now: datetime) -> Due:
    pace, said = _pace(history, answered_at, rhythm)
    last = answered_at + rhythm.latest
    due = Due(at=answered_at + pace, rule=Rule.PACE, why=said)
    every = history.wishes.every
    if every is not None and every > pace:
        why = f"it wants to be asked every {_length(every)}"
        due = Due(at=min(answered_at + every, last), rule=Rule.WISH, why=why + _cut(every, rhythm))
    fresh = history.fresh_until
    if fresh is not None and due.at is not None and fresh > due.at:
        why = f"its answer holds until {_clock(fresh)}" + _cut(fresh - answered_at, rhythm)
        due = Due(at=min(fresh, last), rule=Rule.FRESH, why=why)
    return _outside_skipped(due, history.wishes, last, now)


def _cut(wait: timedelta, rhythm: Rhythm) -> str:
    """The words for a wish that the settings do not grant whole."""
    return f"; the settings wait {_length(rhythm.latest)} at most" if wait > rhythm.latest else ""


def _pace(history: FeedHistory, answered_at: datetime, rhythm: Rhythm) -> tuple[timedelta, str]:
    """How long the feed is left alone after an answer: the mean time between two new entries, as far as it is known.

    One entry more than were seen is counted, so that a feed that showed nothing new yet is asked after as long as it
    has been watched: twice as long each time.
    """
    watched = answered_at - (history.watched_since or answered_at)
    pace = max(rhythm.soonest, min(watched / (history.new_entries + 1), rhythm.latest))
    return pace, f"{history.new_entries} new in {_length(watched)}: every {_length(pace)}"


def _outside_skipped(due: Due, wishes: Wishes, last: datetime, now: datetime) -> Due:
    """The same, moved behind hours and days that the feed wants skipped, but not behind `last`."""
    at = due.at
    if at is None or not (wishes.skip_hours or wishes.skip_days):
        return due
    begin = at = max(at, now)
    while at < last and (at.hour in wishes.skip_hours or at.weekday() in wishes.skip_days):
        at = at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    if at == begin:
        return due
    return Due(at=max(begin, min(at, last)), rule=Rule.SKIPPED, why=f"it wants {_clock(begin)} skipped")


def _share(*key: object) -> float:
    """A number from 0 to 1 that belongs to the key, on every machine."""
    digest = hashlib.sha256("\x1f".join(map(str, key)).encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def _clock(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _length(span: timedelta) -> str:
    hours = span / timedelta(hours=1)
    return f"{hours * 60:.0f} min" if hours < 2 else f"{hours:.0f} h" if hours < 72 else f"{hours / 24:.0f} days"
