"""The story of a night, from top to bottom. The order of the steps stands here and nowhere else.

Run it by hand with `python -m flows.nightly`; `flows/deploy.py` serves it every night.
"""

import logging
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

if __name__ == "__main__":  # read when Prefect is imported: nothing is sent to anybody
    os.environ.setdefault("DO_NOT_TRACK", "1")

from prefect import State, flow
from prefect.runtime import flow_run
from prefect.states import Completed
from pydantic import AwareDatetime

from newsclust.errors import NewsclustError
from newsclust.fetch.robots import product_of
from newsclust.outlets import known_outlets
from newsclust.overrides import read_corrections, read_feed_commands
from newsclust.sources.feeds_toml import read_feeds, read_lists
from newsclust.text.sanitize import strip_controls

from . import steps
from .lifecycle import begun_night, caught_up, prefect_problem, without_prefect, witnessed_ends

log = logging.getLogger("newsclust")


def _run_name() -> str:
    """Return the name of the flow run that begins: nightly-2026-02-03, by the date of its night in UTC.

    UTC, as in the database and in the summary: a name must not wait for settings that may be wrong.
    """
    night_at = flow_run.parameters.get("night_at") or datetime.now(UTC)
    return f"nightly-{night_at.astimezone(UTC):%Y-%m-%d}"


@flow(name="nightly", flow_run_name=_run_name)
def nightly(config: Path | None = None, night_at: AwareDatetime | None = None) -> str | State[None]:
    """Turn what the feeds say tonight into stories, topics and a published database; return the run's id.

    Args:
        config: the settings file; without one, that of NEWSCLUST_CONFIG, else ./newsclust.toml.
        night_at: the moment that the night is lived for, with its time zone; without one, now.
    """
    if reason := caught_up(config):
        return Completed(name="Skipped", message=reason)
    with begun_night("nightly", config, (night_at or datetime.now(UTC)).astimezone(UTC)) as night:
        settings, db, run, clock, step = night.settings, night.db, night.run, night.clock, night.step
        fetcher, embedder = settings.fetcher(clock=clock), settings.embedder()
        model, window = embedder.name, settings.stories.window_days

        # What an earlier night may have got wrong
        step(steps.mend_clock, db, run, window)

        # What is out there
        commands = read_feed_commands(settings.paths.feed_commands)
        feeds, lists = read_feeds(settings.paths.feeds), read_lists(settings.paths.feeds)
        step(steps.fetch_lists, db, run, fetcher, clock, lists)
        step(steps.sync_feeds, db, run, feeds, lists)
        step(steps.fetch_feeds, db, run, fetcher, commands, settings.polling_limits, feeds)
        step(steps.parse_feeds, db, run, clock)
        step(steps.check_feed_anomalies, db, run, commands)
        step(steps.fetch_pages, db, run, fetcher, product_of(settings.user_agent), settings.page_budget)
        step(steps.plan_feeds, db, run, commands, settings.polling_limits)
        step(steps.update_feed_health, db, run)
        step(steps.extract_articles, db, run, clock, settings.extractor())
        step(steps.sync_outlets, db, run, known_outlets(settings.paths.outlets))

        # What of it is new, and what it tells
        corrections = read_corrections(settings.paths.corrections)
        step(
            steps.find_duplicates, db, run, corrections, settings.duplicates.jaccard, settings.duplicates.containment
        )
        step(steps.embed_articles, db, run, embedder, settings.embed.characters, settings.embed_days, corrections)
        step(steps.link_articles, db, run, settings.linker(), model, window)
        step(steps.sync_corrections, db, run, corrections)
        step(steps.group_stories, db, run, settings.clusterer(), corrections, model, window)
        step(steps.find_rewrites, db, run, embedder)
        step(steps.group_topics, db, run, model, settings.topics.window_days, settings.topics.min_stories)

        # What the analysts get
        step(steps.prune, db, run, settings.retention_limits, model)
        step(steps.index_articles, db, run)
        step(steps.check, db)
        night.finish()
        step(steps.publish, db, settings.paths.published)
    return night.run.id


def live_night(config: Path | None = None, night_at: AwareDatetime | None = None) -> None:
    """Live one night: in Prefect when it answers, else without it, for news do not wait for an orchestrator.

    Raises the error that ended the night, after it was recorded.
    """
    problem = prefect_problem()
    if problem is None:
        with witnessed_ends() as ends:
            try:
                nightly(config=config, night_at=night_at)
            except Exception as error:
                if not ends:  # Prefect failed before the night began
                    problem = f"{type(error).__name__}: {error}"
                elif ends[-1] is None:
                    log.warning("the night was lived, but Prefect could not be told: %s", error)
                elif ends[-1] is error:
                    raise
                else:
                    raise ends[-1] from error
    if problem is not None:
        with without_prefect(problem):
            nightly.fn(config=config, night_at=night_at)


def main() -> None:
    """Live one night now; end with one line and the exit code that belongs to the error."""
    log.addHandler(logging.StreamHandler(sys.stderr))
    log.setLevel(logging.INFO)
    try:
        live_night()
    except NewsclustError as error:
        print(f"nightly: {strip_controls(str(error))}", file=sys.stderr)  # it may quote a stranger
        raise SystemExit(error.exit_code) from None


if __name__ == "__main__":
    main()
