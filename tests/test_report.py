"""The summary of a night, from an almost empty database."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsclust.model import NoticeKind, Run
from newsclust.report import summary_markdown
from newsclust.store import Database, runs

NIGHT = datetime(2026, 3, 2, 22, tzinfo=UTC)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "work.duckdb", now=NIGHT) as database:
        yield database


def begun(db: Database, days: int = 0) -> Run:
    at = NIGHT + timedelta(days=days)
    return runs.begin_run(db, flow="test", night_at=at, started_at=at, settings={})


def test_the_summary_names_the_notices_of_its_own_night_before_the_feeds_in_trouble(db: Database) -> None:
    first, second = begun(db), begun(db, days=1)
    runs.save_notice(db, first, NoticeKind.CLOCK, "yesterday's")
    runs.save_notice(db, second, NoticeKind.NETWORK, "a line\nof <b>two</b>")
    summary = summary_markdown(db.connection, second.id)
    assert "## Notices\n\n- a line of \\<b>two\\</b>\n\n## Feeds in trouble" in summary
    assert "yesterday" not in summary


def test_a_night_without_notices_has_no_such_section(db: Database) -> None:
    assert "Notices" not in summary_markdown(db.connection, begun(db).id)


def test_a_notice_said_twice_is_stored_once(db: Database) -> None:
    run = begun(db)
    for minute in range(2):
        runs.save_notice(db, run, NoticeKind.CLOCK, "it jumped", at=NIGHT + timedelta(minutes=minute))
    assert db.tuples("SELECT kind, text, noticed_at FROM night_notices") == [("clock", "it jumped", NIGHT)]


def test_the_kinds_of_notices_are_those_that_the_view_names(db: Database) -> None:
    comment = db.value(
        "SELECT comment FROM duckdb_columns() WHERE table_name = 'night_notices' AND column_name = 'kind'"
    )
    assert [kind for kind in NoticeKind if kind not in comment] == []
