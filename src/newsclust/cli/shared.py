"""What all verbs share: the options that name the settings and the published file, and the tables."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsclust.text.sanitize import strip_controls

if TYPE_CHECKING:  # duckdb and pydantic cost half of `newsclust --help`
    from contextlib import AbstractContextManager

    import duckdb

    from newsclust.settings import Settings

_ID_WIDTH = 16
_READABLE = 12  # columns of a terminal

Config = Annotated[Path | None, typer.Option("--config", help="Settings file (default: newsclust.toml, if there).")]
Published = Annotated[
    Path | None, typer.Option("--database", help="Published file to read (default: from the settings).")
]


def settings_of(config: Path | None) -> "Settings":
    """Return the settings of this file, or of the place where they are looked for."""
    from newsclust.settings import load_settings

    return load_settings(config)


def published(database: Path | None, config: Path | None) -> "AbstractContextManager[duckdb.DuckDBPyConnection]":
    """Inside, a read-only connection to this published file, or to the one the settings name."""
    from newsclust.store import open_published

    return open_published(database or settings_of(config).paths.published)


def console() -> Any:
    """Return the terminal as rich sees it."""
    from rich.console import Console

    return Console()


def print_query(connection: "duckdb.DuckDBPyConnection", title: str, sql: str, *parameters: Any) -> None:
    """Show what a query of ours answers."""
    result = connection.execute(sql, list(parameters))
    names = [column[0] for column in result.description or ()]
    console().print(table(title, names, result.fetchall()))


def table(title: str, names: list[str], rows: list[Any], *, width: int | None = None) -> Any:
    """Return rows as a table for the terminal, whole; markup and controls in them are not obeyed.

    A table that is too wide for `width`, the terminal's when it is None, has a line for each value instead of one
    for each row.
    """
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    cells = [["" if value is None else escape(strip_controls(str(value))) for value in row] for row in rows]
    # Ids are copied: whole. Other words are folded, but not to less than can be read.
    least = [
        _ID_WIDTH
        if name.endswith("_id")
        else min(_READABLE, max(len(word) for cell in [name, *column] for word in cell.split() or [""]))
        for name, column in zip(names, zip(*cells, strict=True) if cells else [()] * len(names), strict=True)
    ]
    if sum(least) + 3 * len(least) > (width or console().width):
        shown = Table(title=title or None, box=None, title_justify="left", show_header=False)
        shown.add_column(no_wrap=True)
        shown.add_column(overflow="fold")
        for row in cells or [["no rows", *[""] * (len(names) - 1)]]:
            for name, cell in zip(names, row, strict=True):
                shown.add_row(escape(name), cell)
            shown.add_row()
        return shown
    shown = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left")
    for name, width in zip(names, least, strict=True):
        shown.add_column(escape(name), min_width=width, overflow="fold")
    for row in cells:
        shown.add_row(*row)
    return shown
