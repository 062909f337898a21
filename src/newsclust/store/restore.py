"""The working file: backed up, put back from a backup, or rebuilt from what was published."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from newsclust.errors import StoreError
from newsclust.model import Run
from newsclust.store.compaction import copy_database, remove, rows_by_table
from newsclust.store.database import Database, connect, first_line, migrations, schema_number, sync
from newsclust.store.vectors import read_raw

_ORIGIN = "published_origin"
_SHOWN = f"{_ORIGIN}.internal"  # the schema of its tables
_REASON = "restored from the published file, which does not hold it"
_URL = "coalesce((SELECT url FROM {table} AS shown WHERE shown.{key} = origin.{name}), {otherwise})"
_FEED_URL = _URL.format(table=f"{_SHOWN}.feeds", key="feed_id", name="item_id", otherwise="''")
# What the published file lacks, by table: a column and the SQL that stands in for it. Every article counts as read,
# its page as dropped, so that the next night downloads and extracts nothing of what there was.
_FILLED: Mapping[str, Mapping[str, str]] = {
    "articles": {
        "language_source": "'none'",
        "extracted_at": "changed_at",
        "deduplicated_at": "greatest(changed_at, first_seen_at)",
    },
    "article_versions": {"text": "''", "text_source": "''"},
    "entries": {
        "url": _URL.format(table=f"{_SHOWN}.articles", key="article_id", name="article_id", otherwise="link"),
        "warnings": "[]",
        "last_seen_at": "first_seen_at",
        "dropped_at": "$1",
        "dropped_reason": f"'{_REASON}'",
    },
    "fetches": {
        "url": _FEED_URL,
        "final_url": _FEED_URL,
        "redirects": "0",
        "received_bytes": "0",
    },
    "runs": {"settings": "'{}'"},
}
_REBUILT = """
INSERT INTO processed (kind, item_id, fetched_at, warnings, run_id)
SELECT 'page', article_id, $1, [], min(run_id)
FROM entries WHERE article_id IN (FROM read_articles) GROUP BY article_id;
INSERT INTO pages (kind, item_id, url, final_url, fetched_at, headers, body, run_id, dropped_at, dropped_reason)
SELECT 'page', article_id, min(link), min(link), $1, MAP {}, ''::BLOB, min(run_id), $1, $2
FROM entries
WHERE article_id IN (FROM read_articles)
  AND article_id NOT IN (  -- a page that could not be reached is tried on three nights
      SELECT article_id FROM articles JOIN entries USING (article_id)
      WHERE entries.wants_page AND entries.changed_at > $1 - INTERVAL 3 DAY AND articles.text_source <> 'page'
  )
GROUP BY article_id;
INSERT INTO fingerprints (article_id, text_hash, shingles, run_id, keys, method)
SELECT article_id, '', 0, run_id, [], 'restored' FROM articles;
INSERT INTO link_progress (article_id, model, linker, embedded_at, run_id)
SELECT article_id, model, 'restored', embedded_at, run_id FROM embeddings ANTI JOIN duplicates USING (article_id);
"""
_FEEDS_READ = f"""
INSERT INTO processed (kind, item_id, fetched_at, warnings, run_id)
SELECT 'feed', feed_id, $1, warnings, (SELECT run_id FROM feeds WHERE feeds.feed_id = shown.feed_id)
FROM {_SHOWN}.feed_warnings AS shown
"""  # noqa: S608 (a name of ours)
LACKING = "downloaded pages, feed documents and work queues"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a working file was restored from, and what it holds."""

    articles: int
    stories: int
    is_rebuilt: bool  # from a published file: what LACKING says is not there
    kept_aside: Path | None  # the file that stood there before


def refuse_empty_archive(database: Path, published: Path) -> None:
    """Raise StoreError when there is no working file though nights were published: it is lost, not new."""
    if database.exists() or not published.is_file():
        return
    raise StoreError(
        f"{database} does not exist, though {published} was published from it: put it back (newsclust restore "
        f"BACKUP), rebuild it from what was published (newsclust restore), or begin anew by moving {published} away"
    )


def backup(database: Path, target: Path) -> int:
    """Write a complete copy of the working file, verified row by row, to `target`; return its size in bytes.

    StoreError while a night has the file open, and when `target` exists.
    """
    if not database.exists():
        raise StoreError(f"{database} does not exist: there is nothing to back up")
    if target.exists():
        raise StoreError(f"{target} exists: name another file")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _new_file(target) as partial, _opened(database) as connection:
            copy_database(connection, partial)
            partial.replace(target)
            sync(target.parent)
    except (OSError, duckdb.Error) as error:
        raise StoreError(f"cannot back up to {target}: {_reason(error)}") from error
    return target.stat().st_size


def restore(
    database: Path,
    source: Path,
    *,
    replace: bool = False,
    complete: Callable[[Database, Run], None] = lambda _db, _run: None,
) -> Restored:
    """Put the working file back from a backup, or rebuild it from a published file, and keep a file that stood there.

    `complete` computes in a rebuilt file what else a working file has. All at once: killed at any moment, the working
    file is as before or restored.
    """
    if database.exists() and not replace:
        raise StoreError(f"{database} exists: with --replace it is kept aside as {database.name}.before-restore")
    if not source.exists():
        raise StoreError(f"{source} does not exist: there is nothing to restore from")
    if database.exists() and source.samefile(database):
        raise StoreError(f"{source} is the working file itself")
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        with _new_file(database) as partial:
            is_rebuilt = _write(source, partial, complete)
            with connect(partial, read_only=True) as restored:
                rows = rows_by_table(restored)
            kept = _keep_aside(database)
            partial.replace(database)
            sync(database.parent)
    except (OSError, duckdb.Error) as error:
        raise StoreError(f"cannot restore {database} from {source}: {_reason(error)}; nothing was changed") from error
    return Restored(articles=rows["articles"], stories=rows["stories"], is_rebuilt=is_rebuilt, kept_aside=kept)


def _write(source: Path, partial: Path, complete: Callable[[Database, Run], None]) -> bool:
    """Write what the source holds into a new working file; return whether it had to be rebuilt."""
    quoted = str(source).replace("'", "''")
    known = migrations()[-1].number
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{quoted}' AS {_ORIGIN} (READ_ONLY)")
        schema = schema_number(connection, of=_ORIGIN)
        if schema is None:
            raise StoreError(f"{source} is no file of newsclust")
        if schema > known:
            raise StoreError(f"{source} was made by a newer newsclust (schema {schema}; this one knows {known})")
        if "pages" in rows_by_table(connection, of=_ORIGIN):  # a backup, or published when that was a copy
            copy_database(connection, partial, of=_ORIGIN)
            return False
    if schema != known:
        raise StoreError(
            f"{source} was published with schema {schema}, this newsclust rebuilds from {known}: install the one "
            "that published it, restore, and upgrade then"
        )
    _rebuild(source, partial, complete)
    return True


def _rebuild(source: Path, partial: Path, complete: Callable[[Database, Run], None]) -> None:
    quoted = str(source).replace("'", "''")
    with Database(partial, now=datetime.now(UTC)) as db:
        db.execute(f"ATTACH '{quoted}' AS {_ORIGIN} (READ_ONLY)")
        night_at = db.value(f"SELECT max(night_at) FROM {_SHOWN}.runs")  # noqa: S608
        if night_at is None:
            raise StoreError(f"{source} holds no night")
        shared = db.column(
            "SELECT table_name FROM duckdb_tables() "
            "WHERE database_name = $1 AND table_name NOT IN ('migrations', 'embeddings') "
            "INTERSECT SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() ORDER BY 1",
            [_ORIGIN],
        )
        for table in shared:
            filled = _FILLED.get(table, {})
            more = "".join(f", {sql} AS {column}" for column, sql in filled.items())
            query = f"INSERT INTO {table} BY NAME SELECT *{more} FROM {_SHOWN}.{table} AS origin"  # noqa: S608
            db.execute(query, [night_at] if "$1" in query else [])
        for rows in read_raw(db.connection, _SHOWN):
            with db.given("given_rows", rows):
                db.execute("INSERT INTO embeddings BY NAME FROM given_rows")
        with db.transaction():
            db.execute(
                "CREATE TEMP TABLE read_articles AS SELECT DISTINCT article_id FROM entries "
                "ANTI JOIN (FROM quarantined_entries ANTI JOIN articles USING (article_id)) AS waiting "
                "USING (entry_id)"
            )
            for statement in filter(str.strip, _REBUILT.split(";")):
                db.execute(statement, [night_at, _REASON][: statement.count("$2") + 1] if "$1" in statement else [])
            db.execute(_FEEDS_READ, [night_at])
        db.execute("DROP TABLE read_articles")
        db.execute(f"DETACH {_ORIGIN}")
        complete(db, Run(id="restored", flow="restore", night_at=night_at, started_at=night_at))
        db.check_or_raise()
    sync(partial)


def _keep_aside(database: Path) -> Path | None:
    """Give the file that stands there a second name; return it, None when there is no file."""
    if not database.exists():
        return None
    with suppress(StoreError, duckdb.Error):  # what waits in its log is written into it, if it can be
        connect(database, read_only=False).close()
    number, kept = 1, database.with_name(f"{database.name}.before-restore")
    while kept.exists():
        number += 1
        kept = database.with_name(f"{database.name}.before-restore-{number}")
    os.link(database, kept)
    log = database.with_name(f"{database.name}.wal")
    if log.exists():
        log.replace(kept.with_name(f"{kept.name}.wal"))
    return kept


@contextmanager
def _opened(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Inside, a connection to the working file as it is; StoreError when a night has it open."""
    try:
        connection = connect(database, read_only=False)
    except StoreError as error:
        raise StoreError(f"{error} - a night is running? try again after it") from error
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _new_file(target: Path) -> Iterator[Path]:
    """Inside, a path beside `target` where a new file can be made; what is there afterwards is deleted."""
    partial = target.with_name(f".{target.name}.restoring")
    remove(partial)
    try:
        yield partial
    finally:
        with suppress(OSError):
            remove(partial)


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or first_line(str(error))
