"""What all verbs share: the options for settings and published file, and tables for the terminal."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsclust.text.sanitize import strip_controls

if TYPE_CHECKING:  # duckdb and pydantic cost half of `newsclust --help`
    from contextlib import AbstractContextManager

    import duckdb

    from newsclust.settings import Settings

_ID_WIDTH = 16
_MIN_WIDTH = 12  # columns of a terminal

Config = Annotated[Path | None, typer.Option("--config", help="Settings file (default: newsclust.toml, if there).")]
Published = Annotated[
    Path | None, typer.Option("--database", help="Published file to read (default: from the settings).")
]


def settings_of(config: Path | None) -> "Settings":
    """Return the settings of this file, or of the default places."""
    from newsclust.settings import load_settings

    return load_settings(config)


def published(database: Path | None, config: Path | None) -> "AbstractContextManager[duckdb.DuckDBPyConnection]":
    """Open this published file, or the one that the settings name, read-only, for the time of the context."""
    from newsclust.store import open_published

    return open_published(database or settings_of(config).paths.published)


def console() -> Any:
    """Return rich's console of the terminal."""
    from rich.console import Console

    return Console()


def print_query(connection: "duckdb.DuckDBPyConnection", title: str, sql: str, *parameters: Any) -> None:
    """Print the rows of a query as a table."""
    result = connection.execute(sql, list(parameters))
    names = [column[0] for column in result.description or ()]
    console().print(table(title, names, result.fetchall()))


def table(title: str, names: list[str], rows: list[Any], *, width: int | None = None) -> Any:
    """Return rows as a table for the terminal, nothing cut; markup and control characters in them are escaped.

    A table that is too wide for `width` (None: the terminal's) gets a line for each value instead of one for each
    row.
    """
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    cells = [["" if value is None else escape(strip_controls(str(value))) for value in row] for row in rows]
    # Ids stay whole: people copy them. Other words are folded, but not below a readable width.
    min_widths = [
        _ID_WIDTH
        if name.endswith("_id")
        else min(_MIN_WIDTH, max(len(word) for cell in [name, *column] for word in cell.split() or [""]))
        for name, column in zip(names, zip(*cells, strict=True) if cells else [()] * len(names), strict=True)
    ]
    if sum(min_widths) + 3 * len(min_widths) > (width or console().width):
        shown = Table(title=title or None, box=None, title_justify="left", show_header=False)
        shown.add_column(no_wrap=True)
        shown.add_column(overflow="fold")
        for row in cells or [["no rows", *[""] * (len(names) - 1)]]:
            for name, cell in zip(names, row, strict=True):
                shown.add_row(escape(name), cell)
            shown.add_row()
        return shown
    shown = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left")
    for name, width in zip(names, min_widths, strict=True):
        shown.add_column(escape(name), min_width=width, overflow="fold")
    for row in cells:
        shown.add_row(*row)
    return shown
