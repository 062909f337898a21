"""`newsclust night`, `serve` and `status`: nights lived now or by schedule, and how they stand."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from newsclust.cli.flows import flow_module
from newsclust.cli.shared import Config, Published, console, settings_of
from newsclust.errors import SettingsError, StoreError

if TYPE_CHECKING:  # the others are imported where they are used: `newsclust --help` has to be quick
    from newsclust.night_record import NightRecord

_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
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
) -> None:
    """Show how the nights stand and the summary of the last one; end with 1 when it was not good."""
    from newsclust.night_record import is_night_running, judge
    from newsclust.notify import read_announced

    published, working = _files(database, config)
    found = judge(
        _record(published),
        is_running=working is not None and is_night_running(working),
        now=datetime.now(UTC),
        max_age=_age(max_age) if check else None,
    )
    if check:
        print(f"newsclust {'ok' if found.standing.is_good else 'critical'}: {found.text}")
        raise typer.Exit(0 if found.standing.is_good else _CRITICAL)
    console().print(found.text, style=None if found.standing.is_good else "bold red", markup=False)
    for address, error in read_announced(published).refusals.items():
        console().print(f"The last message did not get through to {address}: {error}", style="yellow", markup=False)
    _print_summary(published)
    raise typer.Exit(0 if found.standing.is_good else _NOT_GOOD)


def _files(database: Path | None, config: Path | None) -> tuple[Path, Path | None]:
    """Return the published file that is asked about, and its working file where the settings name it."""
    if database is not None:
        if not database.is_file():
            raise StoreError(f"{database} does not exist: no night has been published there")
        return database, None
    paths = settings_of(config).paths
    return paths.published, paths.database


def _record(published: Path) -> "NightRecord | None":
    """Return the record of the nights; where there is none, as before 0.1.0, what the published file says of them."""
    from newsclust.night_record import NightAttempt, NightOutcome, NightRecord, read_record
    from newsclust.store import open_published

    record = read_record(published)
    if record is not None or not published.is_file():
        return record
    with open_published(published) as connection:
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


def _print_summary(published: Path) -> None:
    from rich.markdown import Markdown

    from newsclust.report import summary_page

    summary = summary_page(published)
    if summary.exists():
        console().print(Markdown(summary.read_text(encoding="utf-8")))


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
