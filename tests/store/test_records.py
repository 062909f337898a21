"""Rows become dataclasses and dataclasses rows; what is stored twice is stored once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from pathlib import Path

import pyarrow as pa
import pytest

from newsclust.errors import StoreError
from newsclust.store import Database
from newsclust.store.records import row_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    colour: Colour
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    name: str
    hung_at: datetime
    colour: Colour
    second: Colour | None
    tags: tuple[str, ...]
    rooms: frozenset[int]
    shades: tuple[Colour, ...]
    counts: Mapping[str, int]
    lent_for: timedelta | None
    frame: Frame | None
    owner: str = "nobody"
    notes: str | None = field(default=None, repr=False)


ROW = """
SELECT 'm' AS name, TIMESTAMP '2026-03-02 12:00' AS hung_at, 'red' AS colour, NULL AS second, ['b', 'a'] AS tags,
       [2, 1] AS rooms, ['blue', 'red'] AS shades, MAP {'x': 1} AS counts, to_seconds(90) AS lent_for,
       {'colour': 'blue', 'since': TIMESTAMP '2026-03-02 12:00'} AS frame, 7 AS not_a_field
"""
PICTURE = Picture(
    name="m",
    hung_at=NOON,
    colour=Colour.RED,
    second=None,
    tags=("b", "a"),
    rooms=frozenset({1, 2}),
    shades=(Colour.BLUE, Colour.RED),
    counts={"x": 1},
    lent_for=timedelta(seconds=90),
    frame=Frame(colour=Colour.BLUE, since=NOON),
)


@pytest.fixture
def db(tmp_path: Path):
    with Database(tmp_path / "work.duckdb", now=NOON) as opened:
        opened.execute(
            "CREATE TABLE pictures (name TEXT PRIMARY KEY, hung_at TIMESTAMP, colour TEXT, second TEXT, tags TEXT[], "
            "rooms INTEGER[], shades TEXT[], counts MAP(TEXT, INTEGER), owner TEXT, notes TEXT)"
        )
        yield opened


# --- rows_as


def test_a_row_becomes_an_instance_by_the_types_of_its_fields(db: Database) -> None:
    assert db.rows_as(Picture, ROW) == [PICTURE]
    (picture,) = db.rows_as(Picture, ROW)
    assert (type(picture.colour), type(picture.shades[0]), picture.hung_at.tzinfo) == (Colour, Colour, UTC)
    assert picture.frame is not None
    assert (type(picture.frame.colour), picture.frame.since) == (Colour, NOON)


def test_the_first_column_can_be_the_key_and_a_field_at_once(db: Database) -> None:
    assert db.keyed_as(Picture, f"SELECT name, * EXCLUDE (name) FROM ({ROW})") == [("m", PICTURE)]
    assert db.keyed_as(Frame, "SELECT [1, 2] AS place, 'red' AS colour") == [([1, 2], Frame(colour=Colour.RED))]


def test_a_missing_column_is_an_error_that_names_it_unless_its_field_has_a_default(db: Database) -> None:
    with pytest.raises(StoreError, match="Picture needs the columns colour, tags; there are"):
        db.rows_as(Picture, f"SELECT * EXCLUDE (tags, colour) FROM ({ROW})")
    assert db.rows_as(Picture, ROW)[0].owner == "nobody"


def test_a_missing_column_is_an_error_even_without_rows(db: Database) -> None:
    with pytest.raises(StoreError, match="Frame needs the columns colour"):
        db.rows_as(Frame, "SELECT name FROM pictures")


def test_a_null_is_an_error_where_the_field_takes_no_none(db: Database) -> None:
    with pytest.raises(StoreError, match=r"Picture\.name takes no NULL"):
        db.rows_as(Picture, f"SELECT * REPLACE (NULL AS name) FROM ({ROW})")
    with pytest.raises(StoreError, match=r"Frame\.colour takes no NULL"):
        db.rows_as(Picture, f"SELECT * REPLACE ({{'colour': NULL, 'since': NULL}} AS frame) FROM ({ROW})")
    assert db.rows_as(Picture, f"SELECT * REPLACE (NULL AS frame) FROM ({ROW})")[0].frame is None


def test_a_value_that_an_enum_does_not_know_is_an_error(db: Database) -> None:
    with pytest.raises(ValueError, match="'green' is not a valid Colour"):
        db.rows_as(Frame, "SELECT 'green' AS colour")


def test_tuples_columns_and_values_come_back_aware(db: Database) -> None:
    sql = "SELECT TIMESTAMP '2026-03-02 12:00', 1"
    assert (db.tuples(sql), db.column(sql), db.value(sql)) == ([(NOON, 1)], [NOON], NOON)
    with pytest.raises(ValueError, match="too many values"):
        db.value("SELECT unnest([1, 2])")


# --- row_of and upsert


def stored_row(**changes: object) -> dict[str, object]:
    return row_of(PICTURE, without=("lent_for", "frame")) | changes


def test_an_instance_becomes_a_row_and_the_same_instance_again(db: Database) -> None:
    row = row_of(PICTURE, named={"owner": "notes"}, without=("lent_for", "frame", "notes"))
    assert row["notes"] == "nobody"
    db.upsert("pictures", [row], key=["name"])
    (again,) = db.rows_as(
        Picture, "SELECT * EXCLUDE (owner), to_seconds(90) AS lent_for, NULL AS frame FROM pictures"
    )
    assert row_of(again, without=("frame", "owner", "notes")) == row_of(PICTURE, without=("frame", "owner", "notes"))


def test_of_a_known_key_all_given_columns_are_updated_but_those_to_keep(db: Database) -> None:
    db.upsert("pictures", [stored_row(notes="first"), stored_row(name="n")], key=["name"])
    changed = stored_row(owner="museum", colour=Colour.BLUE, hung_at=NOON + timedelta(days=1), notes="second")
    db.upsert("pictures", [changed], key=["name"], keep=["hung_at", "notes"])
    assert db.tuples("SELECT name, owner, colour, hung_at, notes FROM pictures ORDER BY name") == [
        ("m", "museum", "blue", NOON, "first"),
        ("n", "nobody", "red", NOON, None),
    ]


def test_columns_that_are_not_given_stay_as_they_are(db: Database) -> None:
    db.upsert("pictures", [stored_row()], key=["name"])
    db.upsert("pictures", [{"name": "m", "owner": "museum"}], key=["name"])
    assert db.tuples("SELECT owner, colour FROM pictures") == [("museum", "red")]


def test_upserting_twice_changes_nothing(db: Database) -> None:
    rows = [stored_row(name=name) for name in "abc"]
    for _ in range(2):
        db.upsert("pictures", rows, key=["name"])
    assert db.column("SELECT name FROM pictures ORDER BY name") == ["a", "b", "c"]


def test_with_nothing_to_update_a_known_row_stays(db: Database) -> None:
    for owner in ("first", "second"):
        db.upsert("pictures", [{"name": "m", "owner": owner}], key=["name"], keep=["owner"])
    assert db.column("SELECT owner FROM pictures") == ["first"]


def test_an_arrow_table_is_stored_as_rows_are(db: Database) -> None:
    db.upsert("pictures", [stored_row()], key=["name"])
    db.upsert("pictures", pa.table({"name": ["m", "n"], "owner": ["museum", "school"]}), key=["name"])
    db.upsert("pictures", pa.table({"name": pa.array([], pa.string())}), key=["name"])
    assert db.tuples("SELECT name, owner, colour FROM pictures ORDER BY name") == [
        ("m", "museum", "red"),
        ("n", "school", None),
    ]


def test_nothing_to_store_stores_nothing(db: Database) -> None:
    db.upsert("pictures", [], key=["name"], keep=["owner"])
    db.save("pictures", [])
    assert db.column("SELECT name FROM pictures") == []


def test_rows_that_differ_in_columns_name_unknown_ones_or_lack_a_key_are_refused(db: Database) -> None:
    with pytest.raises(StoreError, match="pictures: the rows to store give different columns"):
        db.upsert("pictures", [{"name": "m", "owner": "x"}, {"name": "n"}], key=["name"])
    with pytest.raises(StoreError, match="pictures has no column size"):
        db.upsert("pictures", [{"name": "m", "size": 1}], key=["name"])
    with pytest.raises(StoreError, match="pictures: the rows to store give no name, notes"):
        db.upsert("pictures", [{"owner": "x"}], key=["name"], keep=["notes"])
    assert db.column("SELECT name FROM pictures") == []


def test_a_known_key_is_left_out_of_what_is_saved_when_that_is_asked(db: Database) -> None:
    db.save("pictures", [{"name": "m", "owner": "first"}])
    db.save("pictures", [{"name": "m", "owner": "second"}, {"name": "n", "owner": "x"}], skip_known=True)
    assert db.tuples("SELECT name, owner FROM pictures ORDER BY name") == [("m", "first"), ("n", "x")]


def test_a_moment_is_stored_in_utc(db: Database) -> None:
    east = NOON.astimezone(timezone(timedelta(hours=5)))
    db.upsert("pictures", [{"name": "m", "hung_at": east}], key=["name"])
    assert db.value("SELECT hung_at::TEXT FROM pictures") == "2026-03-02 12:00:00"
