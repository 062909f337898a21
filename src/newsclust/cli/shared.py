"""What all verbs share: the options that name the settings and the published file, and the tables."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsclust.legible import inert

if TYPE_CHECKING:  # duckdb and pydantic cost half of `newsclust --help`
    from contextlib import AbstractContextManager

    import duckdb

    from newsclust.settings import Settings

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


def table(title: str, names: list[str], rows: list[Any]) -> Any:
    """Return rows as a table for the terminal; markup and controls in them are not obeyed."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    shown = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left")
    for name in names:
        shown.add_column(escape(name), min_width=16 if name.endswith("_id") else None)  # ids are copied: whole
    for row in rows:
        shown.add_row(*("" if value is None else escape(inert(str(value))) for value in row))
    return shown
