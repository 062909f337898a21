"""Verbs of the working file: a copy of it, its return, and the vectors of the whole archive."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from newsclust.cli.shared import Config, settings_of


def backup(
    target: Annotated[Path, typer.Argument(help="The file to write, or a folder for one named by the moment.")],
    config: Config = None,
) -> None:
    """Write a complete, verified copy of the working file; a night that runs is not disturbed, it is an error."""
    from newsclust.night_record import only_night
    from newsclust.store import restore as archive

    if target.is_dir():
        target = target / f"newsclust-{datetime.now(UTC):%Y%m%d-%H%M%S}.duckdb"
    database = settings_of(config).paths.database
    with only_night(database):
        size = archive.backup(database, target)
    print(f"{target}: {size / 1e6:.0f} MB, every row of the working file")


def restore(
    source: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="A backup; without one, the published file is rebuilt from."),
    ] = None,
    config: Config = None,
    replace: Annotated[bool, typer.Option("--replace", help="Keep the present file aside, and replace it.")] = False,
) -> None:
    """Put the working file back from a backup, or rebuild it from the published file."""
    from newsclust import pipeline
    from newsclust.night_record import only_night
    from newsclust.store import restore as archive

    paths = settings_of(config).paths
    with only_night(paths.database):
        restored = archive.restore(
            paths.database, source or paths.published, replace=replace, complete=pipeline.count_archive_words
        )
    print(f"{paths.database}: {restored.articles} articles, {restored.stories} stories")
    if restored.is_rebuilt:
        print(
            f"It was rebuilt without {archive.LACKING}. The next night makes fingerprints anew, and links and groups"
        )
        print("the articles of its window again; no page is downloaded a second time, and all ids stay.")
    if restored.kept_aside:
        print(f"The file that stood there is kept as {restored.kept_aside}")


def embed(
    everything: Annotated[bool, typer.Option("--all", help="Say that the whole archive is meant.")] = False,
    config: Config = None,
) -> None:
    """Embed the whole archive by the model of the settings; then vectors of other models go.

    Hours for a year of articles. It can be stopped and begun again: what was embedded is stored as it goes.
    """
    from newsclust import pipeline
    from newsclust.errors import SettingsError, StoreError
    from newsclust.night_record import only_night
    from newsclust.store import Database, articles, runs

    if not everything:
        raise SettingsError("nights embed what is new; --all embeds the whole archive, which can take hours")
    settings, now = settings_of(config), datetime.now(UTC)
    database, embedder = settings.paths.database, settings.embedder()
    if not database.exists():
        raise StoreError(f"{database} does not exist: there is nothing to embed")
    with only_night(database), Database(database, now=now) as db:
        recorded = {"embed": settings.recorded()["embed"]}
        run = runs.begin_run(db, flow="embed", night_at=now, started_at=now, settings=recorded)
        clock = pipeline.night_clock(now)
        try:
            count = pipeline.run_step(
                db,
                run,
                clock,
                "embed_archive",
                lambda: pipeline.embed_articles(db, run, embedder, settings.embed.characters),
            )
            articles.drop_vectors_of_other_models(db, embedder.name)
        except BaseException as error:
            runs.finish_run(db, run, finished_at=clock(), error=str(error) or type(error).__name__)
            raise
        runs.finish_run(db, run, finished_at=clock())
    print(f"{count.done} articles embedded by {embedder.name}; the next night publishes their vectors")
