"""How a night begins and ends, in Prefect and without it: one at a time, recorded, and heard when it fails."""

import base64
import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import httpx
from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.context import FlowRunContext
from prefect.exceptions import MissingContextError
from prefect.settings import get_current_settings

from newsclust import notify, pipeline, preflight, report
from newsclust.errors import NewsclustError, StoreError
from newsclust.night_record import (
    NightAttempt,
    NightOutcome,
    NightRecord,
    is_night_running,
    only_night,
    read_record,
    write_record,
)
from newsclust.report import TroubledFeed
from newsclust.settings import Settings, load_settings, readable_settings
from newsclust.store import Database, runs
from newsclust.store.restore import refuse_empty_archive
from newsclust.written import replace_file

from .steps import PREFECT_TROUBLE, Night

log = logging.getLogger("newsclust")
SUMMARY_ARTIFACT = "night"  # Markdown: the page that `newsclust status` shows
COUNTS_ARTIFACT = "night-steps"  # a table: one row an attempt at a step
_HEALTH_TRIES, _HEALTH_PAUSE_S, _HEALTH_TIMEOUT_S = 3, 2, 10
_PREFECT_AWAY: ContextVar[str | None] = ContextVar("prefect_away", default=None)
_ENDS: ContextVar[list[BaseException | None] | None] = ContextVar("ends", default=None)


def prefect_problem() -> str | None:
    """Return why the Prefect server that is named does not answer; None when it does, or when none is named."""
    settings = get_current_settings()
    if settings.api.url is None:
        return None
    secret = settings.api.auth_string
    headers = {}
    if secret is not None:
        headers["Authorization"] = f"Basic {base64.b64encode(secret.get_secret_value().encode()).decode()}"
    problem = ""
    for attempt in range(_HEALTH_TRIES):
        if attempt:
            time.sleep(_HEALTH_PAUSE_S)
        try:
            answer = httpx.get(f"{settings.api.url}/health", headers=headers, timeout=_HEALTH_TIMEOUT_S)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            problem = f"{settings.api.url}: {error}"
            continue
        if answer.status_code == httpx.codes.OK:
            return None
        problem = f"{settings.api.url} answers {answer.status_code}"
    return problem


@contextmanager
def without_prefect(why: str) -> Iterator[None]:
    """Inside, a night is lived without Prefect, and says why."""
    token = _PREFECT_AWAY.set(why)
    try:
        yield
    finally:
        _PREFECT_AWAY.reset(token)


@contextmanager
def witnessed_ends() -> Iterator[list[BaseException | None]]:
    """Give a list of how the nights inside end: the error of each, None for a good one."""
    ends: list[BaseException | None] = []
    token = _ENDS.set(ends)
    try:
        yield ends
    finally:
        _ENDS.reset(token)


@contextmanager
def begun_night(flow_name: str, config: Path | None, night_at: datetime) -> Iterator[Night]:
    """Open the database and begin a run; however it ends is recorded, told to whom the settings name, and raised.

    In Prefect when a flow run is under way, else without it.
    """
    clock = pipeline.night_clock(night_at)
    in_prefect = FlowRunContext.get() is not None
    with (
        _logged_with_the_run() if in_prefect else nullcontext(),
        _heard(config, night_at) as ending,
        only_night(ending.settings.paths.database),
        _checked_database(ending.settings, night_at) as db,
    ):
        run = runs.begin_run(
            db,
            flow=flow_name,
            night_at=night_at,
            started_at=datetime.now(UTC),
            settings=ending.settings.recorded(),
        )
        ending.night = night = Night(settings=ending.settings, db=db, run=run, clock=clock, in_prefect=in_prefect)
        try:
            if (why := _PREFECT_AWAY.get()) is not None:
                night.leave_prefect(why)
            yield night
        except BaseException as error:
            _end_as_failed(night, error)
            raise
        finally:
            ending.summary = _report(night)
            ending.troubled = _troubled(night)


@contextmanager
def _checked_database(settings: Settings, night_at: datetime) -> Iterator[Database]:
    """Open the database when all that a night needs was judged: a wrong option ends it here, not hours later."""
    findings = preflight.check_night(settings, datetime.now(UTC), os.environ, night_at=night_at)
    for finding in findings:
        if finding.outcome is preflight.Outcome.WARNING:
            log.warning("%s: %s (%s)", finding.subject, finding.text, finding.mend)
    preflight.raise_on_problems(findings)
    refuse_empty_archive(settings.paths.database, settings.paths.published)
    with Database(settings.paths.database, now=night_at) as db:
        yield db


def caught_up(config: Path | None) -> str | None:
    """Return why the scheduled run that begins has nothing to do: its hour was or is caught up; None when it was not.

    Runs that a machine missed while it slept are all started when it wakes: the first of them catches up for all.
    """
    context = FlowRunContext.get()
    if context is None or context.flow_run is None or not context.flow_run.auto_scheduled:
        return None
    hour = context.flow_run.expected_start_time
    try:
        paths = load_settings(config).paths
        record = read_record(paths.published)
    except NewsclustError:
        return None  # the night itself says what is wrong
    if record is None or hour is None:
        return None
    good, last = record.last_good, record.last
    now = datetime.now(UTC) + timedelta(minutes=1)  # a night that began later was dated by a clock that had jumped
    if good is not None and hour <= good.started_at <= now:
        return f"a night was lived since this one's hour: at {good.started_at:%Y-%m-%d %H:%M} UTC"
    if last.outcome is NightOutcome.RUNNING and hour <= last.started_at <= now and is_night_running(paths.database):
        return f"this night is being lived since {last.started_at:%Y-%m-%d %H:%M} UTC"
    return None


def report_standing(settings: Settings, now: datetime) -> None:
    """Tell of a night that was killed, and that the last good one is too long ago: each once."""
    record = _record(settings.paths.published)
    if record is None:
        return
    messages = []
    good_at = record.last_good.night_at if record.last_good else None
    if record.last.outcome is NightOutcome.RUNNING and not is_night_running(settings.paths.database):
        messages.append(notify.night_crashed(night_at=record.last.night_at, last_good_at=good_at))
    ended_at = record.last_good.finished_at if record.last_good else None
    late = notify.night_late(now=now, last_good_at=ended_at, after_hours=settings.notify.late_after_hours)
    if late is not None:
        messages.append(late)
    notify.announce(messages, settings, os.environ)


@dataclass(slots=True)
class _Ending:
    """What is known of a night when it ends: for the record, and for those who are told."""

    settings: Settings
    night: Night | None = None
    summary: str | None = None
    troubled: Sequence[TroubledFeed] = ()


@contextmanager
def _heard(config: Path | None, night_at: datetime) -> Iterator[_Ending]:
    """Record and tell how the night inside ends, whatever ends it: wrong settings, a lock, a full disk."""
    readable = readable_settings(config)
    published = readable.paths.published
    report_standing(readable, datetime.now(UTC))  # of the night before, if it was killed
    attempt = NightAttempt(night_at=night_at, started_at=datetime.now(UTC), process=os.getpid())
    write_record(published, (_record(published) or NightRecord(last=attempt)).begun(attempt))
    ending = _Ending(readable)
    ended: BaseException | None = None
    try:
        ending.settings = load_settings(config)
        yield ending
    except BaseException as error:
        ended = _as_our_error(error)
        if ended is error:
            raise
        raise ended from error
    finally:
        if (ends := _ENDS.get()) is not None:
            ends.append(ended)
        attempt = attempt.ended(datetime.now(UTC), ended)
        before = _record(published) or NightRecord(last=attempt)
        if write_record(published, before.ended(attempt)) is None:
            log.error("the record of the night cannot be written beside %s or elsewhere", published)
        _tell(ending, attempt, before.last_good)


def _tell(ending: _Ending, attempt: NightAttempt, good_before: NightAttempt | None) -> None:
    """Tell those whom the settings name how the night ended."""
    settings, night_at = ending.settings, attempt.night_at
    if attempt.outcome is NightOutcome.FAILED:
        message = notify.night_failed(
            night_at=night_at,
            step=ending.night.under_way if ending.night else None,
            error=attempt.error or "",
            last_good_at=good_before.night_at if good_before else None,
        )
        notify.announce([message], settings, os.environ)
        return
    notify.ping(settings, os.environ)
    notify.announce_feeds(ending.troubled, settings, os.environ, night_at=night_at)
    if ending.summary is not None:
        notify.announce([notify.morning_summary(ending.summary, night_at=night_at)], settings, os.environ)


def _record(published: Path) -> NightRecord | None:
    try:
        return read_record(published)
    except StoreError as error:
        log.warning("%s", error)
        return None


def _as_our_error(error: BaseException) -> BaseException:
    """Return what the database, the disk or the system raised as an error that names it and has an exit code."""
    if isinstance(error, duckdb.Error):
        return StoreError(f"the database cannot be read or written: {error}")
    if isinstance(error, OSError):  # no space, no right, too many files: nothing that a step expects
        return StoreError(f"{error.filename or 'this machine'}: {error.strerror or error}")
    return error


def _end_as_failed(night: Night, error: BaseException) -> None:
    """Store that the run failed, if the database still can; the error itself goes on."""
    try:
        runs.finish_run(night.db, night.run, finished_at=night.clock(), error=str(error) or type(error).__name__)
        pipeline.update_feed_health(night.db, night.run)  # the summary of a night that failed before it tells it, too
    except (duckdb.Error, OSError, NewsclustError) as second:
        log.error("the database cannot even store that the night failed: %s", second)


def _report(night: Night) -> str | None:
    """Leave the summary of good nights and bad beside the published file, and it and the counts as artifacts.

    Return the summary, None when the database or the disk cannot give it any more.
    """
    try:
        summary = report.summary_markdown(night.db.connection, night.run.id)
        page = report.summary_page(night.settings.paths.published)
        page.parent.mkdir(parents=True, exist_ok=True)
        replace_file(page, summary)
        counts = night.db.rows(
            "SELECT step, attempt, done, skipped, failed, round(seconds, 2) AS seconds, error "
            "FROM night_steps WHERE run_id = $1",
            [night.run.id],
        )
    except (duckdb.Error, OSError) as error:
        log.error("the summary of the night cannot be written: %s", error)
        return None
    if night.in_prefect:  # last: artifacts need a Prefect server that answers
        try:
            create_markdown_artifact(summary, key=SUMMARY_ARTIFACT)
            create_table_artifact(counts, key=COUNTS_ARTIFACT)
        except PREFECT_TROUBLE as error:
            log.warning("Prefect is away: the night's artifacts are not stored there (%s)", error)
    return summary


def _troubled(night: Night) -> Sequence[TroubledFeed]:
    try:
        return report.troubled_feeds(night.db.connection)
    except duckdb.Error:  # it was said already
        return ()


class _RunLog(logging.Handler):
    """Hands records to Prefect's log of the step that is running."""

    def __init__(self) -> None:
        super().__init__()
        self._of_the_flow = get_run_logger()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            log = get_run_logger()
        except MissingContextError:  # a thread of the step's own
            log = self._of_the_flow
        log.log(record.levelno, "%s", record.getMessage())


@contextmanager
def _logged_with_the_run() -> Iterator[None]:
    """Show what the package logs (a line a step, a warning an item that failed) in Prefect's log of the run."""
    level, propagate, handlers = log.level, log.propagate, log.handlers
    log.handlers = [_RunLog()]  # alone: Prefect prints the run's log, and each line is to be seen once
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        yield
    finally:
        log.handlers = handlers
        log.setLevel(level)
        log.propagate = propagate
