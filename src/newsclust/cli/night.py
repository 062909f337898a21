"""`newsclust night`, `serve` and `status`: nights lived now or by schedule, and how they stand."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from newsclust.cli.flows import flow_module
from newsclust.cli.output import Format, Output, OutputFile
from newsclust.cli.shared import Config, Published, console, nights_behind, settings_of
from newsclust.errors import SettingsError

if TYPE_CHECKING:  # the others are imported where they are used: `newsclust --help` has to be quick
    from newsclust.export import Rows
    from newsclust.night_record import NightRecord, NightStanding

_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_STATUS_COLUMNS = {
    "standing": "VARCHAR",
    "is_good": "BOOLEAN",
    "text": "VARCHAR",
    "published": "VARCHAR",
    "night_at": "TIMESTAMP WITH TIME ZONE",
    "started_at": "TIMESTAMP WITH TIME ZONE",
    "finished_at": "TIMESTAMP WITH TIME ZONE",
    "outcome": "VARCHAR",
    "error": "VARCHAR",
    "exit_code": "BIGINT",
    "last_good_night_at": "TIMESTAMP WITH TIME ZONE",
    "last_good_finished_at": "TIMESTAMP WITH TIME ZONE",
    "undelivered": "VARCHAR[]",  # the last messages that did not get through
}
_NOT_GOOD = 1  # exit code of `status` when the last night was not good ...
_CRITICAL = 2  # ... and of `status --check`: Nagios calls it critical


def night(
    config: Config = None,
    at: Annotated[
        str | None, typer.Option("--at", help="Live it for this moment (2026-02-03T22:00, in the night's time zone).")
    ] = None,
) -> None:
    """Live one night now: fetch the feeds, find stories and topics, publish."""
    flow_module("nightly").live_night(config, None if at is None else _moment(at, config))


def serve(config: Config = None) -> None:
    """Live a night at the hour of the settings, every night, until stopped; Prefect shows and schedules them."""
    flow_module("serve").serve(config)


def status(
    database: Published = None,
    config: Config = None,
    check: Annotated[
        bool, typer.Option("--check", help="One line; end with 2 when the last night was not good or is too old.")
    ] = False,
    max_age: Annotated[str, typer.Option(help="Of the last good night, with --check: 90m, 26h, 2d.")] = "26h",
    form: Format = None,
    output: OutputFile = None,
) -> None:
    """Show how the nights stand and the summary of the last one; end with 1 when it was not good."""
    from newsclust.night_record import is_night_running, judge
    from newsclust.notify import read_announced

    out = Output.chosen(form, output)
    nights = _nights(database, config)
    found = judge(
        nights.record,
        is_running=nights.working is not None and is_night_running(nights.working),
        now=datetime.now(UTC),
        max_age=_age(max_age) if check else None,
    )
    ended = 0 if found.standing.is_good else _CRITICAL if check else _NOT_GOOD
    refusals = read_announced(nights.published).refusals if nights.working is not None else {}
    if not out.is_for_people:
        out.show(_status_row(nights, found, refusals))
    elif check:
        print(f"newsclust {'ok' if found.standing.is_good else 'critical'}: {found.text}")
    else:
        console().print(found.text, style=None if found.standing.is_good else "bold red", markup=False)
        for address, error in refusals.items():
            console().print(
                f"The last message did not get through to {address}: {error}", style="yellow", markup=False
            )
        _print_summary(nights)
    raise typer.Exit(ended)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Nights:
    """The nights that are asked about: what is recorded of them, and the files that are theirs."""

    record: "NightRecord | None"
    published: Path
    working: Path | None  # None: nobody knows whose nights publish the file, so that it alone can answer


def _nights(database: Path | None, config: Path | None) -> _Nights:
    """Return the nights that publish the file; of a file that is named, StoreError when it is not to be read.

    What stands beside a file speaks of it only when it says so, or the settings do: another one's record would
    answer for a file that is broken.
    """
    from newsclust.night_record import read_record

    settings = nights_behind(database, config)
    file = database or (settings_of(config).paths.published if settings is None else settings.paths.published)
    of_file = None if database is None else _published_nights(file)
    record = read_record(file, named=settings is None) or of_file
    if record is None and database is None and file.is_file():  # before 0.1.0 nothing was recorded
        record = _published_nights(file)
    return _Nights(record=record, published=file, working=None if settings is None else settings.paths.database)


def _published_nights(file: Path) -> "NightRecord | None":
    """Return what the published file says of its last good night; StoreError when it is none of newsclust."""
    from newsclust.night_record import NightAttempt, NightOutcome, NightRecord
    from newsclust.store import open_published

    with open_published(file) as connection:
        nights = connection.execute(
            "SELECT night_at, started_at, finished_at FROM internal.runs WHERE outcome = 'finished' "
            "ORDER BY started_at DESC LIMIT 1"
        ).fetchall()
    for moments in nights:
        night_at, started_at, finished_at = (moment.replace(tzinfo=UTC) for moment in moments)
        good = NightAttempt(
            night_at=night_at, started_at=started_at, finished_at=finished_at, outcome=NightOutcome.FINISHED
        )
        return NightRecord(last=good, last_good=good)
    return None


def _status_row(nights: _Nights, found: "NightStanding", refusals: Mapping[str, str]) -> "Rows":
    from newsclust.export import Rows

    last = nights.record.last if nights.record else None
    good = nights.record.last_good if nights.record else None
    row = [
        *(found.standing.value, found.standing.is_good, found.text, str(nights.published)),
        *((last.night_at, last.started_at, last.finished_at, last.outcome.value) if last else [None] * 4),
        *((last.error, last.exit_code) if last else [None] * 2),
        *((good.night_at, good.finished_at) if good else [None] * 2),
        [f"{address}: {error}" for address, error in refusals.items()],
    ]
    return Rows.of(_STATUS_COLUMNS, [row])


def _print_summary(nights: _Nights) -> None:
    """Print the summary of the last night: the page beside the published file, or what the file itself says."""
    from rich.markdown import Markdown

    from newsclust.report import summary_markdown, summary_page
    from newsclust.store import open_published

    page = summary_page(nights.published)
    if nights.working is None:
        with open_published(nights.published) as connection:
            runs = connection.execute("SELECT run_id FROM nightly_summary ORDER BY night_at DESC LIMIT 1").fetchall()
            for (run_id,) in runs:
                console().print(Markdown(summary_markdown(connection, run_id)))
    elif page.exists():
        console().print(Markdown(page.read_text(encoding="utf-8")))


def _age(text: str) -> timedelta:
    found = _AGE.fullmatch(text.strip())
    if found is None:
        raise SettingsError(f"--max-age {text}: write a number and its unit: 90m, 26h, 2d")
    return timedelta(**{_UNITS[found[2]]: float(found[1])})


def _moment(text: str, config: Path | None) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(
            f"--at {text}: write a date and a time: 2026-02-03T22:00 or 2026-02-03T22:00+01:00"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(settings_of(config).night.timezone))
