"""Rows as other programs read them: each format is read back by a reader of its own and gives the same."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from newsclust.errors import SettingsError
from newsclust.export import Rows, TextFormat, text_lines
from newsclust.export.rows import write_parquet

SQL = """
SELECT 'a|b <i> [x](y)' AS title, TIMESTAMP '2026-02-03 22:00' AS at, ['en', 'fr'] AS languages, 0.5 AS share,
       NULL AS nothing, '=1+1' AS formula
"""


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def text(rows: Rows, form: TextFormat, *, raw: bool = False) -> str:
    return "".join(text_lines(rows, form, raw=raw))


def parquet(rows: Rows) -> Any:
    file = io.BytesIO()
    write_parquet(rows, file)
    return pq.read_table(file)


def test_csv_has_line_feeds_and_defuses_formulas(connection: duckdb.DuckDBPyConnection) -> None:
    written = text(Rows.answering(connection, SQL), TextFormat.CSV)
    assert "\r" not in written
    assert list(csv.DictReader(io.StringIO(written))) == [
        {
            "title": "a|b <i> [x](y)",
            "at": "2026-02-03T22:00:00Z",
            "languages": '["en", "fr"]',
            "share": "0.5",
            "nothing": "",
            "formula": "'=1+1",
        }
    ]
    assert "=1+1" in text(Rows.answering(connection, SQL), TextFormat.CSV, raw=True).split(",")[-1]


def test_json_is_one_array_and_json_lines_its_objects(connection: duckdb.DuckDBPyConnection) -> None:
    sql = "SELECT range AS n, 'nan'::DOUBLE AS x FROM range(3)"
    wanted = [{"n": n, "x": None} for n in range(3)]
    assert json.loads(text(Rows.answering(connection, sql), TextFormat.JSON)) == wanted
    lines = text(Rows.answering(connection, sql), TextFormat.JSONL).splitlines()
    assert [json.loads(line) for line in lines] == wanted


def test_a_name_that_stands_twice_loses_no_column(connection: duckdb.DuckDBPyConnection) -> None:
    (row,) = json.loads(text(Rows.answering(connection, "SELECT 1 AS a, 2 AS a, 3 AS a_1"), TextFormat.JSON))
    assert list(row.values()) == [1, 2, 3]


def test_no_cell_of_markdown_makes_a_column_a_tag_or_a_link(connection: duckdb.DuckDBPyConnection) -> None:
    head, rule, row = text(Rows.answering(connection, SQL), TextFormat.MARKDOWN).splitlines()
    assert head.count("|") == rule.count("|") == 7
    assert row.startswith(r"| a\|b \<i> \[x\](y) | 2026-02-03T22:00:00Z |")


def test_parquet_keeps_types_and_lists(connection: duckdb.DuckDBPyConnection) -> None:
    sql = (
        "SELECT TIMESTAMP '2026-02-03 22:00' AS at, ['a'] AS words, sum(7) AS total, NULL AS nothing, "
        "MAP {'k': 1} AS counts, {'x': 1} AS pair, uuid() AS id, INTERVAL 1 DAY AS age, "
        "[0.5, 1]::FLOAT[2] AS vector, 'a'::ENUM('a', 'b') AS kind, TIMESTAMPTZ '2026-02-03 22:00:00+00' AS zoned"
    )
    found = parquet(Rows.answering(connection, sql))
    types = {name: str(found.schema.field(name).type) for name in found.column_names}
    assert types["at"] == "timestamp[us]"
    assert types["zoned"] == "timestamp[us, tz=UTC]"
    assert types["total"] == "int64"
    (row,) = found.to_pylist()
    assert (row["words"], row["total"], row["nothing"], row["age"]) == (["a"], 7, None, "P1D")
    assert (row["counts"], row["pair"], row["vector"], row["kind"]) == ([("k", 1)], {"x": 1}, [0.5, 1.0], "a")


def test_parquet_without_rows_has_its_columns(connection: duckdb.DuckDBPyConnection) -> None:
    found = parquet(Rows.answering(connection, "SELECT 1 AS n, ['a'] AS words WHERE false"))
    assert (found.num_rows, found.column_names) == (0, ["n", "words"])


def test_parquet_refuses_a_column_that_it_cannot_hold_by_its_name(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(SettingsError, match=r"'total'.*cast it"):
        parquet(Rows.answering(connection, "SELECT sum(9223372036854775807) AS total FROM range(2)"))


def test_many_rows_come_in_the_order_of_the_answer(connection: duckdb.DuckDBPyConnection) -> None:
    found = parquet(Rows.answering(connection, "FROM range(120000) AS t(n)"))
    assert found.column("n").to_pylist() == list(range(120_000))


def test_rows_are_written_as_they_are_found(connection: duckdb.DuckDBPyConnection) -> None:
    def batches() -> Iterator[Sequence[Sequence[Any]]]:
        yield [[1]]
        raise AssertionError("read too early")

    lines = text_lines(Rows(names=["n"], types=["INTEGER"], batches=batches()), TextFormat.JSONL)
    assert next(lines) == '{"n": 1}\n'
