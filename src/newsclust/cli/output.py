"""How the rows of a verb are shown: a table for people, or what another program reads.

A verb takes `Format` and `OutputFile`, makes an `Output` of them before it works, and hands it `Rows`:

    out = Output.chosen(form, output)
    with published(database, config) as connection:
        out.show(Rows.answering(connection, "FROM current_stories"), title="Stories")
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Self

import typer

from newsclust.cli.shared import console, table
from newsclust.errors import SettingsError, StoreError
from newsclust.text.sanitize import strip_controls

if TYPE_CHECKING:  # `newsclust --help` has to be quick
    from newsclust.export import Rows

_TABLE_ROWS = 5_000  # a table is measured whole before its first line is drawn


class OutputFormat(StrEnum):
    """How rows are written; the names are those of the command line."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    PARQUET = "parquet"
    MARKDOWN = "markdown"


_SUFFIXES = {f".{form}": form for form in OutputFormat if form is not OutputFormat.TABLE} | {
    ".md": OutputFormat.MARKDOWN,
    ".ndjson": OutputFormat.JSONL,
}

Format = Annotated[
    OutputFormat | None,
    typer.Option("--format", help="How it is written (default: as --output's ending says, else a table)."),
]
OutputFile = Annotated[
    Path | None, typer.Option("--output", help="File to write, as a whole or not at all (default: the terminal).")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where rows go, and in which format."""

    form: OutputFormat
    file: Path | None = None
    raw: bool = False  # CSV: formulas stay formulas

    @classmethod
    def chosen(cls, form: OutputFormat | None, file: Path | None = None, *, raw: bool = False) -> Self:
        """Return what the options name; SettingsError when they do not go together."""
        if form is None:
            form = OutputFormat.TABLE if file is None else _SUFFIXES.get(file.suffix.lower(), OutputFormat.TABLE)
        if file is not None and form is OutputFormat.TABLE:
            raise SettingsError(f"--output {file}: a table is for the terminal; name the --format of the file, too")
        if file is not None and file.is_dir():
            raise SettingsError(f"--output {file}: it is a folder, and a file is needed")
        if form is OutputFormat.PARQUET and file is None and sys.stdout.isatty():
            raise SettingsError("--format parquet is no text: name a file (--output), or pipe it on")
        return cls(form=form, file=file, raw=raw)

    @property
    def is_for_people(self) -> bool:
        """Whether a person reads it, and no program."""
        return self.form is OutputFormat.TABLE

    def show(self, rows: "Rows", *, title: str = "") -> None:
        """Write the rows, as they come unless a table has to be measured; `title` is a table's alone."""
        from newsclust.export import TextFormat, text_lines
        from newsclust.export.rows import write_parquet

        if self.is_for_people:
            _print_table(rows, title)
            return
        with self._opened() as file:
            if self.form is OutputFormat.PARQUET:
                write_parquet(rows, file)
                return
            is_terminal = self.file is None and sys.stdout.isatty()
            for line in text_lines(rows, TextFormat(self.form.value), raw=self.raw):
                # A program gets what is stored; a terminal must not obey control characters in it.
                written = strip_controls(line) if is_terminal else line
                if self.file is None:
                    sys.stdout.write(written)
                else:
                    file.write(written.encode("utf-8"))

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        from newsclust.written import replacing

        if self.file is None:
            sys.stdout.flush()
            yield sys.stdout.buffer
            return
        try:
            with replacing(self.file) as file:
                yield file
        except OSError as error:
            raise StoreError(f"cannot write {self.file}: {error.strerror}") from error


def _print_table(rows: "Rows", title: str) -> None:
    found = list(islice(chain.from_iterable(rows.batches), _TABLE_ROWS + 1))
    console().print(table(title, list(rows.names), found[:_TABLE_ROWS]))
    if len(found) > _TABLE_ROWS:
        print(f"The first {_TABLE_ROWS:,} rows; --format csv or jsonl gives all.", file=sys.stderr)
