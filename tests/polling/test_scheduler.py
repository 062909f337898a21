"""When and where feeds are asked next: the rules, what they read from the database, and the nights that follow."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from newsclust import pipeline
from newsclust.errors import FetchError, Reason, SettingsError
from newsclust.model import Count, Feed, Fetch, Page, PagePolicy, Request, Run, UpdateHints, id_of
from newsclust.overrides import FeedCommand, FeedCommandKind, append_feed_command, read_feed_commands
from newsclust.polling.http_freshness import MAX_FRESHNESS, MAX_RETRY_AFTER, fresh_until, retry_at
from newsclust.polling.redirects import RedirectAnswer, moved_address
from newsclust.polling.scheduler import (
    DEFAULT_LIMITS,
    FeedHistory,
    NextPoll,
    PollingLimits,
    ScheduleRule,
    next_request,
)
from newsclust.sources.entries import parse_feed
from newsclust.store import Database, runs
from newsclust.urls import site_of

NIGHT = datetime(2026, 3, 2, 3, 30, tzinfo=UTC)  # a Monday
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def answered(**known: Any) -> FeedHistory:
    """A feed that answered at `NIGHT`, for the first time unless something else is known."""
    return FeedHistory(
        **{"feed_id": "a", "requested_at": NIGHT, "answered_at": NIGHT, "observed_since": NIGHT} | known
    )


def failed(feed_id: str = "a", **known: Any) -> FeedHistory:
    return FeedHistory(
        **{"feed_id": feed_id, "requested_at": NIGHT, "reason": Reason.SERVER_ERROR, "failed_runs": 1} | known
    )


def due(history: FeedHistory, *, limits: PollingLimits = DEFAULT_LIMITS, now: datetime = NIGHT) -> NextPoll:
    return next_request(history, limits, now)


def waits(history: FeedHistory, **known: Any) -> tuple[ScheduleRule, timedelta]:
    decided = due(history, **known)
    assert decided.at is not None
    return decided.rule, decided.at - NIGHT


# --- the rules


@pytest.mark.parametrize(
    "known", [{}, {"reason": Reason.TIMEOUT, "failed_runs": 3}, {"fresh_until": NIGHT + 2000 * DAY}]
)
def test_a_feed_whose_last_request_lies_in_the_future_is_due(known: dict[str, Any]) -> None:
    later = NIGHT + 1800 * DAY
    decided = due(answered(requested_at=later, answered_at=later, observed_since=later, **known))
    assert (decided.rule, decided.at) == (ScheduleRule.CLOCK, NIGHT)
    assert "dated 2031-02-04 03:30 UTC: the clock was wrong then" in decided.why


def test_a_feed_that_is_gone_stays_so_whatever_the_clock_said() -> None:
    assert due(failed(requested_at=NIGHT + 1800 * DAY, reason=Reason.GONE)).rule is ScheduleRule.GONE


def test_a_request_of_less_than_a_day_ahead_is_no_wrong_clock() -> None:
    assert due(answered(requested_at=NIGHT + DAY, answered_at=NIGHT + DAY)).rule is ScheduleRule.PACE


def test_a_feed_that_was_never_asked_is_due() -> None:
    assert due(FeedHistory(feed_id="a")) == NextPoll(at=NIGHT, rule=ScheduleRule.NEW, why="never requested yet")


def test_a_feed_that_has_just_answered_is_left_alone_for_half_an_hour() -> None:
    assert waits(answered()) == (ScheduleRule.PACE, 30 * MINUTE)
    assert not due(answered(), now=NIGHT + 5 * MINUTE).is_due(NIGHT + 5 * MINUTE)


@pytest.mark.parametrize(
    ("entries", "hours"),
    [(0, 22), (1, 22), (11, 14), (23, 7), (167, 1), (10_000, 0.5)],
    ids=["silent", "two a fortnight", "twelve", "two dozen", "a day's 24", "a firehose"],
)
def test_busy_feeds_are_asked_often_and_sleepy_ones_once_a_night(entries: int, hours: float) -> None:
    week = answered(observed_since=NIGHT - 7 * DAY, new_entries=entries)
    assert waits(week) == (ScheduleRule.PACE, timedelta(hours=hours))


def test_a_feed_that_stays_silent_is_asked_after_twice_the_time() -> None:
    at, gaps = NIGHT, []
    while len(gaps) < 7:
        decided = due(answered(requested_at=at, answered_at=at))
        assert decided.at is not None
        gaps.append((decided.at - at) / MINUTE)
        at = decided.at
    assert gaps == [30, 30, 60, 120, 240, 480, 960]


def test_every_feed_that_answers_is_due_the_night_after_whatever_it_wishes() -> None:
    hints = UpdateHints(interval=7 * DAY, skip_hours=frozenset(range(24)), skip_days=frozenset(range(7)))
    stubborn = answered(fresh_until=NIGHT + 30 * DAY, update_hints=hints)
    assert due(answered(update_hints=hints)).why.endswith("every 7 days; the settings wait 22 h at most")
    assert not due(stubborn, now=NIGHT + 12 * HOUR).is_due(NIGHT + 12 * HOUR)
    shortest_day = NIGHT + 23 * HOUR - 10 * MINUTE  # the clocks went forward, and the last night began late
    assert due(stubborn, now=shortest_day).is_due(shortest_day)


def test_an_answer_that_holds_for_hours_is_not_asked_for_again_before() -> None:
    assert waits(answered(fresh_until=NIGHT + 5 * HOUR)) == (ScheduleRule.HTTP_FRESHNESS, 5 * HOUR)
    assert waits(answered(fresh_until=NIGHT + 5 * MINUTE)) == (ScheduleRule.PACE, 30 * MINUTE)


def test_the_longest_of_pace_freshness_and_wish_decides() -> None:
    hints = UpdateHints(interval=6 * HOUR)
    assert waits(answered(update_hints=hints, fresh_until=NIGHT + HOUR)) == (ScheduleRule.UPDATE_HINT, 6 * HOUR)
    assert waits(answered(update_hints=hints, fresh_until=NIGHT + 7 * HOUR)) == (
        ScheduleRule.HTTP_FRESHNESS,
        7 * HOUR,
    )
    assert waits(answered(update_hints=hints, observed_since=NIGHT - DAY, new_entries=2)) == (
        ScheduleRule.PACE,
        8 * HOUR,
    )


def test_hours_that_a_feed_wants_skipped_are_waited_out() -> None:
    quiet = answered(update_hints=UpdateHints(skip_hours=frozenset({3, 4, 5})))
    assert waits(quiet) == (ScheduleRule.SKIP_HOURS, 2 * HOUR + 30 * MINUTE)
    assert waits(answered(update_hints=UpdateHints(skip_hours=frozenset({5})))) == (ScheduleRule.PACE, 30 * MINUTE)
    now = NIGHT + HOUR  # it was due half an hour ago, and nobody was there to ask
    assert waits(quiet, now=now) == (ScheduleRule.SKIP_HOURS, 2 * HOUR + 30 * MINUTE)


def test_a_day_that_a_feed_wants_skipped_is_waited_out_as_far_as_a_day_goes() -> None:
    not_on_monday = answered(update_hints=UpdateHints(skip_days=frozenset({0})))
    assert waits(not_on_monday) == (ScheduleRule.SKIP_HOURS, 20 * HOUR + 30 * MINUTE)
    assert waits(replace(not_on_monday, update_hints=UpdateHints(skip_days=frozenset({0, 1})))) == (
        ScheduleRule.SKIP_HOURS,
        22 * HOUR,
    )


def test_errors_put_a_feed_off_longer_each_time_up_to_two_days_and_a_half() -> None:
    hours = [waits(failed(failed_runs=times))[1] / HOUR for times in range(1, 10)]
    assert all(low <= found < 1.25 * low for found, low in zip(hours, [1, 2, 4, 8, 16, 32, 48, 48, 48], strict=True))
    assert waits(failed(failed_runs=10_000))[1] < 60 * HOUR


def test_a_request_without_any_answer_is_tried_again_within_minutes() -> None:
    rule, wait = waits(failed(reason=Reason.TIMEOUT, unanswered=True))
    assert rule is ScheduleRule.BACKOFF
    assert 5 * MINUTE <= wait < 7 * MINUTE


def test_within_a_run_a_request_without_an_answer_may_be_made_again_at_once() -> None:
    assert due(failed(reason=Reason.DNS_FAILED, unanswered=True, interrupted=True)).rule is ScheduleRule.AGAIN


@pytest.mark.parametrize("reason", [Reason.NOT_FOUND, Reason.SERVER_ERROR, Reason.FORBIDDEN, Reason.THROTTLED])
def test_an_error_is_no_end(reason: Reason) -> None:
    assert due(failed(reason=reason)).is_due(NIGHT + 2 * HOUR)


def test_a_feed_that_is_gone_is_asked_again_only_when_a_person_says_so() -> None:
    gone = failed(reason=Reason.GONE)
    assert due(gone).at is None
    assert due(gone, limits=PollingLimits(poll_all=True)).at is None
    assert due(replace(gone, refresh_requested_at=NIGHT + MINUTE)).rule is ScheduleRule.REQUESTED


def test_an_order_counts_once() -> None:
    asked_for = answered(refresh_requested_at=NIGHT - MINUTE)
    assert due(asked_for).rule is ScheduleRule.PACE
    assert due(replace(asked_for, refresh_requested_at=NIGHT + MINUTE)).rule is ScheduleRule.REQUESTED


def test_the_settings_can_ask_for_all_feeds_but_not_against_a_retry_after() -> None:
    every = PollingLimits(poll_all=True)
    assert due(answered(), limits=every).is_due(NIGHT)
    assert due(failed(), limits=every).is_due(NIGHT)
    held = NIGHT + 3 * HOUR
    assert due(answered(site_retry_at=held), limits=every).at == held
    assert due(answered(refresh_requested_at=NIGHT + MINUTE, site_retry_at=held)).at == held


def test_a_retry_after_holds_for_every_feed_of_its_site_new_ones_too() -> None:
    held = NIGHT + 3 * HOUR
    assert due(FeedHistory(feed_id="a", site_retry_at=held)) == NextPoll(
        at=held, rule=ScheduleRule.RETRY_AFTER, why="its site wants no request before 2026-03-02 06:30 UTC"
    )
    assert due(answered(site_retry_at=NIGHT + MINUTE)).rule is ScheduleRule.PACE


moments = st.timedeltas(timedelta(), 365 * DAY).map(lambda span: NIGHT + span)
spans = st.timedeltas(timedelta(), 40 * DAY)
update_hints = st.builds(
    UpdateHints,
    interval=st.none() | spans,
    skip_hours=st.frozensets(st.integers(0, 23)),
    skip_days=st.frozensets(st.integers(0, 6)),
)
ids = st.text("0123456789abcdef", min_size=16, max_size=16)


@st.composite
def histories(draw: st.DrawFn) -> FeedHistory:
    """Any feed that was asked at least once."""
    requested_at = draw(moments)
    reason = draw(st.none() | st.sampled_from([Reason.NOT_FOUND, Reason.TIMEOUT, Reason.THROTTLED, Reason.GONE]))
    earlier = draw(st.none() | spans)
    answered_at = requested_at if reason is None else None if earlier is None else requested_at - earlier
    return FeedHistory(
        feed_id=draw(ids),
        requested_at=requested_at,
        reason=reason,
        unanswered=reason is Reason.TIMEOUT,
        failed_runs=0 if reason is None else draw(st.integers(1, 100)),
        answered_at=answered_at,
        observed_since=None if answered_at is None else answered_at - draw(spans),
        new_entries=draw(st.integers(0, 10_000)),
        fresh_until=draw(st.none() | moments),
        update_hints=draw(update_hints),
        site_retry_at=draw(st.none() | moments),
    )


@given(history=histories(), now=moments)
def test_no_rule_goes_below_the_retry_after(history: FeedHistory, now: datetime) -> None:
    at, held = next_request(history, DEFAULT_LIMITS, now).at, history.site_retry_at
    if at is not None and held is not None and held > now:
        assert at >= held


@given(history=histories(), now=moments, later=spans)
def test_as_time_passes_a_request_only_moves_back_and_a_feed_that_is_due_stays_so(
    history: FeedHistory, now: datetime, later: timedelta
) -> None:
    assume(history.requested_at is None or history.requested_at <= now + DAY)  # else the clock was wrong then
    earlier, decided = (next_request(history, DEFAULT_LIMITS, moment) for moment in (now, now + later))
    if earlier.at is None or decided.at is None:
        assert earlier.at is decided.at is None
        return
    assert max(decided.at, now + later) >= max(earlier.at, now)
    if earlier.is_due(now) and not (history.update_hints.skip_hours or history.update_hints.skip_days):
        assert decided.is_due(now + later)


@given(history=histories(), now=moments)
def test_no_feed_that_answers_waits_for_more_than_the_latest_nor_less_than_the_soonest(
    history: FeedHistory, now: datetime
) -> None:
    assume(history.requested_at is None or history.requested_at <= now + DAY)  # else the clock was wrong then
    decided = next_request(replace(history, site_retry_at=None), DEFAULT_LIMITS, now)
    if history.reason is None and history.answered_at is not None:
        assert decided.at is not None
        assert decided.at >= history.answered_at + DEFAULT_LIMITS.min_interval
        assert decided.at <= max(history.answered_at + DEFAULT_LIMITS.max_interval, now)


@given(one=ids, other=ids, failures=st.integers(1, 50))
def test_two_feeds_that_failed_together_part(one: str, other: str, failures: int) -> None:
    together = [due(failed(feed, failed_runs=failures)).at for feed in (one, other)]
    assert (together[0] == together[1]) == (one == other)


def test_forty_feeds_of_one_host_that_failed_together_come_back_over_the_whole_spread() -> None:
    back = sorted(waits(failed(id_of(str(n)), failed_runs=3))[1] / HOUR for n in range(40))
    assert back[0] < 4.1
    assert back[-1] > 4.9
    assert max(later - earlier for earlier, later in pairwise(back)) < 0.2


# --- headers


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"cache-control": "max-age=600"}, 600),
        ({"cache-control": "public, Max-Age=600, must-revalidate"}, 600),
        ({"cache-control": 'private, max-age="600"'}, 600),
        ({"cache-control": "max-age=600", "age": "100"}, 500),
        ({"cache-control": "max-age=600", "age": "900"}, None),
        ({"cache-control": "max-age=0"}, None),
        ({"cache-control": "max-age=soon"}, None),
        ({"cache-control": "no-cache, max-age=600"}, None),
        ({"cache-control": "no-store"}, None),
        ({"cache-control": "s-maxage=600"}, None),
        ({"cache-control": "max-age=99999999999999999999"}, 86400),
        ({"expires": "Mon, 02 Mar 2026 04:30:00 GMT"}, 3600),
        ({"expires": "Mon, 02 Mar 2026 04:30:00 GMT", "date": "Mon, 02 Mar 2026 04:00:00 GMT"}, 1800),
        ({"expires": "Mon, 02 Mar 2026 04:30:00 GMT", "cache-control": "max-age=60"}, 60),
        ({"expires": "0"}, None),
        ({"expires": "Thu, 01 Jan 1970 00:00:00 GMT"}, None),
    ],
)
def test_an_answer_says_until_when_it_holds(headers: dict[str, str], seconds: int | None) -> None:
    assert fresh_until(headers, NIGHT) == (None if seconds is None else NIGHT + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("Mon, 02 Mar 2026 04:30:00 GMT", 3600),
        ("Mon, 02 Mar 2026 05:30:00 +0100", 3600),
        ("Mon, 02 Mar 2026 03:00:00 GMT", None),
        ("0", None),
        ("-5", None),
        ("later", None),
        ("", None),
        ("99999999999", MAX_RETRY_AFTER.total_seconds()),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_RETRY_AFTER.total_seconds()),
        ("Mon, 01 Jan 0001 00:00:00 +0900", None),
    ],
)
def test_a_retry_after_is_a_number_of_seconds_or_a_date(written: str, seconds: float | None) -> None:
    assert retry_at({"retry-after": written}, NIGHT) == (
        None if seconds is None else NIGHT + timedelta(seconds=seconds)
    )


@given(
    headers=st.fixed_dictionaries(
        {}, optional=dict.fromkeys(["cache-control", "expires", "date", "age", "retry-after"], st.text())
    )
)
def test_whatever_stands_in_headers_bounds_the_wait(headers: dict[str, str]) -> None:
    fresh, retry = fresh_until(headers, NIGHT), retry_at(headers, NIGHT)
    assert fresh is None or NIGHT < fresh <= NIGHT + MAX_FRESHNESS
    assert retry is None or NIGHT < retry <= NIGHT + MAX_RETRY_AFTER


# --- what documents wish


def hints_of(channel: str) -> UpdateHints:
    syndication = "http://purl.org/rss/1.0/modules/syndication/"
    body = (
        f"<rss version='2.0' xmlns:sy='{syndication}'><channel><title>A feed</title>{channel}"
        "<item><title>One</title><link>https://one.example/1</link><description>"
        "<![CDATA[<skipHours><hour>9</hour></skipHours>]]></description></item></channel></rss>"
    )
    page = Page(url=ONE.url, final_url=ONE.url, fetched_at=NIGHT, headers={}, body=body.encode())
    return parse_feed(ONE, page).update_hints


@pytest.mark.parametrize(
    ("channel", "wanted"),
    [
        ("", UpdateHints()),
        ("<ttl>90</ttl>", UpdateHints(interval=90 * MINUTE)),
        ("<ttl>0</ttl>", UpdateHints()),
        ("<ttl>soon</ttl>", UpdateHints()),
        ("<sy:updatePeriod>daily</sy:updatePeriod>", UpdateHints(interval=DAY)),
        (
            "<sy:updatePeriod> hourly </sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>",
            UpdateHints(interval=30 * MINUTE),
        ),
        ("<ttl>10</ttl><sy:updatePeriod>hourly</sy:updatePeriod>", UpdateHints(interval=HOUR)),
        (
            "<skipHours><hour>0</hour><hour> 7 </hour><hour>24</hour><hour>25</hour><hour>x</hour></skipHours>",
            UpdateHints(skip_hours=frozenset({0, 7})),
        ),
        (
            "<skipDays><day>Sunday</day><day>friday</day><day>Noday</day></skipDays>",
            UpdateHints(skip_days=frozenset({4, 6})),
        ),
    ],
)
def test_a_document_says_how_often_it_wants_to_be_asked_for(channel: str, wanted: UpdateHints) -> None:
    assert hints_of(channel) == wanted


# --- where a feed lives

OLD, NEW, OTHER = "https://old.example/feed", "https://new.example/feed", "https://other.example/feed"


def seen(*targets: str | None, every: timedelta = DAY) -> list[RedirectAnswer]:
    """Answers with these targets, the newest first."""
    return [RedirectAnswer(at=NIGHT - place * every, moved_to=target) for place, target in enumerate(targets)]


def test_a_feed_moves_when_three_days_said_the_same() -> None:
    assert moved_address(seen(NEW, NEW)) is None
    assert moved_address(seen(NEW, NEW, NEW)) == NEW
    assert moved_address(seen(NEW, NEW, NEW, None, OTHER)) == NEW


def test_a_feed_that_changes_its_mind_stays() -> None:
    assert moved_address(seen(NEW, OTHER, NEW, NEW, NEW)) is None
    assert moved_address(seen(NEW, None, NEW, NEW, NEW)) is None
    assert moved_address(seen(None, NEW, NEW, NEW)) is None


def test_many_answers_of_one_day_are_one() -> None:
    assert moved_address(seen(*[NEW] * 20, every=MINUTE)) is None


def test_one_politeness_is_for_a_registered_domain_and_blogs_of_one_hoster_are_apart() -> None:
    assert site_of("https://feeds.bbc.co.uk/x") == site_of("http://www.bbc.co.uk/") == "bbc.co.uk"
    assert site_of("https://one.github.io/feed") != site_of("https://two.github.io/feed")
    assert site_of("mailto:nobody") == "mailto:nobody"


# --- nights


def feed(url: str) -> Feed:
    return Feed(id=id_of(url), url=url, title=url, language="en", pages=PagePolicy.NEVER)


ONE, TWO = feed("https://one.example/feed"), feed("https://two.example/feed")
ALSO_ONE = feed("https://blog.one.example/feed")


def document(entries: int) -> bytes:
    items = "".join(
        f"<item><title>Entry {n}</title><link>https://one.example/{n}</link></item>" for n in range(entries)
    )
    return f"<rss version='2.0'><channel><title>A feed</title>{items}</channel></rss>".encode()


def page(request: Request, at: datetime, *, entries: int = 1, **more: Any) -> Fetch:
    """A good answer."""
    got = Page(
        url=request.url,
        final_url=more.get("moved_to") or request.url,
        fetched_at=at,
        headers={"content-type": "text/xml"},
        body=document(entries),
    )
    return Fetch(
        **{
            "request": request,
            "requested_at": at,
            "seconds": 0.1,
            "status": 200,
            "final_url": got.final_url,
            "redirects": 0,
            "received_bytes": 1,
            "etag": None,
            "last_modified": None,
            "page": got,
        }
        | more
    )


def error(request: Request, at: datetime, reason: Reason, status: int | None, **more: Any) -> Fetch:
    return page(request, at, page=None, status=status, error=FetchError(request.url, reason, "as told"), **more)


Web = Mapping[str, Callable[[Request, datetime], Fetch]]


class Asking:
    """A Fetcher to whom each address is a function; what nobody speaks for answers well."""

    def __init__(self, web: Web, now: datetime) -> None:
        self.web, self.now = web, now
        self.asked: list[str] = []

    def fetch(self, requests: Sequence[Request]) -> Iterator[Fetch]:
        for request in requests:
            self.asked.append(request.url)
            yield self.web.get(request.url, page)(request, self.now)


class Nights:
    """One database, and the runs on it."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.commands: list[FeedCommand] = []
        self.count = Count()

    def begun(self, now: datetime) -> Run:
        return runs.begin_run(self.db, flow="test", night_at=now, started_at=now, settings={})

    def live(
        self,
        after: timedelta,
        web: Web | None = None,
        feeds: Sequence[Feed] = (ONE, TWO),
        limits: PollingLimits = DEFAULT_LIMITS,
    ) -> list[str]:
        """Ask, read and plan in a run of its own; return the addresses that were asked."""
        now = NIGHT + after
        fetcher = Asking(web or {}, now + MINUTE / 60)
        run = self.begun(now)
        pipeline.sync_feeds(self.db, run, feeds)
        self.count = pipeline.fetch_feeds(self.db, run, fetcher, self.commands, limits)
        pipeline.parse_feeds(self.db, run, lambda: now)
        pipeline.plan_feeds(self.db, run, self.commands, limits)
        return fetcher.asked

    def schedule(self, one: Feed) -> dict[str, Any]:
        return self.db.rows("SELECT next_request_at, rule, why FROM polling_schedule WHERE feed_id = $1", [one.id])[0]


@pytest.fixture
def nights(tmp_path: Path) -> Iterator[Nights]:
    with Database(tmp_path / "work.duckdb", now=NIGHT) as db:
        db.execute("SET threads = 1")  # for a few rows, two threads take twice the time
        yield Nights(db)


def test_nights_a_day_apart_ask_every_feed(nights: Nights) -> None:
    for night in range(4):
        assert sorted(nights.live(night * DAY)) == [ONE.url, TWO.url]


def test_a_run_minutes_after_another_asks_nothing_counts_it_and_says_why(
    nights: Nights, caplog: pytest.LogCaptureFixture
) -> None:
    nights.live(timedelta())
    caplog.set_level("INFO", logger="newsclust")
    assert nights.live(10 * MINUTE) == []
    assert nights.count == Count(skipped=2)
    assert "fetch_feeds: 2 feeds are not due (pace 2)" in caplog.text
    assert nights.live(20 * MINUTE, limits=PollingLimits(poll_all=True)) == sorted([ONE.url, TWO.url], key=id_of)


def test_a_feed_that_a_person_wants_refreshed_is_requested_once_and_no_other(nights: Nights) -> None:
    nights.live(timedelta())
    nights.commands.append(FeedCommand(kind=FeedCommandKind.REFRESH, feed_id=TWO.id, given_at=NIGHT + 5 * MINUTE))
    assert nights.live(10 * MINUTE) == [TWO.url]
    assert nights.live(20 * MINUTE) == []


def test_a_new_feed_is_asked_once(nights: Nights) -> None:
    nights.live(timedelta(), feeds=[ONE])
    assert nights.live(10 * MINUTE, feeds=[ONE, TWO]) == [TWO.url]


@pytest.mark.slow
def test_a_busy_feed_is_asked_in_every_run_of_a_day_and_a_sleepy_one_seldom(nights: Nights) -> None:
    asked: list[str] = []
    for hours in range(0, 48, 3):
        busy = {ONE.url: lambda request, at, hours=hours: page(request, at, entries=1 + 2 * hours)}
        sleepy = {TWO.url: lambda request, at: page(request, at, page=None, status=304)}
        asked += nights.live(hours * HOUR, busy | sleepy)
    assert asked.count(ONE.url) == 16
    assert asked.count(TWO.url) == 5  # after 0, 3, 9, 21 and 45 hours
    assert nights.schedule(TWO)["why"].startswith("0 new in ")


def test_the_schedule_shows_what_the_night_learned(nights: Nights) -> None:
    nights.live(timedelta(), {TWO.url: lambda request, at: page(request, at, fresh_until=at + 4 * HOUR)})
    assert nights.schedule(ONE) == {
        "next_request_at": NIGHT + 30 * MINUTE + MINUTE / 60,
        "rule": "pace",
        "why": "0 new in 0 min: every 30 min",
    }
    assert nights.schedule(TWO)["rule"] == "http_freshness"


def test_a_documents_wish_is_kept_across_nights_until_another_takes_its_place(nights: Nights) -> None:
    def wishing(every: str) -> Web:
        def answer(request: Request, at: datetime) -> Fetch:
            told = page(request, at)
            assert told.page is not None
            body = told.page.body.replace(b"<item>", every.encode() + b"<item>", 1)
            return replace(told, page=replace(told.page, body=body))

        return {ONE.url: answer}

    nights.live(timedelta(), wishing("<ttl>600</ttl>"))
    assert nights.schedule(ONE)["rule"] == "update_hint"
    assert nights.live(9 * HOUR) == [TWO.url]
    nights.live(11 * HOUR, wishing(""))
    assert nights.schedule(ONE)["rule"] == "pace"


@pytest.mark.slow
def test_a_failing_feed_comes_back_by_itself(nights: Nights) -> None:
    broken = {ONE.url: lambda request, at: error(request, at, Reason.SERVER_ERROR, 500)}
    asked = [ONE.url in nights.live(night * DAY, broken) for night in range(12)]
    assert asked[:6] == [True] * 6  # a wait of 16 hours is over the next night
    assert 2 <= sum(asked[6:]) < 6
    assert nights.schedule(ONE)["why"].startswith("failed in ")
    assert ONE.url in nights.live(15 * DAY)
    assert nights.schedule(ONE)["rule"] == "pace"
    assert ONE.url in nights.live(16 * DAY)


def test_an_error_of_the_network_is_tried_again_by_the_step_and_one_of_the_site_is_not(nights: Nights) -> None:
    web: Web = {
        ONE.url: lambda request, at: error(request, at, Reason.DNS_FAILED, None),
        TWO.url: lambda request, at: error(request, at, Reason.NOT_FOUND, 404),
    }
    fetcher, run = Asking(web, NIGHT), nights.begun(NIGHT)
    pipeline.sync_feeds(nights.db, run, [ONE, TWO])
    for _ in range(3):
        pipeline.fetch_feeds(nights.db, run, fetcher)
    assert (fetcher.asked.count(ONE.url), fetcher.asked.count(TWO.url)) == (3, 1)
    pipeline.plan_feeds(nights.db, run)
    assert nights.schedule(ONE)["why"] == "failed once: dns_failed"


def test_a_feed_that_is_gone_stays_out_until_a_person_asks(nights: Nights) -> None:
    gone = {TWO.url: lambda request, at: error(request, at, Reason.GONE, 410)}
    nights.live(timedelta(), gone)
    assert nights.schedule(TWO)["next_request_at"] is None
    assert nights.live(30 * DAY, gone) == [ONE.url]
    nights.commands.append(FeedCommand(kind=FeedCommandKind.REFRESH, feed_id=TWO.id, given_at=NIGHT + 30 * DAY))
    assert TWO.url in nights.live(31 * DAY)
    assert TWO.url in nights.live(32 * DAY)


def test_a_retry_after_of_one_feed_holds_for_the_whole_site_across_runs(nights: Nights) -> None:
    feeds = [ONE, ALSO_ONE, TWO]
    throttled = {
        ALSO_ONE.url: lambda request, at: error(request, at, Reason.THROTTLED, 429, retry_at=NIGHT + 30 * HOUR)
    }
    nights.live(timedelta(), throttled, feeds)
    assert nights.live(24 * HOUR, {}, feeds, PollingLimits(poll_all=True)) == [TWO.url]
    assert {nights.schedule(one)["rule"] for one in (ONE, ALSO_ONE)} == {"retry_after"}
    assert set(nights.live(48 * HOUR, {}, feeds)) == {ONE.url, ALSO_ONE.url, TWO.url}


def moving(target: str = NEW) -> Web:
    return {ONE.url: lambda request, at: page(request, at, moved_to=target, redirects=1)}


def test_after_three_nights_a_moved_feed_is_asked_at_its_new_address_under_its_old_id(nights: Nights) -> None:
    asked = [nights.live(night * DAY, moving(), [ONE])[0] for night in range(5)]
    assert asked == [ONE.url] * 3 + [NEW] * 2
    stored = nights.db.rows("SELECT feed_id, url FROM feeds")
    assert stored == [{"feed_id": ONE.id, "url": ONE.url}]
    moved = nights.db.rows("SELECT feed_id, from_url, to_url, moved_at, reverted_at FROM moved_feeds")
    assert moved == [
        {"feed_id": ONE.id, "from_url": ONE.url, "to_url": NEW, "moved_at": NIGHT + 2 * DAY, "reverted_at": None}
    ]
    assert nights.db.rows("SELECT DISTINCT feed_id FROM entries") == [{"feed_id": ONE.id}]


@pytest.mark.slow
def test_a_move_can_be_undone_and_is_not_made_again(nights: Nights) -> None:
    for night in range(4):
        nights.live(night * DAY, moving(), [ONE])
    nights.commands.append(
        FeedCommand(kind=FeedCommandKind.KEEP_ADDRESS, feed_id=ONE.id, given_at=NIGHT + 3 * DAY, address=NEW)
    )
    asked = [nights.live(night * DAY, moving(), [ONE])[0] for night in range(4, 9)]
    assert asked == [NEW] + [ONE.url] * 4
    assert nights.db.rows("SELECT reverted_at FROM moved_feeds") == [{"reverted_at": NIGHT + 4 * DAY}]


def test_a_feed_moves_on_from_where_it_moved_to(nights: Nights) -> None:
    web = moving() | {NEW: lambda request, at: page(request, at, moved_to=OTHER)}
    asked = [nights.live(night * DAY, web, [ONE])[0] for night in range(7)]
    assert asked == [ONE.url] * 3 + [NEW] * 3 + [OTHER]


def test_an_address_that_answers_without_a_feed_is_no_new_home(nights: Nights) -> None:
    def parked(request: Request, at: datetime) -> Fetch:
        told = page(request, at, moved_to=NEW)
        assert told.page is not None
        return replace(told, page=replace(told.page, body=b"<!doctype html><html><body>Buy this name.</body></html>"))

    asked = [nights.live(night * DAY, {ONE.url: parked}, [ONE]) for night in range(5)]
    assert asked == [[ONE.url]] * 5


def answering_at(url: str, answer: Callable[[Request, datetime], Fetch]) -> Web:
    """The feed says that it has moved; where it moved to, this is the answer."""
    return moving() | {url: answer}


@pytest.mark.slow
def test_a_feed_that_fails_three_days_where_it_moved_to_goes_back_for_good(nights: Nights) -> None:
    dead = answering_at(NEW, lambda request, at: error(request, at, Reason.NOT_FOUND, 404))
    for night in range(3):
        nights.live(night * DAY, moving(), [ONE])
    asked = [url for night in range(3, 14) for url in nights.live(night * DAY, dead, [ONE])]
    assert asked[:3] == [NEW] * 3
    assert set(asked[3:]) == {ONE.url}
    (move,) = nights.db.rows("SELECT from_url, to_url, reverted_by FROM moved_feeds")
    assert move == {"from_url": ONE.url, "to_url": NEW, "reverted_by": "failures"}
    assert nights.schedule(ONE)["rule"] == "pace"


def test_a_feed_that_is_gone_where_it_moved_to_is_asked_where_it_was_the_next_night(nights: Nights) -> None:
    gone = answering_at(NEW, lambda request, at: error(request, at, Reason.GONE, 410))
    for night in range(3):
        nights.live(night * DAY, moving(), [ONE])
    assert [nights.live(night * DAY, gone, [ONE]) for night in range(3, 6)] == [[NEW], [ONE.url], [ONE.url]]


def test_one_good_answer_begins_the_count_of_failures_anew(nights: Nights) -> None:
    def every_third(request: Request, at: datetime) -> Fetch:
        good = (at - NIGHT).days % 3 == 0
        return page(request, at) if good else error(request, at, Reason.SERVER_ERROR, 500)

    for night in range(3):
        nights.live(night * DAY, moving(), [ONE])
    asked = {url for night in range(3, 12) for url in nights.live(night * DAY, answering_at(NEW, every_third), [ONE])}
    assert asked == {NEW}


def test_an_address_that_was_sold_after_the_move_is_left_again(nights: Nights) -> None:
    def sold(request: Request, at: datetime) -> Fetch:
        told = page(request, at)
        assert told.page is not None
        return replace(told, page=replace(told.page, body=b"<!doctype html><html><body>Buy this name.</body></html>"))

    for night in range(3):
        nights.live(night * DAY, moving(), [ONE])
    asked = [nights.live(night * DAY, answering_at(NEW, sold), [ONE]) for night in range(3, 7)]
    assert asked == [[NEW]] * 3 + [[ONE.url]]


# --- what people say


def test_feed_commands_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "feed_commands.jsonl"
    assert read_feed_commands(path) == []
    commands = [
        FeedCommand(kind=FeedCommandKind.REFRESH, feed_id="a", given_at=NIGHT),
        FeedCommand(kind=FeedCommandKind.KEEP_ADDRESS, feed_id="b", given_at=NIGHT, address=NEW),
    ]
    for command in commands:
        append_feed_command(path, command)
    assert read_feed_commands(path) == commands


def test_a_damaged_line_is_named_and_the_file_not_made_longer(tmp_path: Path) -> None:
    path = tmp_path / "feed_commands.jsonl"
    path.write_text('\n{"kind": "stay"}\n', encoding="utf-8")
    with pytest.raises(SettingsError, match=r"feed_commands\.jsonl, line 2: feed_id: it is missing"):
        append_feed_command(path, FeedCommand(kind=FeedCommandKind.REFRESH, feed_id="a", given_at=NIGHT))
    assert path.read_text(encoding="utf-8") == '\n{"kind": "stay"}\n'
