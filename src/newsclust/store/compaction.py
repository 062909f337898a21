"""A working file with much free room in it is rebuilt: DuckDB reuses free blocks, and does not give them back.

Rows that were updated as a whole or deleted stay in their row groups, too, when a table has a primary key.
"""

import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb

from newsclust.errors import StoreError
from newsclust.store.database import Database, connect, first_line, sync

MIN_FREE_SHARE, MIN_FREE_BYTES = 0.3, 256_000_000
_CHURNING = ("entries", "embeddings", "links", "processed", "articles")  # tables whose rows are replaced or deleted
_COPY = "copied_file"  # what the new file is called while it is written


def copy_database(connection: duckdb.DuckDBPyConnection, path: Path, *, of: str | None = None) -> None:
    """Write all that a database holds into a new file: tables, views, macros and comments.

    It is that of the connection, or the attached one called `of`. Raises `StoreError` when the copy does not hold
    every row.
    """
    name = of or _value(connection, "SELECT current_database()")
    quoted = str(path).replace("'", "''")
    connection.execute(f"ATTACH '{quoted}' AS {_COPY} (READ_WRITE)")
    try:
        connection.execute(f'COPY FROM DATABASE "{name}" TO {_COPY}')
        connection.execute(f"CHECKPOINT {_COPY}")
    finally:
        connection.execute(f"DETACH {_COPY}")
    with connect(path, read_only=True) as copy:
        if (copied := rows_by_table(copy)) != (kept := rows_by_table(connection, of=name)):
            differing = ", ".join(sorted(name for name in kept if copied.get(name) != kept[name]))
            raise StoreError(f"{path} does not hold what was copied into it: {differing}")
    sync(path)


def rows_by_table(connection: duckdb.DuckDBPyConnection, *, of: str | None = None) -> Mapping[str, int]:
    """Return how many rows each table holds, of the connection's database or of the attached one called `of`."""
    database = of or _value(connection, "SELECT current_database()")
    names = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = $1 AND NOT temporary", [database]
    ).fetchall()
    return {
        name: _value(connection, f'SELECT count(*) FROM "{database}"."{schema}"."{name}"')  # noqa: S608 (names of ours)
        for schema, name in names
    }


def wasted_bytes(db: Database) -> int:
    """Return about how many bytes of the file hold nothing: free blocks, and rows that were replaced or deleted."""
    block, total, free = db.tuples("SELECT block_size, total_blocks, free_blocks FROM pragma_database_size()")[0]
    wasted = block * free
    for table in _CHURNING:
        rows = db.value(f"SELECT count(*) FROM {table}")  # noqa: S608 (a name of ours)
        segments = (
            "SELECT coalesce(sum(count), 0), count(DISTINCT block_id) FROM pragma_storage_info($1) "
            "WHERE segment_type <> 'VALIDITY' AND column_id = 0"
        )
        stored = db.tuples(segments, [table])[0][0]
        blocks = db.value("SELECT count(DISTINCT block_id) FROM pragma_storage_info($1) WHERE block_id >= 0", [table])
        if stored > rows:
            wasted += int(block * blocks * (stored - rows) / stored)
    return int(min(wasted, block * total))


def compact(db: Database) -> int:
    """Rebuild the working file when a large part of it holds nothing and the disk has room; return the bytes saved.

    The new file takes the old one's place all at once; killed before, the old one is as it was.
    """
    partial = db.path.with_name(f".{db.path.name}.compact")
    remove(partial)  # of a process that was killed
    db.execute("CHECKPOINT")
    before = db.path.stat().st_size
    wasted = wasted_bytes(db)
    if wasted < MIN_FREE_BYTES or wasted < MIN_FREE_SHARE * before:
        return 0
    if shutil.disk_usage(db.path.parent).free < 1.2 * (before - wasted) + MIN_FREE_BYTES:
        return 0
    try:
        copy_database(db.connection, partial)
        db.connection.close()
        _require_no_log(db.path)
        partial.replace(db.path)
        sync(db.path.parent)
    except (OSError, duckdb.Error, StoreError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or first_line(str(error))
        raise StoreError(f"cannot rebuild {db.path}, which is as it was: {reason}") from error
    finally:
        with suppress(OSError):
            remove(partial)
        db.reopen()
    return before - db.path.stat().st_size


def _require_no_log(path: Path) -> None:
    """Raise when the closed file has a write-ahead log: it would be replayed into the file that takes its place."""
    if path.with_name(f"{path.name}.wal").exists():
        raise StoreError("its log could not be written into it")


def remove(path: Path) -> None:
    """Delete a file and its write-ahead log, if they are there."""
    for one in (path, path.with_name(f"{path.name}.wal")):
        one.unlink(missing_ok=True)


def _value(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    ((value,),) = connection.execute(sql).fetchall()
    return value
