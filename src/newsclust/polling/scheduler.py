"""When each feed is requested next: a pure decision from its history, without network, store or clock.

The rules, the first that applies:

1. A feed that was never requested is due, and so is one for which a person asked since its last request.
2. One that answered 410 (gone) is never due again. One whose last request lies over a day in the future is due:
   the clock was wrong then.
3. Backoff: one whose last request failed waits longer each time, from one hour (five minutes when no answer came),
   doubled with each run that failed, up to two days. A jitter of at most a quarter of the wait comes on top, another
   for each feed, which separates the feeds of one host.
4. One that answered waits as long as its own pace, HTTP freshness and update hints say, whichever is the longest;
   never longer than `max_interval`, so that a nightly run finds every feed due that answered the night before.
5. Whatever the rule: not before the moment that its site gave in a Retry-After to any of our requests.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from newsclust.clock import TOLERANCE
from newsclust.errors import Reason
from newsclust.model import UpdateHints
from newsclust.urls import site_of

_FIRST_BACKOFF = timedelta(hours=1)  # after an error that the site answered
_FIRST_BACKOFF_UNANSWERED = timedelta(minutes=5)  # it may well have been our own network
_MAX_BACKOFF = timedelta(days=2)
_JITTER = 0.25  # of the wait, at most, comes on top of it


class ScheduleRule(StrEnum):
    """What decided when a feed is requested next. Closed: analysts `GROUP BY rule`."""

    NEW = "new"  # never requested
    REQUESTED = "requested"  # by a person, for this feed
    ALL = "all"  # by the settings, for every feed
    AGAIN = "again"  # this run's request got no answer
    GONE = "gone"
    CLOCK = "clock"  # its last request lies in the future: the clock was wrong then
    BACKOFF = "backoff"
    RETRY_AFTER = "retry_after"
    PACE = "pace"  # how often new entries appeared
    HTTP_FRESHNESS = "http_freshness"  # Cache-Control or Expires
    UPDATE_HINT = "update_hint"  # RSS ttl, or the period of the syndication module
    SKIP_HOURS = "skip_hours"  # RSS skipHours, skipDays


@dataclass(frozen=True, slots=True, kw_only=True)
class PollingLimits:
    """Bounds that a person sets: how long a feed that answered waits at least and at most."""

    min_interval: timedelta = timedelta(minutes=30)
    max_interval: timedelta = timedelta(hours=22)  # less than from one night to the next, with summer time too
    poll_all: bool = False  # request every feed, whatever its pace, update hints and failures say


DEFAULT_LIMITS = PollingLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedHistory:
    """Requests for one feed so far; the moments of answers and requests are None before the first."""

    feed_id: str
    requested_at: datetime | None = None  # the last request
    reason: Reason | None = None  # why it failed
    unanswered: bool = False  # it failed without any answer
    interrupted: bool = False  # ... in the run that is under way
    failed_runs: int = 0  # runs since the last good answer in which the feed failed
    answered_at: datetime | None = None  # the last good answer, "not modified" included
    observed_since: datetime | None = None  # an earlier good answer, from which on new entries are counted
    new_entries: int = 0  # after it
    fresh_until: datetime | None = None
    update_hints: UpdateHints = field(default_factory=UpdateHints)
    refresh_requested_at: datetime | None = None  # when a person last asked for this feed
    site_retry_at: datetime | None = None  # the latest Retry-After of its site


@dataclass(frozen=True, slots=True, kw_only=True)
class NextPoll:
    """When a feed is requested next, None for never, and which rule decided."""

    at: datetime | None
    rule: ScheduleRule
    why: str

    def is_due(self, now: datetime) -> bool:
        """Return whether the feed may be requested at this moment."""
        return self.at is not None and self.at <= now


def next_request(history: FeedHistory, limits: PollingLimits, now: datetime) -> NextPoll:
    """Return when the feed is requested next, by the rules above."""
    poll = _without_site_limit(history, limits, now)
    blocked_until = history.site_retry_at
    if poll.at is None or blocked_until is None or blocked_until <= max(poll.at, now):
        return poll
    why = f"its site wants no request before {_minute(blocked_until)}"
    return NextPoll(at=blocked_until, rule=ScheduleRule.RETRY_AFTER, why=why)


def latest_by_site(moments: Iterable[tuple[str, datetime]]) -> dict[str, datetime]:
    """Return the latest moment of each site, from (URL, moment) pairs."""
    latest: dict[str, datetime] = {}
    for url, moment in moments:
        site = site_of(url)
        latest[site] = max(moment, latest.get(site, moment))
    return latest


def _without_site_limit(history: FeedHistory, limits: PollingLimits, now: datetime) -> NextPoll:
    """Return when the feed would be requested, were it alone on its site."""
    requested_at, refresh_at = history.requested_at, history.refresh_requested_at
    if requested_at is None:
        return NextPoll(at=now, rule=ScheduleRule.NEW, why="never requested yet")
    if refresh_at is not None and refresh_at > requested_at:
        why = f"requested by a person on {_minute(refresh_at)}"
        return NextPoll(at=now, rule=ScheduleRule.REQUESTED, why=why)
    if history.reason is Reason.GONE:
        why = f"it answered on {_minute(requested_at)} that it is gone"
        return NextPoll(at=None, rule=ScheduleRule.GONE, why=why)
    if requested_at > now + TOLERANCE:
        why = f"its last request is dated {_minute(requested_at)}: the clock was wrong then"
        return NextPoll(at=now, rule=ScheduleRule.CLOCK, why=why)
    if limits.poll_all:
        return NextPoll(at=now, rule=ScheduleRule.ALL, why="the settings request every feed")
    if history.interrupted:
        return NextPoll(at=now, rule=ScheduleRule.AGAIN, why=f"no answer in this run: {history.reason}")
    if history.reason is not None or history.answered_at is None:
        return _backoff(history, requested_at)
    return _after_answer(history, history.answered_at, limits, now)


def _backoff(history: FeedHistory, requested_at: datetime) -> NextPoll:
    """Return the wait after failures: exponential, bounded, with a jitter that belongs to the feed."""
    first = _FIRST_BACKOFF_UNANSWERED if history.unanswered else _FIRST_BACKOFF
    wait = min(first * 2 ** min(max(history.failed_runs, 1) - 1, 16), _MAX_BACKOFF)
    wait *= 1 + _JITTER * _fraction_of(history.feed_id, history.failed_runs)
    failed = "once" if history.failed_runs <= 1 else f"in {history.failed_runs} runs"
    return NextPoll(at=requested_at + wait, rule=ScheduleRule.BACKOFF, why=f"failed {failed}: {history.reason}")


def _after_answer(history: FeedHistory, answered_at: datetime, limits: PollingLimits, now: datetime) -> NextPoll:
    """Return the longest of pace, update hint and HTTP freshness, at most `max_interval` after the answer."""
    pace, why = _pace(history, answered_at, limits)
    latest = answered_at + limits.max_interval
    poll = NextPoll(at=answered_at + pace, rule=ScheduleRule.PACE, why=why)
    interval = history.update_hints.interval
    if interval is not None and interval > pace:
        why = f"its update hint is every {_duration(interval)}" + _shortened(interval, limits)
        poll = NextPoll(at=min(answered_at + interval, latest), rule=ScheduleRule.UPDATE_HINT, why=why)
    fresh_until = history.fresh_until
    if fresh_until is not None and poll.at is not None and fresh_until > poll.at:
        why = f"its answer is fresh until {_minute(fresh_until)}" + _shortened(fresh_until - answered_at, limits)
        poll = NextPoll(at=min(fresh_until, latest), rule=ScheduleRule.HTTP_FRESHNESS, why=why)
    return _after_skipped_hours(poll, history.update_hints, latest, now)


def _shortened(wait: timedelta, limits: PollingLimits) -> str:
    """Return the words for a wait that the settings cut short; empty when they do not."""
    return f"; the settings wait {_duration(limits.max_interval)} at most" if wait > limits.max_interval else ""


def _pace(history: FeedHistory, answered_at: datetime, limits: PollingLimits) -> tuple[timedelta, str]:
    """Return the mean time between two new entries as far as it is known, within the limits, and why.

    One entry more than were seen is counted, so that a feed that showed nothing new yet waits as long as it has been
    observed: twice as long each time.
    """
    observed = answered_at - (history.observed_since or answered_at)
    pace = max(limits.min_interval, min(observed / (history.new_entries + 1), limits.max_interval))
    return pace, f"{history.new_entries} new in {_duration(observed)}: every {_duration(pace)}"


def _after_skipped_hours(poll: NextPoll, hints: UpdateHints, latest: datetime, now: datetime) -> NextPoll:
    """Return the poll moved behind the hours and days that the feed wants skipped, but not behind `latest`."""
    at = poll.at
    if at is None or not (hints.skip_hours or hints.skip_days):
        return poll
    begin = at = max(at, now)
    while at < latest and (at.hour in hints.skip_hours or at.weekday() in hints.skip_days):
        at = at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    if at == begin:
        return poll
    why = f"it wants {_minute(begin)} skipped"
    return NextPoll(at=max(begin, min(at, latest)), rule=ScheduleRule.SKIP_HOURS, why=why)


def _fraction_of(*key: object) -> float:
    """Return a number from 0 to 1 that belongs to the key, the same on every machine."""
    digest = hashlib.sha256("\x1f".join(map(str, key)).encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _duration(span: timedelta) -> str:
    hours = span / timedelta(hours=1)
    return f"{hours * 60:.0f} min" if hours < 2 else f"{hours:.0f} h" if hours < 72 else f"{hours / 24:.0f} days"
