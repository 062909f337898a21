"""`newsclust query` in a process of its own: its limits hold, rows come as they are found, cells are inert."""

import sys
import time
from pathlib import Path

import duckdb
import pytest

from newsclust.errors import StoreError
from newsclust.store import untrusted_sql
from newsclust.store.untrusted_sql import answered
from tests.terminal import Terminal


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with one table."""
    path = tmp_path / "published.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE titles AS SELECT unnest(['=HYPERLINK(\"http://x\")', '+1', 'plain']) AS title"
        )
    return path


@pytest.mark.parametrize(
    "sql",
    [
        "select length(repeat('x', 2000000000))",
        "select count(*) from range(1000000) a, range(1000000) b where a.range * b.range % 7 = 3",
        "select string_agg(repeat('x', 1000000), '') from range(100000)",
        "with recursive t(n) as (select 1 union all select n + 1 from t) select max(n) from t",
    ],
)
def test_a_query_ends_in_its_time_and_memory_whatever_it_asks(sql: str, file: Path) -> None:
    with answered(file, "select 1", seconds=20):
        pass  # a warm start
    begun = time.monotonic()
    with pytest.raises(StoreError) as ended, answered(file, sql, seconds=1) as answer:
        list(answer.batches)
    assert time.monotonic() - begun < 1 + 5 + 10  # five for one that hangs while it ends, ten for a busy machine
    assert "stopped after 1 s" in str(ended.value) or "memory" in str(ended.value).lower()


def test_rows_come_as_they_are_found(file: Path) -> None:
    with answered(file, "select range, repeat('x', 1000) from range(100000000)", seconds=20) as answer:
        assert len(next(answer.batches)) == 1000


def test_reading_slowly_is_not_counted_as_the_querys_time(file: Path) -> None:
    with answered(file, "from range(100000)", seconds=2) as answer:
        next(answer.batches)
        time.sleep(2.1)
        assert sum(map(len, answer.batches)) == 99_000


def test_a_process_that_ends_by_itself_is_an_error(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(untrusted_sql.sys, "executable", "/bin/true")
    with pytest.raises(StoreError, match="ended its process"), answered(file, "select 1", seconds=1):
        pass


def test_a_process_that_hangs_while_it_ends_is_waited_for_some_seconds(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that ran out of memory once did so for an hour."""
    hanging = tmp_path / "hanging"
    hanging.write_text(
        f"#!{sys.executable}\nimport os, time\nos.closerange(3, 100)\ntime.sleep(600)\n", encoding="utf-8"
    )
    hanging.chmod(0o755)
    monkeypatch.setattr(untrusted_sql.sys, "executable", str(hanging))
    begun = time.monotonic()
    with pytest.raises(StoreError, match="ended its process"), answered(file, "select 1", seconds=1):
        pass
    assert time.monotonic() - begun < 30


def test_a_cell_that_a_spreadsheet_would_calculate_is_defused_in_csv(terminal: Terminal, file: Path) -> None:
    command = ("query", "select title, -1 as number from titles", "--format", "csv", "--database", str(file))
    assert terminal(*command).out.splitlines() == [
        "title,number",
        '"\'=HYPERLINK(""http://x"")",-1',
        "'+1,-1",
        "plain,-1",
    ]
    assert terminal(*command, "--raw").out.splitlines()[1:] == ['"=HYPERLINK(""http://x"")",-1', "+1,-1", "plain,-1"]


def test_json_is_as_stored(terminal: Terminal, file: Path) -> None:
    ended = terminal("query", "from titles limit 1 offset 1", "--format", "json", "--database", str(file))
    assert ended.out == '{"title": "+1"}\n'


def test_a_table_shows_its_first_rows_and_says_that_there_are_more(terminal: Terminal, file: Path) -> None:
    ended = terminal("query", "from range(5001)", "--database", str(file))
    assert "4999" in ended.out
    assert "5000" not in ended.out
    assert "The first 5,000 rows" in ended.err
