"""Which clock is believed, and where the moments of a wrong one go."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsclust.clock import set_back, trusts_present

NOW = datetime(2026, 12, 3, 3, 30, tzinfo=UTC)
DAY = timedelta(days=1)
JUMPED = datetime(2031, 5, 1, 3, 30, tzinfo=UTC)
seconds = st.integers(min_value=0, max_value=10 * 365 * 86_400 * 1_000_000)


def test_the_present_is_believed_when_sites_say_so_although_all_nights_lie_after_it() -> None:
    assert trusts_present(NOW, [JUMPED, JUMPED + DAY], [NOW - DAY, NOW - DAY, JUMPED])


def test_the_present_is_not_believed_when_sites_said_a_later_time() -> None:
    assert not trusts_present(NOW - 3 * DAY, [NOW - 6 * DAY, NOW - DAY, NOW], [NOW, NOW, NOW - DAY])


def test_without_a_word_of_sites_the_present_is_believed_where_a_night_lies_before_it() -> None:
    assert trusts_present(NOW, [NOW - DAY, JUMPED], [])
    assert trusts_present(datetime(2026, 2, 3, tzinfo=UTC), [datetime(2026, 2, 2, tzinfo=UTC), JUMPED], [])


def test_without_a_word_of_sites_a_clock_from_before_this_program_is_not_believed() -> None:
    assert not trusts_present(datetime(2020, 1, 1, tzinfo=UTC), [NOW - DAY, NOW], [])
    assert trusts_present(NOW, [JUMPED], [])


def test_a_night_of_the_wrong_clock_is_put_23_hours_back_with_its_distances() -> None:
    moments = [JUMPED, JUMPED + timedelta(minutes=1), JUMPED + timedelta(minutes=4)]
    belongs = set_back(moments, last_right=NOW - 2 * DAY, now=NOW)
    first, second, third = belongs.values()
    assert abs(third - (NOW - timedelta(hours=23))) < timedelta(milliseconds=1)
    assert abs(second - first - timedelta(minutes=1)) < timedelta(milliseconds=1)
    assert abs(third - second - timedelta(minutes=3)) < timedelta(milliseconds=1)


@given(
    moments=st.lists(seconds, min_size=1, max_size=60),
    last_right=st.one_of(st.none(), st.integers(min_value=-40 * 86_400, max_value=5 * 86_400)),
)
def test_moments_stay_distinct_in_order_after_the_last_right_one_and_before_tonight(
    moments: list[int], last_right: int | None
) -> None:
    wrong = [JUMPED + timedelta(microseconds=value) for value in moments]
    right = None if last_right is None else NOW + timedelta(seconds=last_right)
    belongs = set_back(wrong, last_right=right, now=NOW)
    assert belongs.keys() == set(wrong)
    placed = [belongs[moment] for moment in sorted(belongs)]
    assert placed == sorted(set(placed))
    if right is not None:
        assert placed[0] > right
    if right is None or right < NOW:
        assert placed[-1] < NOW
    else:
        assert placed[-1] <= right + timedelta(hours=1)


@pytest.mark.parametrize("last_right", [NOW - timedelta(minutes=10), NOW - timedelta(hours=23)])
def test_a_night_right_before_leaves_room_enough(last_right: datetime) -> None:
    placed = set_back([JUMPED, JUMPED + DAY], last_right=last_right, now=NOW).values()
    assert all(last_right < moment < NOW for moment in placed)
