"""What all verbs share: the options for settings and published file, and tables for the terminal."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsclust.errors import SettingsError
from newsclust.text.sanitize import strip_controls

if TYPE_CHECKING:  # duckdb and pydantic cost half of `newsclust --help`
    from contextlib import AbstractContextManager

    import duckdb

    from newsclust.settings import Settings

_MIN_WIDTH = 12  # columns of a terminal
_ID = re.compile(r"[0-9a-f]{8,64}\b")  # of an article, a story, a feed, a correction; or the beginning of a hash
_ID_COLUMN = re.compile(r"(^|_)ids?$")

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


def nights_behind(database: Path | None, config: Path | None) -> "Settings | None":
    """Return the settings of the nights that publish the file: theirs are its corrections, commands and feeds.

    The settings that `--config` names; else those that stand around the file and publish it, so that nothing said of
    the demonstration's file reaches other nights; else the default ones. None when `--database` names a file that
    these do not publish. `paths.published` is the file.
    """
    from newsclust.settings import settings_publishing

    own = None
    if config is None:
        own = settings_publishing(database or settings_of(None).paths.published)
    settings = settings_of(config or own)
    file = database or settings_of(config).paths.published
    if config is None and own is None and file.resolve() != settings.paths.published.resolve():
        return None
    return settings.model_copy(update={"paths": settings.paths.model_copy(update={"published": file})})


def nights_to_change(database: Path | None, config: Path | None) -> "Settings":
    """Return the settings of the nights that publish the file; SettingsError when nobody knows them."""
    settings = nights_behind(database, config)
    if settings is None:
        raise SettingsError(
            f"{database}: no newsclust.toml around it publishes it, so that nobody knows whose nights would honour "
            "this; name their settings by --config"
        )
    return settings


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

    from newsclust.export.values import shown_text

    cells = [[strip_controls(shown_text(value)) for value in row] for row in rows]
    columns: list[Any] = list(zip(*cells, strict=True)) if cells else [()] * len(names)
    # rich narrows its columns below the least width that they are given: so each gets the one that it has.
    room = (width or console().width) - 3 * len(names) - 1  # blanks around cells, and a frame of blanks
    widths = _widths(
        [_least_width(*column) for column in zip(names, columns, strict=True)],
        [_whole_width(*column) for column in zip(names, columns, strict=True)],
        room,
    )
    if widths is None:
        shown = Table(title=title or None, box=None, title_justify="left", show_header=False)
        shown.add_column(no_wrap=True)
        shown.add_column(overflow="fold")
        for row in cells or [["no rows", *[""] * (len(names) - 1)]]:
            for name, cell in zip(names, row, strict=True):
                shown.add_row(escape(name), escape(cell))
            shown.add_row()
        return shown
    shown = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left")
    for name, wide in zip(names, widths, strict=True):
        shown.add_column(escape(name), width=wide, overflow="fold")
    for row in cells:
        shown.add_row(*map(escape, row))
    return shown


def _widths(least: Sequence[int], whole: Sequence[int], room: int) -> list[int] | None:
    """Return how wide each column is, between its least and its whole width; None when the least are too wide.

    Those that need less than the others get what they need, the others the same.
    """
    if sum(least) > room:
        return None
    level = min(room, max(whole, default=0))
    while sum(widths := [min(all_, max(some, level)) for some, all_ in zip(least, whole, strict=True)]) > room:
        level -= 1
    return widths


def _whole_width(name: str, cells: Sequence[str]) -> int:
    from rich.cells import cell_len

    return max((cell_len(line) for cell in [name, *cells] for line in cell.split("\n")), default=0)


def _least_width(name: str, cells: Sequence[str]) -> int:
    """Return how narrow a column may be: ids stay whole, people copy them; other words are folded, but readable."""
    words = [word for cell in [name, *cells] for word in cell.split()]  # wide letters only make it wider
    if _ID_COLUMN.search(name):
        return max(map(len, words), default=0)
    ids = [len(word) for word in words if _ID.match(word)]
    return max([*ids, min(_MIN_WIDTH, max(map(len, words), default=0))])
