"""What an entry becomes when its feed shows it again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsclust.model import DateQuality, Entry, Run
from newsclust.sources.entry_updates import EntryState, is_changed, updated_state

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SHOWN = Entry(
    id="e",
    feed_id="f",
    guid=None,
    link="https://pier.example/1",
    url="https://pier.example/1",
    title="Crane",
    summary="It turns.",
    content=None,
    author=None,
    language=None,
    published_at=NOON - DAY,
    date_quality=DateQuality.GIVEN,
)


def run(night: int) -> Run:
    at = NOON + night * DAY
    return Run(id=f"run {night}", flow="test", night_at=at, started_at=at)


FIRST = updated_state(None, SHOWN, run(0))


def test_a_new_entry_is_changed_tonight_and_by_no_run() -> None:
    assert is_changed(None, FIRST)
    assert (FIRST.changed_at, FIRST.changed_run_id, FIRST.published_at) == (NOON, None, NOON - DAY)


def test_an_entry_shown_as_before_is_as_before() -> None:
    again = updated_state(FIRST, replace(SHOWN, author="Ann", guid="g"), run(1))
    assert again == FIRST
    assert not is_changed(FIRST, again)


@pytest.mark.parametrize("edited", [{"title": "Cranes"}, {"summary": "It stands."}, {"content": "More."}])
def test_another_title_summary_or_content_is_a_change_of_this_run(edited: dict[str, str]) -> None:
    state = updated_state(FIRST, replace(SHOWN, **edited), run(1))  # type: ignore[arg-type]
    assert is_changed(FIRST, state)
    assert (state.changed_at, state.changed_run_id) == (NOON + DAY, "run 1")
    later = updated_state(state, replace(SHOWN, **edited), run(2))  # type: ignore[arg-type]
    assert later == state


@pytest.mark.parametrize(
    ("quality", "kept"),
    [
        (DateQuality.GIVEN, False),
        (DateQuality.GUESSED, False),
        (DateQuality.MISSING, True),
        (DateQuality.FUTURE, True),
    ],
)
def test_a_date_stays_when_the_feed_shows_the_entry_without_one(quality: DateQuality, kept: bool) -> None:
    state = updated_state(FIRST, replace(SHOWN, published_at=NOON, date_quality=quality), run(1))
    expected = (NOON - DAY, DateQuality.GIVEN) if kept else (NOON, quality)
    assert (state.published_at, state.date_quality) == expected


@given(
    qualities=st.lists(st.sampled_from(DateQuality), min_size=1), titles=st.lists(st.sampled_from("ab"), min_size=1)
)
def test_showing_an_entry_twice_in_a_night_changes_nothing(qualities: list[DateQuality], titles: list[str]) -> None:
    state: EntryState | None = None
    for night, (quality, title) in enumerate(zip(qualities, titles, strict=False)):
        shown = replace(SHOWN, title=title, date_quality=quality, published_at=NOON + night * DAY)
        state = updated_state(state, shown, run(night))
        assert updated_state(state, shown, run(night)) == state


def test_a_date_that_moves_every_night_stays_what_it_was_at_first_sight() -> None:
    moved = replace(SHOWN, published_at=NOON + DAY - timedelta(minutes=1))
    again = updated_state(FIRST, moved, run(1))
    assert (again.published_at, again.first_seen_at) == (SHOWN.published_at, NOON)


def test_an_inferred_date_replaces_none_that_was_stored() -> None:
    inferred = replace(SHOWN, published_at=NOON - 3 * DAY, date_quality=DateQuality.INFERRED)
    assert updated_state(FIRST, inferred, run(1)).published_at == SHOWN.published_at
