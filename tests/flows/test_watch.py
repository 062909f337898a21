"""The watch beside the schedule: which night was missed, by local time and across the days when clocks change."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.serve import Watch, last_hour
from newsclust.night_record import NightAttempt, NightRecord, only_night, write_record
from newsclust.settings import NightSettings, Paths, Settings

pytestmark = pytest.mark.flow

PARIS = NightSettings(at="03:30", timezone="Europe/Paris")
HOUR = datetime(2026, 2, 4, 2, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "hour"),
    [
        ("2026-02-04T02:30Z", "2026-02-04T02:30Z"),
        ("2026-02-04T02:29Z", "2026-02-03T02:30Z"),
        ("2026-02-04T23:59Z", "2026-02-04T02:30Z"),
        ("2026-03-29T12:00Z", "2026-03-29T01:30Z"),  # summer time began at 02:00 local
        ("2026-03-29T01:00Z", "2026-03-28T02:30Z"),
        ("2026-10-25T12:00Z", "2026-10-25T02:30Z"),  # it ended at 03:00 local
        ("2026-10-25T01:00Z", "2026-10-24T01:30Z"),
    ],
)
def test_the_last_hour_is_that_of_the_local_clock(now: str, hour: str) -> None:
    assert last_hour(PARIS, datetime.fromisoformat(now)) == datetime.fromisoformat(hour)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    paths = Paths(database=tmp_path / "a.duckdb", published=tmp_path / "out" / "a.duckdb")
    return Settings(paths=paths, night=PARIS)


def lived(settings: Settings, started_at: datetime) -> None:
    attempt = NightAttempt(night_at=started_at, started_at=started_at).ended(started_at)
    write_record(settings.paths.published, NightRecord(last=attempt, last_good=attempt))


def test_a_night_that_began_at_its_hour_or_just_before_is_not_missed(settings: Settings) -> None:
    lived(settings, HOUR - timedelta(seconds=9))
    assert not Watch(settings, None).is_missed(HOUR + timedelta(hours=1))


def test_a_night_that_nobody_began_is_missed_once_prefect_had_its_time(settings: Settings) -> None:
    lived(settings, HOUR - timedelta(days=1))
    watch = Watch(settings, None)
    assert not watch.is_missed(HOUR + timedelta(minutes=4))
    assert watch.is_missed(HOUR + timedelta(minutes=6))
    assert watch.is_missed(HOUR + timedelta(hours=23))


def test_five_missed_nights_are_caught_up_by_one(settings: Settings) -> None:
    lived(settings, HOUR - timedelta(days=5))
    watch = Watch(settings, None)
    now = HOUR + timedelta(hours=3)
    assert watch.is_missed(now)
    lived(settings, now)
    assert not watch.is_missed(now + timedelta(hours=1))


def test_a_night_in_2031_keeps_none_from_being_caught_up(settings: Settings) -> None:
    lived(settings, HOUR + timedelta(days=1800))
    assert Watch(settings, None).is_missed(HOUR + timedelta(hours=1))


def test_a_night_that_is_under_way_is_not_missed(settings: Settings) -> None:
    lived(settings, HOUR - timedelta(days=1))
    with only_night(settings.paths.database):
        assert not Watch(settings, None).is_missed(HOUR + timedelta(hours=1))


def test_before_the_first_night_none_was_missed(settings: Settings) -> None:
    assert not Watch(settings, None).is_missed(HOUR + timedelta(hours=1))
