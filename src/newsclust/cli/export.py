"""`newsclust export`: the views as files with their descriptions, or as sources of a dbt project."""

from pathlib import Path
from typing import Annotated

import typer

from newsclust.cli.shared import Config, Published, published
from newsclust.cli.top import moment_since
from newsclust.errors import SettingsError

_FORMATS = ("parquet", "csv", "jsonl")


def export(
    to: Annotated[
        Path | None,
        typer.Option("--to", help="Folder to make, or an earlier export to replace; with --dbt: of models."),
    ] = None,
    database: Published = None,
    config: Config = None,
    form: Annotated[str, typer.Option("--format", metavar="parquet|csv|jsonl", help="Of the files.")] = "parquet",
    view: Annotated[list[str] | None, typer.Option(help="One view; may be given again (default: all).")] = None,
    since: Annotated[
        str | None,
        typer.Option(help="Rows since then alone: 2026-02-03, a moment (UTC), or 24h, 7d before the last night."),
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="CSV: leave a text that a spreadsheet would take for a formula as it is.")
    ] = False,
    dbt: Annotated[bool, typer.Option("--dbt", help="Write sources.yml of a dbt project instead.")] = False,
) -> None:
    """Write the views into a folder for other programs, with a Data Package and Croissant metadata."""
    from newsclust.export.catalog import last_good_night, published_views
    from newsclust.export.dbt import write_sources
    from newsclust.export.folder import export_folder
    from newsclust.export.packages import ExportFormat

    if form not in _FORMATS:
        raise SettingsError(f"--format {form}: {', '.join(_FORMATS)} is needed")
    with published(database, config) as connection:
        views = published_views(connection, view or [])
        if dbt:
            path = write_sources(to or Path(), views)
            print(f"{path}: {len(views)} views")
            return
        if to is None:
            raise SettingsError("--to is missing: the folder to write")
        begin = None if since is None else moment_since(since, last_good_night(connection))
        files = export_folder(connection, to, views, ExportFormat(form), since=begin, raw=raw)
    for file in files:
        of_time = ""
        if begin is not None:
            of_time = (
                f", {file.view.time_column} since {begin:%Y-%m-%d %H:%M}" if file.since else ", all: it has no time"
            )
        print(f"{file.path}: {file.rows} rows{of_time}")
    print(
        f"{to}: {len(files)} views, {sum(file.size for file in files) / 1e6:.1f} MB, datapackage.json, croissant.json"
    )
