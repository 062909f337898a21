"""Nights without the internet: feeds and pages served on loopback under their own names, through the real flow.

    python -m flows.demo demo [FOLDER]    three nights of the sample corpus (`make demo`)
    python -m flows.demo real [FOLDER]    one night of the captured documents in ../shared/seeds (`make real`)

A second run over the same folder changes nothing and says so.
"""

import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

if __name__ == "__main__":  # read when Prefect is imported: nothing is sent to anybody
    os.environ.setdefault("DO_NOT_TRACK", "1")

from newsclust import cli
from newsclust.demo import LoopbackServer, captured_feeds, captured_site, night_time, sample_feeds, sample_site
from newsclust.errors import NewsclustError, SettingsError
from newsclust.model import Feed
from newsclust.settings import (
    CONFIG_FILE,
    ExtractSettings,
    FetchSettings,
    NightSettings,
    Paths,
    Settings,
    StorySettings,
    load_settings,
    settings_toml,
)
from newsclust.shipped import SAMPLE_FOLDER
from newsclust.sources.feeds_toml import write_feeds
from newsclust.store import Database
from newsclust.text.sanitize import strip_controls

from .nightly import nightly

ROOT = Path(__file__).parents[1]
SEEDS = ROOT.parent / "shared" / "seeds"
SAMPLE_NIGHTS = (1, 2, 3)
SEED_NIGHT = datetime(2026, 2, 5, 22, tzinfo=UTC)

# What a reader can see of a night; when it was last seen or asked is not part of it.
_VISIBLE = {
    "entries": "* EXCLUDE (last_seen_at)",
    "articles": "* EXCLUDE (extracted_at)",
    "article_versions": "*",
    "duplicates": "*",
    "rewrite_comparisons": "*",
    "embeddings": "*",
    "links": "*",
    "stories": "*",
    "story_articles": "*",
    "story_events": "*",
    "topics": "* EXCLUDE (last_found_at)",
    "topic_stories": "*",
}


def demo(folder: Path) -> Path:
    """Live the nights of the sample that the folder's database does not hold; return the published file.

    When it holds all of them, the last one is lived again, to show that nothing changes.
    """
    with LoopbackServer(sample_site(SAMPLE_FOLDER, night=SAMPLE_NIGHTS[0])) as loopback:
        settings = demo_settings(loopback, sample_feeds(SAMPLE_FOLDER), folder)
        config = write_settings(settings, folder / CONFIG_FILE)
        ended = _finished_nights(settings.paths.database)
        missing = [night for night in SAMPLE_NIGHTS if night_time(night) not in ended]
        before = visible(settings.paths.database)
        for night in missing or SAMPLE_NIGHTS[-1:]:
            _say(f"Night {night} of {len(SAMPLE_NIGHTS)}, {night_time(night):%A %d %B %Y}")
            loopback.show(sample_site(SAMPLE_FOLDER, night=night))
            nightly(config=config, night_at=night_time(night))
    _say_what_changed(before, visible(settings.paths.database))
    return settings.paths.published


def real(folder: Path, seeds: Path = SEEDS) -> Path | None:
    """Live one night of the real documents; return the published file, None when they are not there."""
    if not (seeds / "feeds").is_dir():
        _say(f"Skipped: the documents are not there ({seeds}); they are not part of the repository.")
        return None
    with LoopbackServer(captured_site(seeds)) as loopback:
        settings = demo_settings(loopback, captured_feeds(seeds), folder)
        # The documents span twenty months: one window holds them all.
        settings = settings.model_copy(update={"stories": StorySettings(window_days=700)})
        config = write_settings(settings, folder / CONFIG_FILE)
        before = visible(settings.paths.database)
        nightly(config=config, night_at=SEED_NIGHT)
    _say_what_changed(before, visible(settings.paths.database))
    return settings.paths.published


def demo_settings(loopback: LoopbackServer, feeds: Sequence[Feed], folder: Path) -> Settings:
    """Return settings that read these feeds from the loopback and keep everything under `folder`."""
    folder = folder.resolve()  # the settings name it, wherever they are read from
    folder.mkdir(parents=True, exist_ok=True)
    listed = folder / "feeds.toml"
    listed.write_text(write_feeds(feeds), encoding="utf-8")
    options = {"connect_to": loopback.connect_to, "ca_file": str(loopback.ca_file), "host_pause_s": 0.0}
    return Settings(
        paths=Paths(
            feeds=listed,
            database=folder / "newsclust.duckdb",
            published=folder / "published" / "newsclust.duckdb",
            corrections=folder / "corrections.jsonl",
            feed_commands=folder / "feed_commands.jsonl",
            outlets=folder / "outlets.toml",
        ),
        fetch=FetchSettings(options=options, contact="mailto:demo@loopback.example"),
        extract=ExtractSettings(),
        night=NightSettings(retries=0),
    )


def write_settings(settings: Settings, file: Path) -> Path:
    """Write the settings as the file that a night reads, and return the file.

    Raises SettingsError when NEWSCLUST_* in the environment would send the night elsewhere: the demonstration must
    neither fetch from the internet nor touch another database.
    """
    file.write_text(settings_toml(settings), encoding="utf-8")
    found = load_settings(file)
    if (found.paths, found.fetch) != (settings.paths, settings.fetch):
        raise SettingsError("unset NEWSCLUST_PATHS* and NEWSCLUST_FETCH*: the demonstration has paths of its own")
    return file


def visible(database: Path) -> dict[str, tuple[int, int]] | None:
    """Return (rows, hash of all rows) of each table a reader can see; None when there is no database yet."""
    if not database.exists():
        return None
    with Database(database) as db:
        found = {}
        for table, columns in _VISIBLE.items():
            seen = f"(SELECT {columns} FROM {table}) AS seen"  # noqa: S608 (names of ours)
            row = db.rows(f"SELECT count(*) AS n, coalesce(sum(hash(seen)), 0) AS h FROM {seen}")[0]  # noqa: S608
            found[table] = (row["n"], row["h"])
    return found


def _finished_nights(database: Path) -> set[datetime]:
    if not database.exists():
        return set()
    with Database(database) as db:
        return {row["night_at"] for row in db.rows("SELECT night_at FROM runs WHERE outcome = 'finished'")}


def _say_what_changed(before: dict[str, tuple[int, int]] | None, after: dict[str, tuple[int, int]] | None) -> None:
    if before == after:
        _say("Nothing changed: every article, story and topic was there already.")
        return
    for table, (rows, digest) in (after or {}).items():
        had, had_digest = (before or {}).get(table, (0, 0))
        if (rows, digest) != (had, had_digest):
            _say(f"  {table}: {had} -> {rows} rows")


def _say(line: str) -> None:
    print(line, flush=True)


def main(arguments: Sequence[str]) -> int:
    """Run one demonstration, show what came out, and return the exit code."""
    demonstrations: dict[str, Callable[[Path], Path | None]] = {"demo": demo, "real": real}
    if not arguments or arguments[0] not in demonstrations:
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(arguments[1]) if len(arguments) > 1 else Path("data") / arguments[0]
    try:
        published = demonstrations[arguments[0]](folder)
    except NewsclustError as error:
        _say(f"{arguments[0]}: {strip_controls(str(error))}")
        return error.exit_code
    if published is None:
        return 0
    cli.top(database=published)
    database = f"--database {published}"
    print("What to try next:")
    print(f'  newsclust query {database} "from current_stories limit 10"')
    print(f"  newsclust query {database} \"from story_timeline where headline like '%Scale AI%'\"")
    print(f'  newsclust query {database} "from duplicate_articles"')
    print(f"  newsclust views {database}")
    print(f"  newsclust why {database} ARTICLE     (an article_id of the above)")
    print("  notebooks/explore_stories.ipynb, in any Jupyter")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
