"""The story of a night, from top to bottom. The order of the steps stands here and nowhere else.

Run it by hand with `python -m flows.nightly`; `flows/deploy.py` serves it every night.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from pydantic import AwareDatetime

from newsclust import pipeline, report
from newsclust.errors import CheckError, NewsclustError, SettingsError
from newsclust.fetch.robots import product_of
from newsclust.model import Count, Run
from newsclust.overrides import read_corrections, read_feed_commands
from newsclust.settings import NightSettings, Settings, load_settings
from newsclust.sources.feeds_toml import read_feeds, read_lists
from newsclust.store import Database, runs
from newsclust.text.sanitize import strip_controls


@flow(name="nightly")
def nightly(config: Path | None = None, night_at: AwareDatetime | None = None) -> str:
    """Turn what the feeds say tonight into stories, topics and a published database; return the run's id.

    Args:
        config: the settings file; without one, that of NEWSCLUST_CONFIG, else ./newsclust.toml.
        night_at: the moment that the night is lived for, with its time zone; without one, now.
    """
    settings = load_settings(config)
    with begun_night("nightly", settings, (night_at or datetime.now(UTC)).astimezone(UTC)) as night:
        db, run, clock, step = night.db, night.run, night.clock, night.step
        fetcher, embedder = settings.fetcher(clock=clock), settings.embedder()
        model, window = embedder.name, settings.stories.window_days

        # What is out there
        commands = read_feed_commands(settings.paths.feed_commands)
        feeds, lists = read_feeds(settings.paths.feeds), read_lists(settings.paths.feeds)
        step(pipeline.fetch_lists, db, run, fetcher, clock, lists)
        step(pipeline.sync_feeds, db, run, feeds, lists)
        step(pipeline.fetch_feeds, db, run, fetcher, commands, settings.polling_limits, feeds)
        step(pipeline.parse_feeds, db, run, clock)
        step(pipeline.check_feed_anomalies, db, run, commands)
        step(pipeline.fetch_pages, db, run, fetcher, product_of(settings.user_agent))
        step(pipeline.plan_feeds, db, run, commands, settings.polling_limits)
        step(pipeline.update_feed_health, db, run)
        step(pipeline.extract_articles, db, run, clock, settings.extractor())

        # What of it is new, and what it tells
        said = read_corrections(settings.paths.corrections)
        step(pipeline.find_duplicates, db, run, said, settings.duplicates.jaccard, settings.duplicates.containment)
        step(pipeline.embed_articles, db, run, embedder, settings.embed.characters)
        step(pipeline.link_articles, db, run, settings.linker(), model, window)
        step(pipeline.sync_corrections, db, run, said)
        step(pipeline.group_stories, db, run, settings.clusterer(), said, model, window)
        step(pipeline.find_rewrites, db, run, embedder)
        step(pipeline.group_topics, db, run, model, settings.topics.window_days, settings.topics.min_stories)

        # What the analysts get
        step(pipeline.check, db)
        night.finish()
        step(pipeline.publish, db, settings.paths.published)
    return night.run.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """One night under way: its database, its run, its clock, and how its steps are tried."""

    db: Database
    run: Run
    clock: pipeline.Clock
    tries: NightSettings

    def step(self, work: Callable[..., Count], *given: Any) -> Count:
        """Do one step as a Prefect task: what it did is a row of `steps`, and a failure is tried again."""

        # The task takes no parameters: a database connection can neither be hashed for a cache nor stored.
        @task(
            name=work.__name__,
            retries=self.tries.retries,
            retry_delay_seconds=self.tries.retry_delay_s,
            retry_condition_fn=_may_pass,
            cache_policy=NO_CACHE,
            persist_result=False,
        )
        def attempt() -> Count:
            return pipeline.run_step(self.db, self.run, self.clock, work.__name__, lambda: work(*given))

        count = attempt()
        get_run_logger().info(
            "%s: %d done, %d skipped, %d failed", work.__name__, count.done, count.skipped, count.failed
        )
        return count

    def finish(self) -> None:
        """Store that the night came to its end: before publishing, so that the published copy says so."""
        runs.finish_run(self.db, self.run, finished_at=self.clock())


@contextmanager
def begun_night(flow_name: str, settings: Settings, now: datetime) -> Iterator[Night]:
    """Open the database and begin a run; an error inside ends the run as failed, and is raised."""
    clock = pipeline.night_clock(now)
    with Database(settings.paths.database, now=now) as db:
        run = runs.begin_run(
            db,
            flow=flow_name,
            night_at=now,
            started_at=datetime.now(UTC),
            settings=settings.model_dump(mode="json"),
        )
        try:
            yield Night(db=db, run=run, clock=clock, tries=settings.night)
        except BaseException as error:
            runs.finish_run(db, run, finished_at=clock(), error=str(error) or type(error).__name__)
            pipeline.update_feed_health(db, run)  # the summary of a night that failed before it tells it, too
            raise
        finally:
            _tell(report.summary_markdown(db.connection, run.id), settings)


def _tell(summary: str, settings: Settings) -> None:
    """Leave the morning's summary, of good nights and bad, as a Prefect artifact and beside the published file."""
    page = report.summary_page(settings.paths.published)
    page.parent.mkdir(parents=True, exist_ok=True)
    partial = page.with_suffix(".partial")
    partial.write_text(summary, encoding="utf-8")
    partial.replace(page)
    create_markdown_artifact(summary, key="night")  # last: it needs a Prefect server that answers


def _may_pass(_task: Any, _run: Any, state: Any) -> bool:
    """Try again only what may pass: contradicting rows and wrong settings stay so."""
    error = state.result(raise_on_failure=False)
    return not isinstance(error, CheckError | SettingsError)


def main() -> None:
    """Live one night now; end with one line and the exit code that belongs to the error."""
    try:
        nightly()
    except NewsclustError as error:
        print(f"nightly: {strip_controls(str(error))}", file=sys.stderr)  # it may quote a stranger
        raise SystemExit(error.exit_code) from None


if __name__ == "__main__":
    main()
