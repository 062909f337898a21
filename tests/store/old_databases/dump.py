"""Write the schema of an old database, its views, its comments and a few rows of each table as SQL.

    python tests/store/old_databases/dump.py DATABASE > tests/store/old_databases/COMMIT.sql

The database is one that the program of that commit made itself, from data/sample: `python -m flows.rehearsal demo
FOLDER`. Long texts are cut to 200 characters and vectors to 8 dimensions; settings of
runs, which hold paths, are left out; nothing else of a row is changed.
"""

import re
import sys
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import duckdb

_ROWS = 4  # of each table; of `migrations` all
_CHARACTERS = 200
_DIMENSIONS = 8
_LARGE = 2_400  # bytes of a page's body


def main(database: str) -> None:
    """Print the statements that make the database again, tables first."""
    with duckdb.connect(database, read_only=True) as connection:
        tables = connection.execute("SELECT table_name, sql FROM duckdb_tables() ORDER BY table_name").fetchall()
        for _, sql in tables:
            print(sql)
        for table, column, comment in connection.execute(
            "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE comment IS NOT NULL "
            "AND table_name IN (SELECT table_name FROM duckdb_tables()) ORDER BY ALL"
        ).fetchall():
            print(f"COMMENT ON COLUMN {table}.{column} IS {_literal(comment)};")
        for table, _ in tables:
            limit = "" if table == "migrations" else f"LIMIT {_ROWS}"
            where = f"WHERE octet_length(body) < {_LARGE}" if table == "pages" else ""
            left_out = "* REPLACE ('{}' AS settings)" if table == "runs" else "*"
            rows = f"SELECT {left_out} FROM {table} {where} ORDER BY rowid {limit}"
            for row in connection.execute(rows).fetchall():
                print(f"INSERT INTO {table} VALUES ({', '.join(map(_literal, row))});")
        views = dict(connection.execute("SELECT view_name, sql FROM duckdb_views() WHERE NOT internal").fetchall())
        while views:  # a view after those that it reads
            name = next(name for name, sql in views.items() if not _names_any_of(sql, views.keys() - {name}))
            print(views.pop(name))


def _names_any_of(sql: str, names: Collection[str]) -> bool:
    return any(re.search(rf"\b{name}\b", sql) for name in names)


def _literal(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case bool() | int() | float():
            return repr(value)
        case datetime():
            return f"TIMESTAMP '{value.isoformat(' ')}'"
        case str():
            return "'" + value[:_CHARACTERS].replace("'", "''") + "'"
        case bytes():
            return f"from_hex('{value.hex()}')"
        case list() if len(value) > _DIMENSIONS and all(isinstance(one, float) for one in value):
            return _literal([round(one, 4) for one in value[:_DIMENSIONS]])
        case list():
            return "[" + ", ".join(map(_literal, value)) + "]"
        case Mapping():
            return "MAP {" + ", ".join(f"{_literal(k)}: {_literal(v)}" for k, v in value.items()) + "}"
    raise TypeError(f"no literal for {type(value)}")


if __name__ == "__main__":
    main(sys.argv[1])
