"""The steps of a night as Prefect tasks, and what a night keeps at hand for them; the order is in nightly.py."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from prefect import Task, get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.exceptions import MissingContextError

from newsclust import pipeline, report
from newsclust.errors import CheckError, SettingsError
from newsclust.model import Count, Run
from newsclust.settings import NightSettings, Settings
from newsclust.store import Database, runs

SUMMARY_ARTIFACT = "night"  # Markdown: the page that `newsclust status` shows
COUNTS_ARTIFACT = "night-steps"  # a table: one row an attempt at a step


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """One night under way: its database, its run, its clock, and how its steps are tried."""

    db: Database
    run: Run
    clock: pipeline.Clock
    tries: NightSettings

    def step(self, step: Task[..., Count], *arguments: Any) -> Count:
        """Run one step; what it did is a row of `steps`, and a failure is retried as the settings say."""
        tried = step.with_options(retries=self.tries.retries, retry_delay_seconds=self.tries.retry_delay_s)
        return tried(self, *arguments)

    def finish(self) -> None:
        """Store that the night came to its end: before publishing, so that the published copy says so."""
        runs.finish_run(self.db, self.run, finished_at=self.clock())


def _may_pass(_task: Any, _run: Any, state: Any) -> bool:
    """Retry only what may pass: contradicting rows and wrong settings stay so."""
    error = state.result(raise_on_failure=False)
    return not isinstance(error, CheckError | SettingsError)


def _task(work: Callable[..., Count], *tags: str) -> Task[..., Count]:
    """Return the Prefect task of one step, named as the step; its first argument is the night."""

    def attempt(night: Night, *arguments: Any) -> Count:
        return pipeline.run_step(night.db, night.run, night.clock, work.__name__, lambda: work(*arguments))

    # Prefect tells tasks apart by the qualified name. functools.wraps would also show it the wrong signature.
    attempt.__name__ = attempt.__qualname__ = work.__name__
    attempt.__doc__ = work.__doc__
    return task(
        name=work.__name__,
        tags=tags,
        retry_condition_fn=_may_pass,
        cache_policy=NO_CACHE,  # a database connection cannot be hashed for a cache
        persist_result=False,
    )(attempt)


# Tags say what a step needs: the network, the embedding model, or the database alone.
mend_clock = _task(pipeline.mend_clock, "collect")
fetch_lists = _task(pipeline.fetch_lists, "collect", "network")
sync_feeds = _task(pipeline.sync_feeds, "collect")
fetch_feeds = _task(pipeline.fetch_feeds, "collect", "network")
parse_feeds = _task(pipeline.parse_feeds, "collect")
check_feed_anomalies = _task(pipeline.check_feed_anomalies, "collect")
fetch_pages = _task(pipeline.fetch_pages, "collect", "network")
plan_feeds = _task(pipeline.plan_feeds, "collect")
update_feed_health = _task(pipeline.update_feed_health, "collect")
extract_articles = _task(pipeline.extract_articles, "collect")
find_duplicates = _task(pipeline.find_duplicates, "stories")
embed_articles = _task(pipeline.embed_articles, "stories", "model")
link_articles = _task(pipeline.link_articles, "stories")
sync_corrections = _task(pipeline.sync_corrections, "stories")
group_stories = _task(pipeline.group_stories, "stories")
find_rewrites = _task(pipeline.find_rewrites, "stories", "model")
group_topics = _task(pipeline.group_topics, "stories")
check = _task(pipeline.check, "publish")
publish = _task(pipeline.publish, "publish")


@contextmanager
def begun_night(flow_name: str, settings: Settings, night_at: datetime) -> Iterator[Night]:
    """Open the database and begin a run; an error inside ends the run as failed, and is raised."""
    clock = pipeline.night_clock(night_at)
    with _logged_with_the_run(), Database(settings.paths.database, now=night_at) as db:
        run = runs.begin_run(
            db,
            flow=flow_name,
            night_at=night_at,
            started_at=datetime.now(UTC),
            settings=settings.recorded(),
        )
        try:
            yield Night(db=db, run=run, clock=clock, tries=settings.night)
        except BaseException as error:
            runs.finish_run(db, run, finished_at=clock(), error=str(error) or type(error).__name__)
            pipeline.update_feed_health(db, run)  # the summary of a night that failed before it tells it, too
            raise
        finally:
            _report(db, run, settings)


def _report(db: Database, run: Run, settings: Settings) -> None:
    """Leave the summary of good nights and bad beside the published file, and it and the counts as artifacts."""
    summary = report.summary_markdown(db.connection, run.id)
    page = report.summary_page(settings.paths.published)
    page.parent.mkdir(parents=True, exist_ok=True)
    partial = page.with_suffix(".partial")
    partial.write_text(summary, encoding="utf-8")
    partial.replace(page)
    counts = db.rows(
        "SELECT step, attempt, done, skipped, failed, round(seconds, 2) AS seconds, error "
        "FROM night_steps WHERE run_id = $1",
        [run.id],
    )
    # Last: artifacts need a Prefect server that answers.
    create_markdown_artifact(summary, key=SUMMARY_ARTIFACT)
    create_table_artifact(counts, key=COUNTS_ARTIFACT)


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
    log, handler = logging.getLogger("newsclust"), _RunLog()
    level, propagate = log.level, log.propagate
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False  # Prefect's root handler would print each line a second time
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
        log.propagate = propagate
