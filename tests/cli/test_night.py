"""`newsclust status` and what it ends with; `newsclust night` and its moments (its nights: tests/flows)."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from newsclust.cli.night import _age, _moment
from newsclust.errors import SettingsError, StoreError
from newsclust.night_record import (
    NightAttempt,
    NightOutcome,
    NightRecord,
    only_night,
    record_file,
    write_record,
)
from newsclust.store import Database, publish
from tests.terminal import Terminal

PUBLISHED = Path("data/published/newsclust.duckdb")
NOW = datetime.now(UTC)


def good(hours_ago: float) -> NightAttempt:
    at = NOW - timedelta(hours=hours_ago)
    return NightAttempt(night_at=at, started_at=at).ended(at)


def failed(hours_ago: float) -> NightAttempt:
    at = NOW - timedelta(hours=hours_ago)
    return NightAttempt(night_at=at, started_at=at).ended(at, StoreError("a.duckdb is [red]locked"))


UNENDED = replace(good(3), outcome=NightOutcome.RUNNING)


@pytest.mark.parametrize(
    ("record", "code", "word"),
    [
        (NightRecord(last=good(3), last_good=good(3)), 0, "newsclust ok: The last good night"),
        (NightRecord(last=good(30), last_good=good(30)), 2, "30 h ago, more than 26 h"),
        (NightRecord(last=failed(3), last_good=good(27)), 2, "failed: a.duckdb is [red]locked (exit code 3)"),
        (NightRecord(last=failed(3)), 2, "No night was good yet"),
        (
            NightRecord(last=replace(good(3), outcome=NightOutcome.RUNNING), last_good=good(27)),
            2,
            "was killed before its end",
        ),
        (None, 2, "newsclust critical: No night has run yet"),
    ],
    ids=["good", "too old", "failed", "never good", "killed", "never"],
)
def test_status_check_says_in_one_line_how_the_nights_stand_and_ends_with_2_when_not_good(
    record: NightRecord | None, code: int, word: str, terminal: Terminal
) -> None:
    if record is not None:
        write_record(PUBLISHED, record)
    ended = terminal("status", "--check")
    assert (ended.code, len(ended.out.splitlines())) == (code, 1)
    assert word in ended.out


def test_the_age_that_is_allowed_can_be_chosen(terminal: Terminal) -> None:
    write_record(PUBLISHED, NightRecord(last=good(30), last_good=good(30)))
    assert terminal("status", "--check", "--max-age", "2d").code == 0
    assert terminal("status", "--check", "--max-age", "90m").code == 2
    ended = terminal("status", "--check", "--max-age", "soon")
    assert (ended.code, "90m, 26h, 2d" in ended.err) == (2, True)


def test_status_of_a_failed_night_says_so_and_ends_with_1(terminal: Terminal) -> None:
    write_record(PUBLISHED, NightRecord(last=failed(3), last_good=good(27)))
    ended = terminal("status")
    assert ended.code == 1
    assert "failed: a.duckdb is [red]locked (exit code 3)" in ended.out


def test_status_of_a_good_night_ends_with_0_however_old_it_is(terminal: Terminal) -> None:
    write_record(PUBLISHED, NightRecord(last=good(300), last_good=good(300)))
    assert terminal("status").code == 0


def test_a_night_that_is_under_way_is_named_and_is_no_trouble(terminal: Terminal) -> None:
    running = NightAttempt(night_at=NOW, started_at=NOW)
    write_record(PUBLISHED, NightRecord(last=running, last_good=good(24)))
    with only_night(Path("data/newsclust.duckdb")):
        ended = terminal("status", "--check")
    assert (ended.code, "under way since" in ended.out) == (0, True)


def test_status_of_a_file_that_is_not_there_answers_with_no_other_files_night(terminal: Terminal) -> None:
    write_record(PUBLISHED, NightRecord(last=good(3), last_good=good(3)))
    ended = terminal("status", "--database", str(PUBLISHED.with_name("other.duckdb")))
    assert (ended.code, "does not exist" in ended.err) == (3, True)


@pytest.fixture
def good_file(terminal: Terminal) -> Path:
    """A published file of one good night, with the record of later ones beside it."""
    publish_a_night(PUBLISHED)
    write_record(PUBLISHED, NightRecord(last=failed(3), last_good=good(27)))
    return PUBLISHED


def test_status_of_a_broken_file_is_an_error_and_not_the_night_of_another(
    terminal: Terminal, good_file: Path
) -> None:
    bad = good_file.with_name("bad.duckdb")
    bad.write_text("no database")
    foreign = good_file.with_name("foreign.duckdb")
    duckdb.connect(str(foreign)).close()
    for file, reason in ((bad, "is no DuckDB file"), (foreign, "no newsclust published this file")):
        for more in ([], ["--check"], ["--format", "json"]):
            ended = terminal("status", "--database", str(file), *more)
            assert (ended.code, reason in ended.err, ended.out) == (3, True, ""), file


def test_status_of_another_file_speaks_of_its_own_nights(terminal: Terminal, good_file: Path) -> None:
    copy = good_file.with_name("copy.duckdb")
    shutil.copyfile(good_file, copy)
    ended = terminal("status", "--database", str(copy))
    assert (ended.code, "2026-02-03 22:00 UTC" in ended.out, "failed" in ended.out) == (0, True, False)
    of_settings = terminal("status", "--database", str(good_file))
    assert (of_settings.code, "is [red]locked" in of_settings.out) == (1, True)


def test_a_record_speaks_of_the_file_that_it_names_wherever_the_settings_are(
    terminal: Terminal, good_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absolute = good_file.absolute()
    monkeypatch.setenv("NEWSCLUST_PATHS__PUBLISHED", "elsewhere.duckdb")
    assert terminal("status", "--database", str(absolute)).code == 1
    record = record_file(absolute)
    record.write_text(record.read_text().replace('"published": "newsclust.duckdb"', '"published": "other.duckdb"'))
    assert terminal("status", "--database", str(absolute)).code == 0


def test_status_is_one_row_for_programs_with_the_same_exit_code(terminal: Terminal, good_file: Path) -> None:
    ended = terminal("status", "--format", "json")
    (row,) = json.loads(ended.out)
    assert (ended.code, row["standing"], row["is_good"], row["exit_code"]) == (1, "failed", False, 3)
    assert row["error"] == "a.duckdb is [red]locked"
    assert row["last_good_night_at"].endswith("Z")
    assert terminal("status", "--check", "--format", "jsonl").code == 2


def publish_a_night(target: Path) -> None:
    with Database(Path("working.duckdb")) as db:
        db.execute(
            "INSERT INTO runs BY NAME SELECT 'r' AS run_id, 'nightly' AS flow, "
            "TIMESTAMP '2026-02-03 22:00' AS night_at, TIMESTAMP '2026-02-03 22:00' AS started_at, "
            "TIMESTAMP '2026-02-03 22:09' AS finished_at, "
            "'finished' AS outcome, '{}' AS settings, '0' AS version"
        )
        publish(db, target)


def test_without_a_record_the_published_file_says_when_the_last_good_night_was(terminal: Terminal) -> None:
    publish_a_night(PUBLISHED)
    ended = terminal("status")
    assert (ended.code, "2026-02-03 22:00 UTC" in ended.out) == (0, True)
    assert terminal("status", "--check").code == 2


def test_a_damaged_record_is_an_error_of_the_store(terminal: Terminal) -> None:
    record_file(PUBLISHED).parent.mkdir(parents=True)
    record_file(PUBLISHED).write_text("{")
    ended = terminal("status", "--check")
    assert (ended.code, "damaged" in ended.err) == (3, True)


def test_a_moment_without_a_zone_is_one_of_the_nights_time_zone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("newsclust.toml").write_text('[night]\ntimezone = "America/New_York"\n')
    assert _moment("2026-02-03T22:00", None) == datetime(2026, 2, 4, 3, tzinfo=UTC)
    assert _moment("2026-02-03T22:00+01:00", None) == datetime(2026, 2, 3, 21, tzinfo=UTC)
    with pytest.raises(SettingsError, match="--at yesterday: write a date and a time"):
        _moment("yesterday", None)


def test_ages_are_minutes_hours_or_days() -> None:
    assert [_age(text) for text in ("90m", "26h", "1.5 d")] == [
        timedelta(minutes=90),
        timedelta(hours=26),
        timedelta(hours=36),
    ]
