"""How one value is written: every type that DuckDB has gives JSON that any reader takes."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsclust.export.values import cell_text, defused, json_text, plain, shown_text

VALUES = {
    "TIMESTAMP '2026-02-03 22:00'": "2026-02-03T22:00:00Z",
    "TIMESTAMP '2026-02-03 22:00:00.25'": "2026-02-03T22:00:00.250000Z",
    "TIMESTAMPTZ '2026-02-03 22:00:00+01'": "2026-02-03T21:00:00Z",
    "DATE '2026-02-03'": "2026-02-03",
    "TIME '10:30'": "10:30:00",
    "INTERVAL 26 HOUR": "P1DT7200S",
    "INTERVAL 0 HOUR": "PT0S",
    "'\\xAA'::BLOB": "qg==",
    "'7b41b4dc-4563-42eb-b9cc-4272c4f94b1d'::UUID": "7b41b4dc-4563-42eb-b9cc-4272c4f94b1d",
    "1.50::DECIMAL(6, 2)": 1.5,
    "15::DECIMAL(6, 0)": 15,
    "sum(1)": 1,
    "'nan'::DOUBLE": None,
    "'-inf'::FLOAT": None,
    "'infinity'::TIMESTAMP": None,
    "'-infinity'::TIMESTAMPTZ": None,
    "'infinity'::DATE": None,
    "[1.0, 'nan'::DOUBLE]": [1.0, None],
    "[0.5, 1]::FLOAT[2]": [0.5, 1.0],
    "{'a': TIMESTAMP '2026-02-03 22:00', 'b': [true]}": {"a": "2026-02-03T22:00:00Z", "b": [True]},
    "MAP {1: 'one'}": {"1": "one"},
    "'a'::ENUM('a', 'b')": "a",
    "NULL": None,
    "'«été» 🎉'": "«été» 🎉",
}


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.mark.parametrize("sql", VALUES)
def test_a_value_of_duckdb_is_written_as_json_has_it(sql: str, connection: duckdb.DuckDBPyConnection) -> None:
    ((value,),) = connection.execute(f"SELECT {sql}").fetchall()
    assert json.loads(json_text(value)) == VALUES[sql]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.datetimes()
        | st.dates() | st.times() | st.timedeltas() | st.decimals() | st.uuids(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=5,
    )
)  # fmt: skip
def test_any_value_is_json_and_one_line_of_it(value: Any) -> None:
    text = json_text(value)
    assert json.loads(text) == plain(value)
    assert "\n" not in text
    assert isinstance(cell_text(value), str)
    assert isinstance(shown_text(value), str)


def test_a_cell_is_empty_without_a_value_and_holds_lists_as_json() -> None:
    assert [cell_text(value) for value in (None, "", True, -1, 1.5, ["en", None])] == [
        *("", "", "true", "-1", "1.5", '["en", null]')
    ]


def test_a_person_reads_lists_by_commas_and_times_without_letters() -> None:
    shown = [
        ["en", "fr"],
        datetime(2026, 2, 3, 22, tzinfo=UTC),
        date(2026, 2, 3),
        timedelta(days=1),
        [{"a": 1}],
        float("nan"),
    ]
    assert [shown_text(value) for value in shown] == [
        *("en, fr", "2026-02-03 22:00:00", "2026-02-03", "P1D", '[{"a": 1}]', "nan")
    ]


def test_only_a_text_is_defused() -> None:
    assert [defused(value) for value in ("=1", "@x", "－1", "plain", -1, None)] == [
        *("'=1", "'@x", "'－1", "plain", -1, None)
    ]
