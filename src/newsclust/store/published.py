"""The published file: built, not copied, out of what views and readers need.

A copy of the working file would carry raw pages, work queues, settings of stages and, in its free blocks, what was
deleted. So a new file is made: of each table the columns that somebody reads, in the schema `internal`, and the views
and macros that read them, in `main`.
"""

import re
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from newsclust.errors import StoreError
from newsclust.store.database import Database, comment_tables, connect, first_line, object_name, sql_files, sync
from newsclust.store.vectors import DEFAULT_LENGTH, VECTOR_COMMENTS, VECTOR_TABLES, vector_type, write_centred

# A file that may be written is opened for writing by a plain duckdb.connect(), and then by nobody else. One that may
# not be is refused. (The superuser may write all: nothing helps there but read_only=True.)
_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_MEMORY_GB = 1  # while building; what is larger is sorted and grouped on disk
_BUILD = "published_build"  # what the new file is called while the tables are written
_MACRO = re.compile(r"^CREATE OR REPLACE MACRO (?P<name>\w+)\((?P<parameters>.*?)\) AS TABLE$", re.MULTILINE)
_QUALIFIED = re.compile(
    r"\b(?P<before>FROM|JOIN)\s+(?P<name>(?:internal|main)\.(?P<table>\w+))\b(?P<alias>\s+AS\s+\w+)?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedTable:
    """What is published of a table, or of a view that the published file holds as a table."""

    without: Collection[str] = ()  # columns that no view and no reader needs
    source: str = ""  # a query in place of the whole table


PUBLISHED: Mapping[str, PublishedTable] = {
    "articles": PublishedTable(without=["language_source", "extracted_at", "deduplicated_at"]),
    "article_versions": PublishedTable(without=["text", "text_source"]),  # the diff says how it was
    "corrections": PublishedTable(),
    "duplicates": PublishedTable(),
    "entries": PublishedTable(  # its hash, changed_at and wants_page are for `newsclust restore`
        without=[
            *("guid", "url", "summary", "content", "author", "language", "updated_at", "warnings"),
            *("last_seen_at", "source_url", "dropped_at", "dropped_reason", "absent_at"),
        ]
    ),
    "failures": PublishedTable(),
    "feed_changes": PublishedTable(),
    "feed_health_states": PublishedTable(),
    "feed_moves": PublishedTable(),
    "feed_run_stats": PublishedTable(without=["recurring_words"]),
    "feed_schedules": PublishedTable(),
    "feed_sites": PublishedTable(),
    "feed_warnings": PublishedTable(source="FROM internal.feed_warnings"),
    "feeds": PublishedTable(),
    "fetches": PublishedTable(
        source="FROM fetches WHERE kind = 'feed'",
        without=["url", "final_url", "redirects", "received_bytes", "etag", "last_modified", "detail", "moved_to"],
    ),
    "links": PublishedTable(),
    "migrations": PublishedTable(),
    "outlet_profiles": PublishedTable(),
    "quarantines": PublishedTable(),
    "request_counts": PublishedTable(  # of what is not published, too
        source="FROM request_counts UNION ALL SELECT run_id, '', count(*), count(*) FILTER (seconds > 0), "
        "count(*) FILTER (reason IS NOT NULL) FROM fetches WHERE kind <> 'feed' GROUP BY run_id"
    ),
    "rewrite_comparisons": PublishedTable(source="FROM rewrite_comparisons WHERE is_rewrite"),
    "run_notices": PublishedTable(),
    "runs": PublishedTable(without=["settings"]),
    # Sorted: a reader of one word skips the rest.
    "search_documents": PublishedTable(source="FROM search_documents ORDER BY doc"),
    "search_postings": PublishedTable(source="FROM search_postings ORDER BY term, doc"),
    "search_words": PublishedTable(source="FROM search_words ORDER BY word, language"),
    "steps": PublishedTable(),
    "stories": PublishedTable(),
    "story_articles": PublishedTable(),
    "story_clusterer": PublishedTable(source="FROM internal.story_clusterer"),
    "story_events": PublishedTable(),
    "topic_stories": PublishedTable(),
    "topics": PublishedTable(),
}
WITHHELD: Mapping[str, str] = {
    "boilerplate_blocks": "read by find_duplicates and extract_articles",
    "duplicate_overrides": "read by find_duplicates; people read the corrections",
    "feed_update_hints": "read by the polling scheduler; what it decided is in feed_schedules",
    "fingerprints": "read by find_duplicates",
    "link_progress": "the queue of link_articles",
    "pages": "what sites sent, for extract_articles and parse_feeds",
    "processed": "the queue of extract_articles and parse_feeds",
    "robots": "read by fetch_pages",
    "word_counts": "read by link_articles",
}


def publish(db: Database, target: Path) -> int:
    """Replace `target` by a new file of what readers need, all at once; return its size in bytes.

    Readers of the old file keep it until they close it. When building fails (a full disk), the old file stays and
    `StoreError` says why. What a publication that was killed left behind is deleted.
    """
    partial = target.with_name(f".{target.name}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove(partial)
        _build(db, partial)
        partial.chmod(partial.stat().st_mode & ~_WRITE)
        sync(partial)
        # What somebody wrote into the old file waits in its WAL, and would be replayed into the new one.
        target.with_name(f"{target.name}.wal").unlink(missing_ok=True)
        partial.replace(target)
        sync(target.parent)
    except (OSError, duckdb.Error) as error:
        db.reopen()  # DuckDB may have given up the whole connection; and the half-built file is let go
        reason = error.strerror if isinstance(error, OSError) else None
        raise StoreError(
            f"cannot publish {target}: {reason or first_line(str(error))}; the previous file is untouched"
        ) from error
    finally:
        with suppress(OSError):
            _remove(partial)
    return target.stat().st_size


def is_unpublished_view(name: str) -> bool:
    """Tell whether this view or macro of the working file is none of the published one: a queue, or a table there."""
    return name.startswith("todo_") or name in PUBLISHED or name in VECTOR_TABLES


def attachable(sql: str) -> str:
    """Return the SQL of a view or macro so that a macro also reads the file when that is attached under a name.

    DuckDB binds the names in a view in the view's database, and those in a macro in the caller's. So each macro gets
    a parameter `attached`, the name that the file was attached under; without it, it reads the database in use.
    """
    head = _MACRO.search(sql)
    if head is None:
        return sql
    body, comment, rest = sql[head.end() :].partition("\nCOMMENT ON ")
    parameters = ", ".join(filter(None, [head["parameters"], "attached := NULL"]))
    start = f"{sql[: head.start()]}CREATE OR REPLACE MACRO {head['name']}({parameters}) AS TABLE"
    return start + _QUALIFIED.sub(_in_database, body) + comment + rest


def _in_database(found: re.Match[str]) -> str:
    name = f"""format('"{{}}".{found["name"]}', coalesce(attached, current_database()))"""
    alias = found["alias"] or f" AS {found['table']}"
    return f"{found['before']} query_table({name}){alias}"


def _build(db: Database, path: Path) -> None:
    """Write the tables, then the views over them; nothing is in the file that was not selected here."""
    with _attached(db.connection, path), _little_memory(db.connection):
        counts = {}
        db.execute("BEGIN")  # one commit, one wait for the disk
        db.execute(f"CREATE SCHEMA {_BUILD}.internal")
        for name, table in PUBLISHED.items():
            columns = f"* EXCLUDE ({', '.join(table.without)})" if table.without else "*"
            source = f"({table.source})" if table.source else name
            db.execute(f"CREATE TABLE {_BUILD}.internal.{name} AS SELECT {columns} FROM {source}")  # noqa: S608
            counts[name] = db.value(f"SELECT count(*) FROM {source}")  # noqa: S608
        counts |= write_centred(db, f"{_BUILD}.internal")
        db.execute("COMMIT")
        db.execute(f"CHECKPOINT {_BUILD}")
    with connect(path, read_only=False) as built:
        length = vector_type(built)
        for name, sql in sql_files("views"):
            if not is_unpublished_view(object_name(name)):
                built.execute(attachable(sql).replace(f"FLOAT[{DEFAULT_LENGTH}]", length))
        comment_tables(built)
        built.execute(VECTOR_COMMENTS)
    with connect(path, read_only=True) as built:
        stored = dict(built.execute("SELECT table_name, estimated_size FROM duckdb_tables()").fetchall())
    if stored != counts:
        differing = ", ".join(sorted(name for name in counts if stored.get(name) != counts[name]))
        raise duckdb.Error(f"the new file does not hold what was written: {differing}")


@contextmanager
def _attached(connection: duckdb.DuckDBPyConnection, path: Path) -> Iterator[None]:
    """Inside, the file at `path` is the database `published_build` of this connection."""
    quoted = str(path).replace("'", "''")
    connection.execute(f"ATTACH '{quoted}' AS {_BUILD}")
    try:
        yield
    finally:
        connection.execute(f"DETACH {_BUILD}")


@contextmanager
def _little_memory(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Inside, DuckDB takes no more memory than a night does."""
    connection.execute(f"SET memory_limit = '{_MEMORY_GB}GB'")
    try:
        yield
    finally:
        connection.execute("RESET memory_limit")


def _remove(path: Path) -> None:
    for one in (path, path.with_name(f"{path.name}.wal")):
        one.unlink(missing_ok=True)
