"""Databases that earlier commits made open with every row, under the present names.

`old_databases/COMMIT.sql` is the schema, the views and some rows of a database that the program of that commit made
from data/sample; `old_databases/dump.py` wrote it.
"""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from newsclust.store import Database
from newsclust.store import database as database_module
from newsclust.store.database import migrations
from tests.old_names import COLUMNS, TABLES, VALUES

OLD = sorted(Path(__file__).with_name("old_databases").glob("*.sql"))
Rows = dict[str, list[dict[str, Any]]]


def rows_of(connection: duckdb.DuckDBPyConnection) -> Rows:
    """Return every row by table, in the order of storage."""
    found: Rows = {}
    for (table,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
        cursor = connection.execute(f"FROM {table} ORDER BY rowid")
        names = [column[0] for column in cursor.description or ()]
        found[table] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return found


def renamed(rows: Rows) -> Rows:
    """Return the rows of an old database as the present names have them."""
    found: Rows = {}
    for old_table, old_rows in rows.items():
        table = TABLES.get(old_table, old_table)
        columns = COLUMNS.get(table, {})
        found[table] = [
            {
                present: VALUES.get((table, present), {}).get(value, value) if isinstance(value, str) else value
                for old, value in row.items()
                if (present := columns.get(old, old)) is not None
            }
            for row in old_rows
        ]
    return found


def made(path: Path, sql: str) -> Rows:
    """Make a database file by the statements; return its rows under the present names."""
    with duckdb.connect(str(path)) as connection:
        connection.execute(sql)
        return renamed(rows_of(connection))


def assert_all_kept(before: Rows, db: Database) -> None:
    after = rows_of(db.connection)
    for table, rows in before.items():
        if table == "migrations":
            continue
        kept = [{name: row[name] for name in old} for row, old in zip(after[table], rows, strict=True)]
        assert kept == rows, table


def test_there_is_a_database_of_each_commit_that_one_may_have() -> None:
    assert [path.stem for path in OLD] == ["44f6c15", "53e96f5", "5eafcce"]


@pytest.mark.parametrize("path", OLD, ids=lambda path: path.stem)
def test_a_database_of_an_earlier_commit_opens_with_every_row(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "work.duckdb"
    before = made(file, path.read_text(encoding="utf-8"))
    assert len(before["articles"]) == 4
    for _ in range(2):
        with Database(file) as db:
            assert_all_kept(before, db)
            applied = db.rows("SELECT number FROM migrations ORDER BY number")
            assert [row["number"] for row in applied] == [migration.number for migration in migrations()]
            for row in db.rows(
                "SELECT view_name AS name FROM duckdb_views() WHERE NOT internal AND schema_name = 'main'"
            ):
                db.rows(f"FROM {row['name']}")


@pytest.mark.parametrize("path", OLD, ids=lambda path: path.stem)
def test_an_old_database_has_the_schema_of_a_new_one(path: Path, tmp_path: Path) -> None:
    made(tmp_path / "old.duckdb", path.read_text(encoding="utf-8"))
    described = """
        SELECT table_name, column_name, data_type, is_nullable, column_default, comment FROM duckdb_columns()
        WHERE table_name <> 'migrations' ORDER BY table_name, column_name
    """
    with Database(tmp_path / "old.duckdb") as old, Database(tmp_path / "new.duckdb") as new:
        assert old.rows(described) == new.rows(described)


def test_stored_values_take_their_present_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    present = {table: old for old, table in TABLES.items()}
    before_0015 = [migration for migration in migrations() if migration.number < 15]
    with monkeypatch.context() as patched:
        patched.setattr(database_module, "migrations", lambda: before_0015)
        patched.setattr(database_module, "sql_files", lambda folder: [])
        Database(tmp_path / "work.duckdb").close()
    with duckdb.connect(str(tmp_path / "work.duckdb")) as connection:
        for (table, column), values in VALUES.items():
            old_table = present.get(table, table)
            old_column = next((old for old, new in COLUMNS.get(table, {}).items() if new == column), column)
            for number, value in enumerate([*values, "language"]):
                put(connection, old_table, number, **{old_column: value})
        before = renamed(rows_of(connection))
    with Database(tmp_path / "work.duckdb") as db:
        assert_all_kept(before, db)
        assert {row["rule"] for row in db.rows("FROM quarantines")} >= {"volume", "foreign_links", "language"}


def put(connection: duckdb.DuckDBPyConnection, table: str, number: int, **given: str) -> None:
    """Insert a row whose needed columns hold something of their type, in their keys the number."""
    anything = {"VARCHAR": f"'{number}{''.join(given)}'", "TIMESTAMP": "now()::TIMESTAMP", "BOOLEAN": "true"}
    needed = dict(
        connection.execute(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = $1 AND NOT is_nullable", [table]
        ).fetchall()
    )
    filled = {
        name: anything.get(kind, "MAP {}" if kind.startswith("MAP") else "[]" if kind.endswith("[]") else "1")
        for name, kind in needed.items()
    } | {name: f"'{value}'" for name, value in given.items()}
    connection.execute(f"INSERT INTO {table} ({', '.join(filled)}) VALUES ({', '.join(filled.values())})")
