"""`newsclust query`: SQL on the published file, as a table or as another program reads it."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from newsclust.cli.output import Format, Output, OutputFile
from newsclust.cli.shared import Config, Published, settings_of
from newsclust.errors import SettingsError

_STDIN = "-"


def query(
    sql: Annotated[
        str | None,
        typer.Argument(
            metavar="[SQL]", help='Such as "from current_stories limit 10"; - or nothing: from standard input.'
        ),
    ] = None,
    database: Published = None,
    config: Config = None,
    file: Annotated[Path | None, typer.Option("--file", help="Read the SQL from this file.")] = None,
    form: Format = None,
    output: OutputFile = None,
    seconds: Annotated[float, typer.Option(min=0.001, help="Give up after this many seconds.")] = 60,
    raw: Annotated[
        bool, typer.Option("--raw", help="CSV: leave a text that a spreadsheet would take for a formula as it is.")
    ] = False,
) -> None:
    """Run SQL on the published database; it is opened read-only and can reach nothing else."""
    from newsclust.export import Rows
    from newsclust.store.untrusted_sql import answered

    out = Output.chosen(form, output, raw=raw)
    asked = _sql(sql, file)
    path = database or settings_of(config).paths.published
    with answered(path, asked, seconds=seconds) as answer:
        out.show(Rows(names=answer.names, types=answer.types, batches=answer.batches))


def _sql(argument: str | None, file: Path | None) -> str:
    """Return the SQL of the argument, the file or standard input; SettingsError when it is none of them, or two."""
    from newsclust.written import decoded, read_written

    if file is not None:
        if argument is not None:
            raise SettingsError(f"the SQL stands in the argument or in --file {file}: not in both")
        return read_written(file)
    if argument is not None and argument != _STDIN:
        return argument
    if argument is None and sys.stdin.isatty():
        raise SettingsError(
            'no SQL: newsclust query "from current_stories limit 10", or --file FILE, or - for standard input'
        )
    try:
        return decoded(sys.stdin.buffer.read())
    except ValueError as error:
        raise SettingsError(f"standard input: {error}") from error
