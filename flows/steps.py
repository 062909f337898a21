"""The steps of a night as Prefect tasks, and what a night keeps at hand for them; the order is in nightly.py."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.exceptions import PrefectException

from newsclust import pipeline
from newsclust.errors import CheckError, NewsclustError, SettingsError, StepOverBudgetError
from newsclust.model import Count, NoticeKind, Run
from newsclust.settings import Settings
from newsclust.store import Database, runs

log = logging.getLogger("newsclust")
PREFECT_TROUBLE = (httpx.HTTPError, PrefectException)  # what a Prefect server that is away raises
_FINAL = (CheckError, SettingsError, StepOverBudgetError)  # contradicting rows, wrong settings and hours stay so


class _NoTraceback(logging.Filter):
    """Takes the traceback off a record of an error that newsclust raised on purpose: its message says it all."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and isinstance(record.exc_info[1], NewsclustError):
            record.exc_info = record.exc_text = None
        return True


for _name in ("prefect.task_runs", "prefect.flow_runs"):  # where Prefect logs each failed attempt, and the flow's end
    logging.getLogger(_name).addFilter(_NoTraceback())


@dataclass(slots=True, kw_only=True)
class Night:
    """One night under way: its settings, database, run and clock, and whether Prefect runs its steps."""

    settings: Settings
    db: Database
    run: Run
    clock: pipeline.Clock
    in_prefect: bool
    under_way: str | None = None  # the step
    raised: Exception | None = None  # by the work of a step, not by Prefect

    def step(self, step: Task[..., Count], *arguments: Any) -> Count:
        """Run one step; what it did is a row of `steps`, and a failure is retried as the settings say.

        When Prefect goes away under way, this step and those after it run without it: what was done is stored, so
        a step that is run twice does nothing the second time.
        """
        self.under_way = step.name
        tries = self.settings.night
        if self.in_prefect:
            tried = step.with_options(retries=tries.retries, retry_delay_seconds=tries.retry_delay_s)
            try:
                return tried(self, *arguments)
            except PREFECT_TROUBLE as error:
                if error is self.raised:  # a model that is downloaded, say
                    raise
                self.leave_prefect(str(error))
        for _ in range(tries.retries):
            try:
                return step.fn(self, *arguments)
            except _FINAL:
                raise
            except Exception as error:  # noqa: BLE001 (whatever it is, it is stored with the step and may pass)
                log.warning("%s is tried again in %g s: %s", step.name, tries.retry_delay_s, error)
                time.sleep(tries.retry_delay_s)
        return step.fn(self, *arguments)

    def leave_prefect(self, why: str) -> None:
        """Go on without Prefect, and say so in the log and in the summary."""
        self.in_prefect = False
        text = f"Prefect was away, the night was lived without it: {why}"
        log.warning("%s", text)
        runs.save_notice(self.db, self.run, NoticeKind.ORCHESTRATOR, text)

    def finish(self) -> None:
        """Store that the night came to its end: before publishing, so that the published copy says so."""
        runs.finish_run(self.db, self.run, finished_at=self.clock())


def _may_pass(_task: Any, _run: Any, state: Any) -> bool:
    """Retry only what may pass."""
    return not isinstance(state.result(raise_on_failure=False), _FINAL)


def _task(work: Callable[..., Count], *tags: str) -> Task[..., Count]:
    """Return the Prefect task of one step, named as the step; its first argument is the night."""

    def attempt(night: Night, *arguments: Any) -> Count:
        try:
            return pipeline.run_step(
                night.db,
                night.run,
                night.clock,
                work.__name__,
                lambda: work(*arguments),
                limit_s=60 * night.settings.night.max_step_minutes,
            )
        except Exception as error:
            night.raised = error
            raise

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
sync_outlets = _task(pipeline.sync_outlets, "collect")
find_duplicates = _task(pipeline.find_duplicates, "stories")
embed_articles = _task(pipeline.embed_articles, "stories", "model")
link_articles = _task(pipeline.link_articles, "stories")
sync_corrections = _task(pipeline.sync_corrections, "stories")
group_stories = _task(pipeline.group_stories, "stories")
find_rewrites = _task(pipeline.find_rewrites, "stories", "model")
group_topics = _task(pipeline.group_topics, "stories")
prune = _task(pipeline.prune, "publish")
index_articles = _task(pipeline.index_articles, "publish")
check = _task(pipeline.check, "publish")
publish = _task(pipeline.publish, "publish")
