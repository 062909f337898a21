"""How a feed does, since when, and the sentence that explains it: by its facts alone."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsclust.errors import Reason
from newsclust.polling.health import FeedChange, FeedFacts, FeedHealth, HealthState, feed_health

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
GOOD = FeedFacts(
    feed_id="f",
    added_at=NOON - 90 * DAY,
    requests=9,
    last_request_at=NOON,
    last_answer_at=NOON,
    read_at=NOON,
    entries=20,
    last_new_at=NOON - DAY,
    mean_pause_s=86_400,
)


def facts(**changed: Any) -> FeedFacts:
    given = {name: getattr(GOOD, name) for name in FeedFacts.__dataclass_fields__}
    return FeedFacts(**given | changed)


def failing(reason: Reason, **changed: Any) -> FeedFacts:
    return facts(last_reason=reason, failing_since=NOON - 2 * DAY, **changed)


def change(days: float, what: str = "guids", why: str = "all 5 entries have new guids") -> FeedChange:
    return FeedChange(at=NOON - days * DAY, what=what, why=why)


def test_a_feed_that_answers_with_something_new_is_healthy_and_nothing_is_said() -> None:
    assert feed_health(GOOD) == FeedHealth(state=HealthState.HEALTHY)


@pytest.mark.parametrize(
    ("found", "state", "since", "why"),
    [
        (facts(is_listed=False), "unlisted", NOON, "the list of feeds names it no more"),
        (facts(is_listed=False, listed_by="An OPML"), "unlisted", NOON, "An OPML names it no more"),
        (facts(requests=0), "new", NOON - 90 * DAY, "never asked yet"),
        (facts(quarantined_since=NOON, quarantine_why="900 new items"), "quarantined", NOON, "900 new items"),
        (failing(Reason.GONE), "gone", NOON - 2 * DAY, "it answered that it is gone"),
        (
            failing(Reason.THROTTLED, failures=3, last_detail="HTTP 429"),
            "throttled",
            NOON - 2 * DAY,
            "its site wants fewer requests: 3 refused in a row, the last one with HTTP 429",
        ),
        (
            failing(Reason.THROTTLED, retry_at=NOON + DAY),
            "throttled",
            NOON - 2 * DAY,
            "its site wants no request before 2026-03-03 12:00 UTC",
        ),
        (failing(Reason.TIMEOUT, failures=1), "failing", NOON - 2 * DAY, "its last request failed: timeout"),
        (
            failing(Reason.SERVER_ERROR, failures=4, last_detail="HTTP 500"),
            "failing",
            NOON - 2 * DAY,
            "its last 4 requests failed, the latest: server_error (HTTP 500)",
        ),
        (
            facts(parse_failed_at=NOON, parse_reason=Reason.HTML_NOT_FEED, parse_failing_since=NOON - 3 * DAY),
            "changed",
            NOON - 3 * DAY,
            "it was a feed, and is none any more: html_not_feed",
        ),
        (
            facts(parse_failed_at=NOON, parse_reason=Reason.HTML_NOT_FEED, entries=0),
            "unreadable",
            NOON,
            "its document cannot be read: html_not_feed",
        ),
        (facts(entries=0, last_new_at=None), "silent", NOON - 90 * DAY, "it never showed anything"),
        (facts(last_new_at=NOON - 15 * DAY), "silent", NOON - 15 * DAY, "nothing new for 15 days"),
        (
            facts(undated_since=NOON - DAY, undated_items=7, undated_of=9),
            "undated",
            NOON - DAY,
            "7 of 9 new items without a date one can trust",
        ),
        (facts(slow_answers=3, slow_since=NOON - DAY), "slow", NOON - DAY, "3 answers in a row took over 5 s"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)
def test_each_state_says_since_when_and_why(found: FeedFacts, state: str, since: datetime, why: str) -> None:
    health = feed_health(found)
    assert (health.state, health.since, health.why) == (state, since, why)


@pytest.mark.parametrize(
    "found",
    [
        facts(slow_answers=2, slow_since=NOON),
        facts(last_new_at=NOON - 14 * DAY),
        facts(last_new_at=NOON - 30 * DAY, mean_pause_s=8 * 86_400.0),
        facts(parse_failed_at=NOON - DAY, parse_reason=Reason.EMPTY),  # a later document was read
        facts(changes=[change(7)]),
    ],
)
def test_what_stays_within_its_limit_is_healthy(found: FeedFacts) -> None:
    assert feed_health(found).state is HealthState.HEALTHY


def test_the_first_state_in_their_order_that_fits_is_told() -> None:
    order = [
        {"is_listed": False},
        {"quarantined_since": NOON},
        {"last_reason": Reason.TIMEOUT},
        {"parse_failed_at": NOON, "parse_reason": Reason.EMPTY},
        {"changes": [change(1)]},
        {"last_new_at": NOON - 40 * DAY},
        {"undated_since": NOON},
        {"slow_answers": 3},
    ]
    told = []
    while order:
        told.append(feed_health(facts(**{name: value for one in order for name, value in one.items()})).state)
        order.pop(0)
    assert told == ["unlisted", "quarantined", "failing", "unreadable", "changed", "silent", "undated", "slow"]


def test_why_the_last_request_failed_goes_before_why_the_document_cannot_be_read() -> None:
    unreadable = {"parse_failed_at": NOON, "parse_reason": Reason.EMPTY}
    assert feed_health(facts(**unreadable)).reason is Reason.EMPTY
    assert feed_health(failing(Reason.GONE, **unreadable)).reason is Reason.GONE
    assert feed_health(facts(is_listed=False, **unreadable)).reason is Reason.EMPTY


def test_a_change_within_seven_days_of_the_one_before_goes_on_with_it() -> None:
    health = feed_health(facts(changes=[change(1), change(6, why="long ago"), change(20, why="another")]))
    assert health.since == NOON - 6 * DAY
    assert health.why == "all 5 entries have new guids, on 2 nights so far"


def test_changes_of_one_night_are_told_together() -> None:
    both = [change(1, "links", "new links"), change(1, "guids", "new guids")]
    assert feed_health(facts(changes=both)).why == "new guids; new links"


@given(days=st.lists(st.integers(0, 30), max_size=6, unique=True), order=st.randoms(use_true_random=False))
def test_the_order_of_changes_says_nothing(days: list[int], order: random.Random) -> None:
    changes = [change(count, what) for count in days for what in ("guids", "links")]
    shuffled = list(changes)
    order.shuffle(shuffled)
    assert feed_health(facts(changes=shuffled)) == feed_health(facts(changes=changes))
