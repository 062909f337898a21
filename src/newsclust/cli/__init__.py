"""The command line. An error becomes one line on standard error and its exit code (errors.py)."""

import logging
import sys
from typing import Annotated

import typer

from newsclust import __version__
from newsclust.cli.archive import backup, embed, restore
from newsclust.cli.check import check
from newsclust.cli.duplicate import duplicate_app
from newsclust.cli.evaluate import evaluate_app
from newsclust.cli.export import export
from newsclust.cli.feeds import feeds_app
from newsclust.cli.flows import run_demo
from newsclust.cli.init import make_data_folder
from newsclust.cli.night import night, serve, status
from newsclust.cli.notify import notify
from newsclust.cli.output import Format, Output, OutputFile
from newsclust.cli.polling import moved, refresh, release, schedule, undo_move
from newsclust.cli.query import query
from newsclust.cli.search import search
from newsclust.cli.shared import Config, Published, published
from newsclust.cli.story import story_app
from newsclust.cli.top import top
from newsclust.cli.why import why
from newsclust.errors import NewsclustError, SettingsError
from newsclust.text.sanitize import strip_controls

__all__ = ["app", "main", "top"]

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},  # verbs and groups of verbs take them over
)
_BEGIN, _NIGHTS, _READ, _CORRECT, _SCORE = (  # what `newsclust --help` shows together, in this order
    "Begin",
    "Every night",
    "Read what was published",
    "Feeds, and what you know better",
    "Score",
)
app.command("init", rich_help_panel=_BEGIN)(make_data_folder)
app.command("demo", rich_help_panel=_BEGIN)(run_demo)
for verb in (schedule, refresh, moved, undo_move, release):
    feeds_app.command()(verb)
app.add_typer(feeds_app, name="feeds", rich_help_panel=_CORRECT)
app.add_typer(story_app, name="story", rich_help_panel=_CORRECT)
app.add_typer(duplicate_app, name="duplicate", rich_help_panel=_CORRECT)
app.command(rich_help_panel=_BEGIN)(check)
app.command(rich_help_panel=_NIGHTS)(night)
app.command(rich_help_panel=_NIGHTS)(serve)
app.command(rich_help_panel=_NIGHTS)(status)
app.command(rich_help_panel=_NIGHTS)(notify)
app.command(rich_help_panel=_NIGHTS)(backup)
app.command(rich_help_panel=_NIGHTS)(restore)
app.command(rich_help_panel=_NIGHTS)(embed)
app.command(rich_help_panel=_READ)(search)
app.command(rich_help_panel=_READ)(why)
app.add_typer(evaluate_app, name="evaluate", rich_help_panel=_SCORE)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"newsclust {__version__}")
        raise typer.Exit


@app.callback()
def _program(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Turn a night of tech feeds into stories, topics and one published DuckDB file."""


app.command(rich_help_panel=_READ)(top)
app.command(rich_help_panel=_READ)(query)
app.command(rich_help_panel=_READ)(export)


@app.command(rich_help_panel=_READ)
def views(
    name: Annotated[str | None, typer.Argument(help="One view, for its columns.")] = None,
    database: Published = None,
    config: Config = None,
    form: Format = None,
    output: OutputFile = None,
) -> None:
    """List the views of the published database, or the columns of one, with their comments."""
    from newsclust.export import Rows
    from newsclust.store import other_version

    out = Output.chosen(form, output)
    with published(database, config) as connection:
        if name is None:
            listed = Rows.answering(
                connection,
                "SELECT view_name AS view, comment FROM duckdb_views() WHERE NOT internal AND schema_name = 'main' "
                "UNION ALL SELECT DISTINCT function_name || '(' || array_to_string(list_filter(parameters, "
                "lambda name: name <> 'attached'), ', ') || ')', comment FROM duckdb_functions() "
                "WHERE NOT internal AND function_type = 'table_macro' ORDER BY ALL",
            )
            out.show(listed, title="Views")
            return
        name = name.partition("(")[0]
        exists = connection.execute("SELECT 1 FROM duckdb_views() WHERE view_name = $1", [name]).fetchall()
        macro = connection.execute(
            "SELECT parameters, comment FROM duckdb_functions() WHERE function_name = $1 "
            "AND function_type = 'table_macro' AND NOT internal",
            [name],
        ).fetchone()
        if macro is not None:
            parameters = [parameter for parameter in macro[0] if parameter != "attached"]
            columns = {"macro": "VARCHAR", "parameters": "VARCHAR[]", "comment": "VARCHAR"}
            out.show(Rows.of(columns, [[name, parameters, macro[1]]]), title=name)
            return
        if not exists:
            other = other_version(connection)
            raise SettingsError(
                f"there is no view {name!r}{f': {other}' if other else '; `newsclust views` lists them'}"
            )
        described = Rows.answering(
            connection,
            'SELECT column_name AS "column", data_type AS type, comment FROM duckdb_columns() WHERE table_name = $1 '
            "ORDER BY column_index",
            [name],
        )
        out.show(described, title=name)


def main() -> None:
    """Run the command line; end with the exit code that belongs to the error."""
    log = logging.getLogger("newsclust")  # not the root's: a step's line is wanted, an HTTP client's is not
    log.addHandler(logging.StreamHandler(sys.stderr))
    log.setLevel(logging.INFO)
    log.propagate = False  # Prefect's root handler would print each line a second time
    try:
        app()
    except NewsclustError as error:
        print(f"newsclust: {strip_controls(str(error))}", file=sys.stderr)  # it may quote a stranger
        raise SystemExit(error.exit_code) from error
