"""`newsclust query`: SQL on the published file, as a table, CSV or JSON."""

import csv
import io
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import chain, islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsclust.cli.shared import Config, Published, console, settings_of, table
from newsclust.text.sanitize import strip_controls

if TYPE_CHECKING:
    from newsclust.store.untrusted_sql import Answer

_TABLE_ROWS = 5_000  # a table is measured whole before its first line is drawn
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # how a spreadsheet's formulas begin


class OutputFormat(StrEnum):
    """How the rows of a query are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def query(
    sql: Annotated[str, typer.Argument(help='SQL, such as "from current_stories limit 10".')],
    database: Published = None,
    config: Config = None,
    output: Annotated[OutputFormat, typer.Option("--format")] = OutputFormat.TABLE,
    seconds: Annotated[float, typer.Option(min=0.001, help="Give up after this many seconds.")] = 60,
    raw: Annotated[
        bool, typer.Option("--raw", help="CSV: leave a text that a spreadsheet would take for a formula as it is.")
    ] = False,
) -> None:
    """Run SQL on the published database; it is opened read-only and can reach nothing else."""
    from newsclust.store.untrusted_sql import answered

    path = database or settings_of(config).paths.published
    with answered(path, sql, seconds=seconds) as answer:
        if output is OutputFormat.TABLE:
            _print_table(answer)
            return
        for line in _lines(output, answer, raw=raw):
            # A program gets what is stored; a terminal must not obey control characters in it.
            sys.stdout.write(strip_controls(line) if sys.stdout.isatty() else line)


def _print_table(answer: "Answer") -> None:
    rows = list(islice(chain.from_iterable(answer.batches), _TABLE_ROWS + 1))
    console().print(table("", answer.names, rows[:_TABLE_ROWS]))
    if len(rows) > _TABLE_ROWS:
        print(f"The first {_TABLE_ROWS:,} rows; --format csv or json gives all.", file=sys.stderr)


def _lines(output: OutputFormat, answer: "Answer", *, raw: bool) -> Iterator[str]:
    rows: Iterable[Sequence[Any]] = chain.from_iterable(answer.batches)
    if output is OutputFormat.JSON:
        for row in rows:
            yield json.dumps(dict(zip(answer.names, row, strict=True)), ensure_ascii=False, default=str) + "\n"
        return
    for row in chain([answer.names], rows):
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(row if raw else map(_defused, row))
        yield line.getvalue()


def _defused(cell: Any) -> Any:
    """Return a text that no spreadsheet takes for a formula: strangers wrote the titles (CWE-1236)."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
