"""The record of the last night: what it says of nights good, failed, killed and late, and what it survives."""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsclust.errors import SettingsError, StoreError
from newsclust.night_record import (
    NightAttempt,
    NightOutcome,
    NightRecord,
    Standing,
    is_night_running,
    judge,
    only_night,
    read_record,
    record_file,
    write_record,
)

NIGHT = datetime(2026, 2, 3, 2, 30, tzinfo=UTC)
DAY = timedelta(days=1)
BEGUN = NightAttempt(night_at=NIGHT, started_at=NIGHT)
GOOD = BEGUN.ended(NIGHT + timedelta(minutes=9))


@pytest.fixture(autouse=True)
def _with_a_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def standing(
    record: NightRecord | None, *, hours: float = 8, running: bool = False, max_age: float | None = 26
) -> str:
    age = None if max_age is None else timedelta(hours=max_age)
    return judge(record, is_running=running, now=NIGHT + timedelta(hours=hours), max_age=age).standing


# ---------------------------------------------------------------- how the nights stand


def test_a_good_night_of_this_morning_is_ok() -> None:
    assert standing(NightRecord(last=GOOD, last_good=GOOD)) == Standing.OK


def test_without_a_record_no_night_was_ever_lived() -> None:
    assert standing(None) == Standing.NEVER
    assert not Standing.NEVER.is_good


def test_a_good_night_is_late_when_it_is_older_than_the_age_that_is_allowed() -> None:
    record = NightRecord(last=GOOD, last_good=GOOD)
    assert standing(record, hours=26) == Standing.OK  # it ended nine minutes after its hour
    assert standing(record, hours=27) == Standing.LATE
    assert standing(record, hours=27, max_age=None) == Standing.OK


def test_a_failed_night_is_named_with_its_error_and_the_last_good_one() -> None:
    failed = NightAttempt(night_at=NIGHT + DAY, started_at=NIGHT + DAY).ended(
        NIGHT + DAY, StoreError("a.duckdb is open in another process")
    )
    found = judge(
        NightRecord(last=failed, last_good=GOOD), is_running=False, now=NIGHT + DAY, max_age=timedelta(hours=26)
    )
    assert found.standing == Standing.FAILED
    assert found.text == (
        "The night of 2026-02-04 02:30 UTC failed: a.duckdb is open in another process (exit code 3). "
        "The last good night was that of 2026-02-03 02:30 UTC."
    )


def test_a_night_that_never_ended_was_killed_unless_a_process_still_lives_it() -> None:
    record = NightRecord(last=NightAttempt(night_at=NIGHT + DAY, started_at=NIGHT + DAY), last_good=GOOD)
    assert standing(record, hours=25) == Standing.KILLED
    assert standing(record, hours=25, running=True) == Standing.RUNNING
    assert standing(record, hours=40, running=True) == Standing.LATE  # it has run for too long


def test_a_first_night_that_was_killed_is_no_good_night() -> None:
    assert standing(NightRecord(last=BEGUN)) == Standing.KILLED
    assert standing(NightRecord(last=BEGUN), running=True) == Standing.NEVER


def test_a_good_night_in_the_future_is_not_ok() -> None:
    assert standing(NightRecord(last=GOOD, last_good=GOOD), hours=-48) == Standing.LATE


# ---------------------------------------------------------------- the file


def test_a_record_is_read_back_equal(tmp_path: Path) -> None:
    record = NightRecord(last=BEGUN.ended(NIGHT, SettingsError("é\n[x]")), last_good=GOOD)
    published = tmp_path / "out" / "newsclust.duckdb"
    assert read_record(published) is None
    assert write_record(published, record) == record_file(published)
    assert read_record(published) == record
    assert record.last.error == "é [x]"
    assert record.last.exit_code == 2


def test_an_error_of_any_length_leaves_a_record_within_its_block(tmp_path: Path) -> None:
    published = tmp_path / "newsclust.duckdb"
    write_record(published, NightRecord(last=BEGUN.ended(NIGHT, StoreError('"' * 5000)), last_good=GOOD))
    assert record_file(published).stat().st_size == 4096
    found = read_record(published)
    assert found is not None
    assert found.last.error is not None


def test_on_a_disk_without_a_free_block_the_record_is_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = tmp_path / "newsclust.duckdb"
    write_record(published, NightRecord(last=BEGUN))

    def no_space(_self: Path, _target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", no_space)
    ended = NightRecord(last=BEGUN.ended(NIGHT, StoreError("no space")))
    assert write_record(published, ended) == record_file(published)
    assert read_record(published) == ended


def test_where_the_folder_cannot_be_written_the_record_stands_in_the_state_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    published = tmp_path / "file" / "newsclust.duckdb"
    record = NightRecord(last=GOOD, last_good=GOOD)
    written = write_record(published, record)
    assert written is not None
    assert written.is_relative_to(tmp_path / "state" / "newsclust")
    assert read_record(published) == record


def test_of_two_records_the_newer_counts(tmp_path: Path) -> None:
    published = tmp_path / "newsclust.duckdb"
    write_record(published, NightRecord(last=GOOD, last_good=GOOD))
    elsewhere = tmp_path / "state" / "newsclust"
    elsewhere.mkdir(parents=True)
    failed = NightRecord(
        last=NightAttempt(night_at=NIGHT + DAY, started_at=NIGHT + DAY).ended(NIGHT + DAY, StoreError("read-only"))
    )
    write_record(tmp_path / "x" / "newsclust.duckdb", failed)
    from newsclust import night_record

    (tmp_path / "x" / "last_night.json").rename(night_record._places(published)[1])
    assert read_record(published) == failed


@pytest.mark.parametrize(
    "text", ["", "{", '{"last": null}', "[]", '{"last": {"outcome": "splendid"}, "last_good": null}']
)
def test_a_damaged_record_is_said_with_its_mend(text: str, tmp_path: Path) -> None:
    published = tmp_path / "newsclust.duckdb"
    record_file(published).write_text(text)
    with pytest.raises(StoreError, match="damaged; remove it"):
        read_record(published)


def test_a_record_of_a_newer_newsclust_is_read_as_far_as_it_is_known(tmp_path: Path) -> None:
    published = tmp_path / "newsclust.duckdb"
    write_record(published, NightRecord(last=GOOD, last_good=GOOD))
    stored = json.loads(record_file(published).read_text())
    stored["last"]["weather"] = "rain"
    record_file(published).write_text(json.dumps(stored))
    assert read_record(published) == NightRecord(last=GOOD, last_good=GOOD)


# ---------------------------------------------------------------- one night at a time


def test_two_nights_with_one_database_never_overlap(tmp_path: Path) -> None:
    database = tmp_path / "newsclust.duckdb"
    assert not is_night_running(database)
    with only_night(database):
        assert is_night_running(database)
        with pytest.raises(StoreError, match=r"another night .* is under way"), only_night(database):
            pass
    assert not is_night_running(database)
    with only_night(database):
        pass


def test_the_lock_of_a_killed_night_is_released(tmp_path: Path) -> None:
    database = tmp_path / "newsclust.duckdb"
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom newsclust.night_record import only_night\n"
        "with only_night(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(database)], stdout=subprocess.PIPE, env=os.environ)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert is_night_running(database)
    finally:
        process.kill()
        process.wait(timeout=10)
    deadline = time.monotonic() + 5
    while is_night_running(database) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_night_running(database)


def test_an_outcome_is_a_word_of_a_closed_list() -> None:
    assert {outcome.value for outcome in NightOutcome} == {"running", "finished", "failed"}
