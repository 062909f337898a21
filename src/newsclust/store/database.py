"""The DuckDB file: opened, migrated, written in transactions and checked.

DuckDB locks a file against every other process while a writer has it open, and one forgotten reader blocks the
writer. So only the pipeline opens the working file; everybody else reads the published one (`published.py`).
"""

import hashlib
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from newsclust.errors import CheckError, NewsclustError, StoreError
from newsclust.store.records import aware, reader, stored

Row = Mapping[str, Any]
T = TypeVar("T")

_COMMENT = re.compile(
    r"^(?P<on>COMMENT ON (?:TABLE|COLUMN)) (?P<subject>\S+) IS '(?P<text>(?:[^']|'')*)';$", re.MULTILINE
)
_HOLDER = re.compile(r"held in (?P<program>.+?) \(PID (?P<pid>\d+)\)")

_INCLUDE = re.compile(r"^-- INCLUDE (?P<name>\w+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One numbered step of the schema: its SQL, and the checksums of the forms that it was shipped in."""

    number: int
    name: str
    sql: str
    shipped: tuple[str, ...] = ()

    @property
    def checksum(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of its SQL."""
        return hashlib.sha256(self.sql.encode()).hexdigest()[:16]

    def is_known_as(self, checksum: str) -> bool:
        """Tell whether a database that records this checksum has the tables that this migration makes."""
        return checksum == self.checksum or checksum in self.shipped


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One query of `sql/checks`: its name, what it says, and the rows that should not exist."""

    name: str
    statement: str
    rows: list[tuple[Any, ...]]


def migrations() -> list[Migration]:
    """Return the migrations that this program knows, in order."""
    shipped = shipped_checksums()
    found = []
    for name, sql in sql_files("migrations"):
        number, _, title = name.partition("_")
        found.append(Migration(number=int(number), name=title, sql=sql, shipped=shipped.get(name, ())))
    return found


def shipped_checksums() -> dict[str, tuple[str, ...]]:
    """Return the checksums of `sql/migrations/CHECKSUMS` by migration, its present form last."""
    text = resources.files("newsclust").joinpath("sql", "migrations", "CHECKSUMS").read_text(encoding="utf-8")
    shipped: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        if words := line.partition("#")[0].split():
            name, checksum = words
            shipped[name] = (*shipped.get(name, ()), checksum)
    return shipped


class Database:
    """One open DuckDB file, with its schema up to date.

    Raises `StoreError` when the file cannot be opened, was made by a newer version, or is no database.
    """

    def __init__(self, path: Path, *, now: datetime | None = None) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot open {path}: {error.strerror or error}") from error
        self.connection = connect(path, read_only=False)
        try:
            _migrate(self.connection, path, now or datetime.now(UTC))
        except BaseException:
            self.connection.close()
            raise

    def close(self) -> None:
        """Close the file; what was committed is in it."""
        self.connection.close()

    def __enter__(self) -> "Database":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside is stored, or nothing of it."""
        self.connection.execute("BEGIN")
        try:
            yield
        except BaseException:
            self.connection.interrupt()  # a query that Ctrl-C left: its threads would be waited for
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Return the rows of a query by column name; timestamps come back aware, in UTC."""
        names, rows = self._fetched(sql, parameters)
        return [{name: aware(value) for name, value in zip(names, row, strict=True)} for row in rows]

    def rows_as(self, record: type[T], sql: str, parameters: Sequence[Any] = ()) -> list[T]:
        """Return the rows of a query as instances of a dataclass: the columns are its fields (`records.reader`)."""
        names, rows = self._fetched(sql, parameters)
        return list(map(reader(record, names), rows))

    def keyed_as(self, record: type[T], sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, T]]:
        """Return (first column, the row as an instance of the dataclass) of each row of a query."""
        names, rows = self._fetched(sql, parameters)
        read = reader(record, names)
        return [(row[0], read(row)) for row in rows]

    def tuples(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query as tuples; timestamps come back aware, in UTC."""
        return [tuple(map(aware, row)) for row in self._fetched(sql, parameters)[1]]

    def column(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Return the first column of a query."""
        return [aware(row[0]) for row in self._fetched(sql, parameters)[1]]

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """Return the one value that a query gives."""
        (value,) = self.column(sql, parameters)
        return value

    def _fetched(self, sql: str, parameters: Sequence[Any]) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        cursor = self.connection.execute(sql, list(map(stored, parameters)))
        return tuple(column[0] for column in cursor.description or ()), cursor.fetchall()

    def arrow(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """Return a query's result as an Arrow table: the way for vectors and long columns."""
        return self.connection.execute(sql, list(map(stored, parameters))).to_arrow_table()

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run one statement that returns nothing."""
        self.connection.execute(sql, list(map(stored, parameters)))

    @contextmanager
    def given(self, name: str, table: pa.Table) -> Iterator[None]:
        """Inside, queries can read `table` under `name`."""
        self.connection.register(name, table)
        try:
            yield
        finally:
            self.connection.unregister(name)

    @contextmanager
    def given_ids(self, ids: Sequence[str]) -> Iterator[None]:
        """Inside, queries can read the table `given_ids(id)`."""
        with self.given("given_ids", pa.table({"id": pa.array(ids, pa.string())})):
            yield

    def save(self, table: str, rows: Sequence[Row], *, skip_known: bool = False) -> None:
        """Insert rows by column name; a row whose key is stored is an error, or is left out with `skip_known`."""
        self._insert(table, rows, "ON CONFLICT DO NOTHING" if skip_known else "")

    def upsert(
        self, table: str, rows: Sequence[Row] | pa.Table, *, key: Sequence[str], keep: Collection[str] = ()
    ) -> None:
        """Insert rows by column name; of a row whose `key` is stored, update every given column but those of `keep`.

        All rows give the same columns. Those not given are NULL or their default in a new row and stay in a stored
        one. An Arrow table is the way for vectors and for many rows.
        """
        given = rows.column_names if isinstance(rows, pa.Table) else list(rows[0]) if rows else []
        if unknown := {*key, *keep}.difference(given) if given else set():
            raise StoreError(f"{table}: the rows to store give no {', '.join(sorted(unknown))}")
        updates = ", ".join(f"{name} = excluded.{name}" for name in given if name not in (*key, *keep))
        action = f"DO UPDATE SET {updates}" if updates else "DO NOTHING"
        self._insert(table, rows, f"ON CONFLICT ({', '.join(key)}) {action}")

    def _insert(self, table: str, rows: Sequence[Row] | pa.Table, on_conflict: str) -> None:
        if not len(rows):
            return
        given = rows if isinstance(rows, pa.Table) else self._as_arrow(table, rows)
        with self.given("given_rows", given):
            self.connection.execute(
                f"INSERT INTO {table} BY NAME SELECT * FROM given_rows {on_conflict}"  # noqa: S608 (names of ours)
            )

    def _as_arrow(self, table: str, rows: Sequence[Row]) -> pa.Table:
        types = self.arrow(f"SELECT * FROM {table} LIMIT 0").schema  # noqa: S608 (a name of ours)
        names = list(rows[0])
        if any(row.keys() != rows[0].keys() for row in rows):
            raise StoreError(f"{table}: the rows to store give different columns")
        if unknown := set(names).difference(types.names):
            raise StoreError(f"{table} has no column {', '.join(sorted(unknown))}")
        columns = [pa.array([stored(row[name]) for row in rows], types.field(name).type) for name in names]
        return pa.Table.from_arrays(columns, names=names)

    def check(self) -> list[CheckResult]:
        """Run every query of `sql/checks` and return the ones that found rows."""
        broken = []
        for name, sql in sql_files("checks"):
            rows = self.connection.execute(sql).fetchmany(20)
            if rows:
                statement = sql.splitlines()[0].removeprefix("--").strip()
                broken.append(CheckResult(name=name, statement=statement, rows=rows))
        return broken

    def check_or_raise(self) -> int:
        """Return the number of checks that hold; raise `CheckError` naming those that do not."""
        broken = self.check()
        if broken:
            failures = "; ".join(f"{c.name}: {c.statement} Not so for {c.rows[:3]}" for c in broken)
            raise CheckError(f"{len(broken)} of the stored rows' checks fail: {failures}")
        return len(sql_files("checks"))

    def reopen(self) -> None:
        """Close the file and open it anew: after an error that DuckDB may not go on from."""
        with suppress(duckdb.Error):
            self.connection.close()
        self.connection = connect(self.path, read_only=False)


@contextmanager
def open_published(
    path: Path, *, memory: str | None = None, threads: int | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Inside, a read-only connection to a published file that reads nothing else: no other file, no network.

    `memory` ("1GB") and `threads` are at most what DuckDB takes for its own; by default it is as much as it likes.

    StoreError when a query, or an error that a query caused, names what the file lacks because another version of
    newsclust published it, or none.
    """
    if not path.exists():
        raise StoreError(f"{path} does not exist: nothing has been published yet (`newsclust night` does)")
    if path.is_dir():
        raise StoreError(f"{path} is a folder: name the published file in it")
    # Given while connecting: a second connection of this process shares the first one's locked configuration.
    # Without replacements: else a table that is not there is looked for among this program's variables.
    safe = {"enable_external_access": "false", "lock_configuration": "true", "python_enable_replacements": "false"}
    if memory is not None:
        safe["memory_limit"] = memory
    if threads is not None:
        safe["threads"] = str(threads)
    with connect(path, read_only=True, config=safe) as connection:
        try:
            yield connection
        except (duckdb.Error, NewsclustError) as error:
            lacking = error if isinstance(error, duckdb.Error) else error.__cause__
            if not isinstance(lacking, duckdb.BinderException | duckdb.CatalogException):
                raise
            if (other := other_version(connection)) is None:
                raise
            raise StoreError(f"{path} cannot answer this ({first_line(str(lacking))}): {other}") from error


def other_version(connection: duckdb.DuckDBPyConnection) -> str | None:
    """Return what to say of a published file that another version of newsclust made, or none; None when ours did."""
    schema, ours = schema_number(connection), migrations()[-1].number
    if schema == ours:
        return None
    if schema is None:
        return "no newsclust published this file; name the published one (--database, or paths.published)"
    if schema > ours:
        return f"a newer newsclust published it (schema {schema}, this one reads {ours}): upgrade newsclust"
    return f"it was published with schema {schema}, this newsclust reads {ours}; the next night publishes it anew"


def schema_number(connection: duckdb.DuckDBPyConnection, *, of: str | None = None) -> int | None:
    """Return the number of the newest migration of a file, wherever it records them; None when it records none.

    It is the file of the connection, or the attached one called `of`.
    """
    tables = connection.execute(
        "SELECT database_name, schema_name FROM duckdb_tables() "
        "WHERE database_name = coalesce($1, current_database()) AND table_name = 'migrations'",
        [of],
    ).fetchall()
    for database, schema in tables:
        with suppress(duckdb.Error):  # somebody else's table of that name
            rows: list[tuple[int | None]] = connection.execute(
                f'SELECT max(number) FROM "{database}"."{schema}".migrations'  # noqa: S608 (names of the catalog)
            ).fetchall()
            return rows[0][0]
    return None


def connect(path: Path, *, read_only: bool, config: dict[str, Any] | None = None) -> duckdb.DuckDBPyConnection:
    """Return a connection to the file as it is; `StoreError` when it is open elsewhere or no database."""
    try:
        return duckdb.connect(str(path), read_only=read_only, config=config or {})
    except duckdb.Error as error:
        text = str(error)
        if "Could not set lock" in text or "Conflicting lock" in text:
            raise StoreError(_locked(path, text, read_only=read_only)) from error
        if "not a valid DuckDB database file" in text:
            raise StoreError(f"{path} is no DuckDB file: name another one, or move this one away") from error
        raise StoreError(f"cannot open {path}: {first_line(text)}") from error


def _locked(path: Path, text: str, *, read_only: bool) -> str:
    """Return what to say of a file that another process has locked, with its name and number if DuckDB tells them."""
    holder = _HOLDER.search(text)
    by = f"{Path(holder['program']).name}, process {holder['pid']}" if holder else first_line(text)
    if read_only:
        return (
            f"{path} is open for writing in another process ({by}), which shuts every reader out: close it there, "
            "and open it read-only: duckdb.connect(path, read_only=True), or ATTACH ... (READ_ONLY)"
        )
    return f"{path} is open in another process ({by}); read the published copy instead"


def _migrate(connection: duckdb.DuckDBPyConnection, path: Path, now: datetime) -> None:
    known = migrations()
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, "
        "checksum TEXT NOT NULL, applied_at TIMESTAMP NOT NULL)"
    )
    applied = {
        number: (name, checksum)
        for number, name, checksum in connection.execute("SELECT number, name, checksum FROM migrations").fetchall()
    }
    newest = max(applied, default=0)
    if newest > known[-1].number:
        raise StoreError(
            f"{path} was made by a newer newsclust (schema {newest}; this one knows {known[-1].number}): "
            "upgrade newsclust, or name another database"
        )
    for migration in known:
        if migration.number in applied:
            if not migration.is_known_as(applied[migration.number][1]):
                raise StoreError(f"{path}: migration {migration.number} is not the one this newsclust knows")
            continue
        connection.execute("BEGIN")
        try:
            connection.execute(migration.sql)
            connection.execute(
                "INSERT INTO migrations VALUES (?, ?, ?, ?)",
                [migration.number, migration.name, migration.checksum, stored(now)],
            )
        except duckdb.Error as error:
            connection.execute("ROLLBACK")
            raise StoreError(f"{path}: migration {migration.number} failed: {error}") from error
        connection.execute("COMMIT")
    connection.execute("BEGIN")
    make_views(connection)  # re-made on every opening: a view is code, not stored state
    connection.execute("COMMIT")


def make_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the views and macros of the working file anew, and comment its tables.

    What the views read is called `internal.name`, as in the published file, where the tables stand in that schema:
    here each is a view of the table.
    """
    connection.execute("CREATE SCHEMA IF NOT EXISTS internal")
    tables = connection.execute(
        "SELECT table_name FROM duckdb_tables() "
        "WHERE database_name = current_database() AND schema_name = 'main' AND NOT temporary"
    ).fetchall()
    for (table,) in tables:
        connection.execute(f'CREATE OR REPLACE VIEW internal."{table}" AS FROM main."{table}"')
    files = sql_files("views")
    for _, sql in files:
        connection.execute(sql)
    made = {object_name(name) for name, sql in files if "REPLACE VIEW internal." not in sql}
    views = "SELECT view_name FROM duckdb_views() WHERE schema_name = 'main' AND NOT internal AND NOT temporary"
    for (view,) in connection.execute(views).fetchall():
        if view not in made:  # an earlier version's
            connection.execute(f'DROP VIEW main."{view}"')
    comment_tables(connection)


def object_name(file: str) -> str:
    """Return the name of the view or macro that this file of `sql/views` makes."""
    return file.partition("_")[2]


def comment_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Give the tables and columns that there are the comments of `sql/comments` that they do not have.

    Only those: asking which differ takes 3 ms, running all 150 statements half as long as making the views.
    """
    stored: dict[str, tuple[str, str | None]] = {
        subject: (schema, comment)
        for subject, schema, comment in connection.execute(
            "SELECT table_name, schema_name, comment FROM duckdb_tables() UNION ALL "
            "SELECT columns.table_name || '.' || column_name, columns.schema_name, columns.comment "
            "FROM duckdb_columns() AS columns JOIN duckdb_tables() USING (schema_name, table_name)"
        ).fetchall()
    }
    for _, sql in sql_files("comments"):
        for statement in _COMMENT.finditer(sql):
            schema, comment = stored.get(statement["subject"], ("", None))
            if schema and comment != statement["text"].replace("''", "'"):
                connection.execute(f"{statement['on']} {schema}.{statement['subject']} IS '{statement['text']}'")


def sql_files(folder: str) -> list[tuple[str, str]]:
    """Return (name without suffix, text) of the package's SQL files of one kind, in order of name.

    What several files share stands once in `sql/parts`: a line `-- INCLUDE name` is replaced by that file.
    """
    where = resources.files("newsclust").joinpath("sql", folder)
    files = sorted((f for f in where.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return [(re.sub(r"\.sql$", "", f.name), _INCLUDE.sub(_part, f.read_text(encoding="utf-8"))) for f in files]


def _part(include: re.Match[str]) -> str:
    part = resources.files("newsclust").joinpath("sql", "parts", f"{include['name']}.sql")
    return part.read_text(encoding="utf-8").rstrip()


def sync(path: Path) -> None:
    """Wait until what was written to this file, or into this folder, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def first_line(text: str) -> str:
    """Return the first line of an error's text."""
    return text.strip().splitlines()[0] if text.strip() else "no reason given"
