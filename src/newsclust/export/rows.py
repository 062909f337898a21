"""Rows as other programs read them: text line by line, or Parquet, each as soon as it is found."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from newsclust.errors import SettingsError
from newsclust.export.markdown import cell
from newsclust.export.values import cell_text, defused, plain

if TYPE_CHECKING:  # a verb that writes text needs neither
    import duckdb
    import pyarrow as pa

_ROWS_AT_ONCE = 1_000
_ROWS_OF_A_GROUP = 10_000  # of a Parquet file: a reader skips or reads one as a whole
_AS_TEXT = ("INTERVAL", "UUID", "BIT", "BIGNUM", "ENUM", "UNION", "VARIANT")  # what Parquet or its readers lack


class TextFormat(StrEnum):
    """A format whose rows are lines of text."""

    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    MARKDOWN = "markdown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows to be written: the names and DuckDB's types of the columns, and the rows, some at a time."""

    names: Sequence[str]
    types: Sequence[str]
    batches: Iterable[Sequence[Sequence[Any]]]

    def __post_init__(self) -> None:
        if len(self.names) != len(self.types):
            raise ValueError(f"{len(self.names)} columns and {len(self.types)} types")

    @classmethod
    def of(cls, columns: dict[str, str], rows: Iterable[Sequence[Any]]) -> Self:
        """Return rows made by a verb: `columns` gives each column's name and type of DuckDB."""
        return cls(names=list(columns), types=list(columns.values()), batches=[list(rows)])

    @classmethod
    def answering(
        cls, connection: "duckdb.DuckDBPyConnection", sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> Self:
        """Return the answer to a query of ours; its rows are fetched as they are read."""
        given = dict(parameters) if isinstance(parameters, Mapping) else list(parameters)
        result = connection.execute(sql, given)
        described = result.description or []
        return cls(
            names=[column[0] for column in described],
            types=[str(column[1]) for column in described],
            batches=iter(lambda: result.fetchmany(_ROWS_AT_ONCE), []),
        )


def text_lines(rows: Rows, form: TextFormat, *, raw: bool = False) -> Iterator[str]:
    """Yield the text in this format, with its line feeds, as the rows come.

    JSON is one array, closed only when all rows came. In CSV a text that a spreadsheet would take for a formula gets
    an apostrophe, unless `raw`.
    """
    each = chain.from_iterable(rows.batches)
    match form:
        case TextFormat.CSV:
            yield from _csv(rows.names, each, raw=raw)
        case TextFormat.JSON:
            yield from _json(unique_names(rows.names), each)
        case TextFormat.JSONL:
            yield from (f"{line}\n" for line in _objects(unique_names(rows.names), each))
        case TextFormat.MARKDOWN:
            yield from _markdown(rows.names, each)


def write_parquet(rows: Rows, file: BinaryIO) -> None:
    """Write the rows as Parquet (zstd); SettingsError names a column that it cannot hold."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _arrow_schema(rows)
    waiting: list[Sequence[Any]] = []
    with pq.ParquetWriter(pa.PythonFile(_Counted(file), mode="w"), schema, compression="zstd") as writer:

        def write() -> None:
            columns = list(zip(*waiting, strict=True)) if waiting else [()] * len(schema)
            arrays = [_array(field, column) for field, column in zip(schema, columns, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            waiting.clear()

        for batch in rows.batches:
            waiting.extend(batch)
            if len(waiting) >= _ROWS_OF_A_GROUP:
                write()
        write()


def unique_names(names: Sequence[str]) -> list[str]:
    """Return the names, of which one that stands twice gets a number: an object has a key once."""
    found: list[str] = []
    for name in names:
        number, free = 0, name
        while free in found:
            number += 1
            free = f"{name}_{number}"
        found.append(free)
    return found


def _csv(names: Sequence[str], rows: Iterable[Sequence[Any]], *, raw: bool) -> Iterator[str]:
    lines = _Lines()
    writer = csv.writer(lines, lineterminator="\n")
    for row in chain([names], rows):
        # Defused is what strangers wrote, a text: a number may begin with a minus sign.
        writer.writerow([cell_text(value if raw else defused(value)) for value in row])
        yield lines.last


class _Lines:
    """A file for csv.writer, which hands on each line as it is written."""

    last = ""

    def write(self, line: str) -> int:
        """Keep the line."""
        self.last = line
        return len(line)


def _json(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    opening = "["
    for line in _objects(names, rows):
        yield f"{opening}\n{line}"
        opening = ","
    yield "\n]\n" if opening == "," else "[]\n"


def _objects(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    for row in rows:
        found = {name: plain(value) for name, value in zip(names, row, strict=True)}
        yield json.dumps(found, ensure_ascii=False, allow_nan=False)


def _markdown(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    for row in chain([names, None], rows):
        cells = ["---"] * len(names) if row is None else [cell(cell_text(value)) for value in row]
        yield f"| {' | '.join(cells)} |\n"


def _arrow_schema(rows: Rows) -> "pa.Schema":
    """Return the Arrow types of the columns: those that DuckDB gives, but for what Parquet's readers would lack."""
    import duckdb
    import pyarrow as pa

    with duckdb.connect(config={"enable_external_access": "false"}) as connection:
        fields = []
        for name, kind in zip(unique_names(rows.names), rows.types, strict=True):
            if kind.startswith(_AS_TEXT) and not kind.endswith("]"):
                fields.append(pa.field(name, pa.string()))
            elif kind == "HUGEINT":  # the sum of whole numbers: an exact decimal is no number in most readers
                fields.append(pa.field(name, pa.int64()))
            else:
                known = "INTEGER" if kind in ('"NULL"', "NULL") else kind
                table = connection.execute(f"SELECT NULL::{known} AS c").to_arrow_table()
                found = table.schema.field(0).type
                if pa.types.is_timestamp(found) and found.tz:
                    found = pa.timestamp(found.unit, "UTC")
                fields.append(pa.field(name, found))
    return pa.schema(fields)


def _array(field: "pa.Field", column: Sequence[Any]) -> "pa.Array":
    import pyarrow as pa

    values: Iterable[Any] = column
    if pa.types.is_string(field.type):
        values = (value if value is None or isinstance(value, str) else cell_text(value) for value in column)
    elif pa.types.is_map(field.type):
        values = (value if value is None else list(value.items()) for value in column)
    try:
        return pa.array(list(values), field.type)
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        raise SettingsError(
            f"parquet cannot hold the column {field.name!r} ({field.type}): {str(error).splitlines()[0]}; "
            f"cast it in the query, to DOUBLE or VARCHAR"
        ) from error


class _Counted:
    """A file that knows how much was written: a pipe cannot tell, and Parquet names places by it."""

    closed = False

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._written = 0

    def write(self, content: bytes) -> int:
        """Write all of it."""
        self._file.write(content)
        self._written += len(content)
        return len(content)

    def tell(self) -> int:
        """Return how much was written."""
        return self._written

    def flush(self) -> None:
        """Hand on what waits."""
        self._file.flush()

    def close(self) -> None:
        """Leave the file open: who opened it closes it."""
        self._file.flush()
