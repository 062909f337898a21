"""`newsclust query` in a process of its own: its limits hold, rows come as they are found, cells are inert."""

import io
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
    command = ("query", "from titles limit 1 offset 1", "--database", str(file))
    assert terminal(*command, "--format", "jsonl").out == '{"title": "+1"}\n'
    assert terminal(*command, "--format", "json").out == '[\n{"title": "+1"}\n]\n'


def test_an_answer_without_rows_is_an_empty_array_and_an_empty_file_of_lines(terminal: Terminal, file: Path) -> None:
    command = ("query", "from titles where false", "--database", str(file), "--format")
    assert [terminal(*command, form).out for form in ("json", "jsonl", "csv")] == ["[]\n", "", "title\n"]


def test_an_array_is_closed_only_when_all_rows_came(terminal: Terminal, file: Path) -> None:
    sql = "select case when range = 4000 then error('broken') else range end as n from range(5000)"
    ended = terminal("query", sql, "--database", str(file), "--format", "json")
    assert ended.code == 2
    assert not ended.out.rstrip().endswith("]")


@pytest.mark.parametrize("arguments", [["-"], [], ["--file", "asked.sql"]])
def test_sql_is_taken_from_standard_input_or_from_a_file(
    arguments: list[str], terminal: Terminal, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql = "-- how many?\nselect count(*) as titles\nfrom titles"
    Path("asked.sql").write_text(sql, encoding="utf-8")
    monkeypatch.setattr(
        "sys.stdin", io.TextIOWrapper(io.BytesIO(b"select 1" if "--file" in arguments else sql.encode()))
    )
    ended = terminal("query", *arguments, "--database", str(file), "--format", "csv")
    assert (ended.code, ended.out) == (0, "titles\n3\n")


def test_sql_that_is_nowhere_or_in_two_places_is_refused(
    terminal: Terminal, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("asked.sql").write_text("select 1", encoding="utf-8")
    both = terminal("query", "select 1", "--file", "asked.sql", "--database", str(file))
    assert (both.code, "not in both" in both.err) == (2, True)
    missing = terminal("query", "--file", "missing.sql", "--database", str(file))
    assert (missing.code, "missing.sql" in missing.err) == (2, True)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    nothing = terminal("query", "--database", str(file))
    assert (nothing.code, "no SQL" in nothing.err, "--file" in nothing.err) == (2, True, True)


def test_a_table_shows_its_first_rows_and_says_that_there_are_more(terminal: Terminal, file: Path) -> None:
    ended = terminal("query", "from range(5001)", "--database", str(file))
    assert "4999" in ended.out
    assert "5000" not in ended.out
    assert "The first 5,000 rows" in ended.err
