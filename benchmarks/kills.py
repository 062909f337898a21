"""Kill nights with -9 at random moments of every step: `python -m benchmarks.kills [--kills 60] [--archive 12]`.

The sample corpus is lived for two nights. Then the third is lived once unbroken, and again and again from the same
state: killed within a step drawn in turn, at a moment drawn between its begin and its end as the unbroken night took
it, and lived once more to its end. What readers see must be what the unbroken night left, row by row; the published
file must open at any moment and hold whole nights; no run may stay "running". `backup` and `restore` (from a backup,
from the published file) are killed, too, done again, and followed by the third night, which must leave what it leaves
after an unbroken one. Prints a line a kill and the count.

The embedder counts words (the language model would take most of the time and stores nothing under way).
"""

import argparse
import contextlib
import logging
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flows.demo import demo_settings, visible, write_settings
from flows.nightly import nightly
from newsclust.demo import LoopbackServer, night_time, sample_feeds, sample_site
from newsclust.settings import EmbedSettings, PairSettings, Settings, StorySettings, load_settings
from newsclust.shipped import SAMPLE_FOLDER
from newsclust.store import Database, open_published, restore

CONTEXT = get_context("forkserver")  # a night begins at once: Prefect is imported once
ARCHIVE_VERBS = ("backup", "restore from backup", "restore from published")
BEGUN = "mend_clock"  # the first step, of which only the end is logged
# What two lives of one night cannot share: when it was done, and by which run.
OF_THE_RUN = {
    *(
        "run_id",
        "changed_run_id",
        "fetched_at",
        "requested_at",
        "first_seen_at",
        "last_seen_at",
        "changed_at",
        "extracted_at",
    ),
    *("compared_at", "embedded_at", "found_at"),
}


class WordEmbedder:
    """An embedder that counts words in 256 dimensions."""

    name = "words"
    dimensions = 256

    def embed(self, texts: list[str]) -> NDArray[np.float32]:
        """Return a unit vector for each text."""
        vectors = np.full((len(texts), self.dimensions), 1e-3, np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            for word in text.casefold().split():
                vector[sum(word.encode()) % self.dimensions] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of the unbroken night: the step before it, and how long it took."""

    name: str
    after: str | None
    seconds: float


def chosen(loopback: LoopbackServer, folder: Path) -> Settings:
    """Return the settings of the demonstration with the word embedder."""
    return demo_settings(loopback, sample_feeds(SAMPLE_FOLDER), folder).model_copy(
        update={
            "embed": EmbedSettings(use="benchmarks.kills:WordEmbedder"),
            "pairs": PairSettings(use="newsclust.stories.pairs:CentredCosine"),
            "stories": StorySettings(use="newsclust.stories.clustering:AverageLinkage"),
        }
    )


class _Sender(logging.Handler):
    """Sends what is logged through a pipe."""

    def __init__(self, to: Connection) -> None:
        super().__init__()
        self.to = to

    def emit(self, record: logging.LogRecord) -> None:
        """Send the record's line."""
        self.to.send(record.getMessage())


def night(config: Path, night_at: datetime, log_to: Connection) -> None:
    """Live a night without Prefect, in a process of its own."""
    log = logging.getLogger("newsclust")
    log.addHandler(_Sender(log_to))
    log.setLevel(logging.INFO)
    nightly.fn(config=config, night_at=night_at)


def begin(config: Path, night_at: datetime) -> tuple[BaseProcess, Connection]:
    """Start a night; give its process and what it logs."""
    receiver, sender = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=night, args=(config, night_at, sender))
    process.start()
    sender.close()
    return process, receiver


def lines_of(log: Connection) -> Iterator[str]:
    """Yield what a night logs, until it ends."""
    with contextlib.suppress(EOFError):
        while True:
            yield log.recv()


def live(config: Path, night_at: datetime) -> None:
    """Live a night to its end; RuntimeError with its log when it fails."""
    process, log = begin(config, night_at)
    lines = list(lines_of(log))
    process.join(600)
    if process.exitcode:
        raise RuntimeError("\n".join(lines[-20:]))


def killed(config: Path, night_at: datetime, step: Step, delay_s: float) -> bool:
    """Live a night and kill it so long after the step's begin; return whether it was killed before its end."""
    process, log = begin(config, night_at)
    for line in lines_of(log):
        if line.startswith(f"{step.after or BEGUN}: "):
            break
    time.sleep(delay_s)
    process.kill()
    process.join(60)
    log.close()
    return process.exitcode == -signal.SIGKILL


def rows_of(settings: Settings) -> dict[str, list[str]]:
    """Return all that a reader can see, without what belongs to a run rather than to the night."""
    tables = visible(settings.paths.database) or {}
    with Database(settings.paths.database) as db:
        found = {}
        for table in tables:
            rows = db.rows(f"FROM {table}")
            found[table] = sorted(
                repr({name: _by_whom(value) for name, value in row.items() if name not in OF_THE_RUN}) for row in rows
            )
        running = db.value("SELECT count(*) FROM runs WHERE outcome = 'running'")
    return found | {"running": [str(running)]}


def _by_whom(value: object) -> object:
    """Return a value as two lives share it: what has no date of its own is dated by a clock, which ticks on."""
    return "by the clock" if isinstance(value, datetime) and value.microsecond else value


def published_nights(settings: Settings) -> int:
    """Return how many finished nights the published file holds; it must open at any moment."""
    with open_published(settings.paths.published) as connection:
        found = connection.execute(
            "SELECT count(DISTINCT night_at) FROM nightly_summary WHERE outcome = 'finished'"
        ).fetchall()
    return int(found[0][0])


def steps_of(settings: Settings) -> list[Step]:
    """Return the steps of the last night, in their order."""
    with Database(settings.paths.database) as db:
        rows = db.tuples(
            "SELECT step, seconds FROM steps WHERE run_id = (SELECT arg_max(run_id, started_at) FROM runs) "
            "ORDER BY started_at"
        )
    names = [None, *(name for name, _ in rows)]
    return [Step(name=name, after=names[place], seconds=seconds) for place, (name, seconds) in enumerate(rows)]


def archive_verb(verb: str, config: Path, backup_file: Path, done: Connection) -> None:
    """Do one verb of the archive in a process of its own; say when it begins and how long it took."""
    paths = load_settings(config).paths
    done.send("begun: ")
    begin_s = time.monotonic()
    if verb == "backup":
        backup_file.unlink(missing_ok=True)
        restore.backup(paths.database, backup_file)
    else:
        source = backup_file if verb == "restore from backup" else paths.published
        restore.restore(paths.database, source, replace=paths.database.exists())
    done.send(time.monotonic() - begin_s)


def perform(verb: str, config: Path, backup_file: Path, kill_after_s: float | None = None) -> float | None:
    """Do a verb, or kill it so long after its begin; return the seconds it took, None when it was killed."""
    receiver, sender = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=archive_verb, args=(verb, config, backup_file, sender))
    process.start()
    sender.close()
    receiver.recv()
    if kill_after_s is not None:
        time.sleep(kill_after_s)
        process.kill()
    process.join(600)
    return float(receiver.recv()) if process.exitcode == 0 else None


def kill_archive_verbs(
    kills: int, rng: random.Random, config: Path, before: Path, settings: Settings, wrong: list[str]
) -> int:
    """Kill each verb of the archive in turn; return how many were killed, and add what was not mended to `wrong`."""
    folder, killed_verbs = settings.paths.database.parent, 0
    expected: dict[str, dict[str, list[str]]] = {}
    seconds: dict[str, float] = {}
    backup_file = folder.with_name("backup.duckdb")

    def begin_anew() -> None:
        shutil.rmtree(folder)
        shutil.copytree(before, folder)
        backup_file.unlink(missing_ok=True)
        perform("backup", config, backup_file)

    for verb in ARCHIVE_VERBS:  # unbroken
        begin_anew()
        seconds[verb] = perform(verb, config, backup_file) or 0
        live(config, night_time(3))
        expected[verb] = rows_of(settings)
    for number in range(kills):
        verb = ARCHIVE_VERBS[number % len(ARCHIVE_VERBS)]
        begin_anew()
        delay_s = rng.uniform(0, seconds[verb])
        was_killed = perform(verb, config, backup_file, kill_after_s=delay_s) is None
        killed_verbs += was_killed
        if perform(verb, config, backup_file) is None:
            wrong.append(f"{verb} after {delay_s:.3f} s: it cannot be done again")
        live(config, night_time(3))
        found = rows_of(settings)
        differ = [table for table in expected[verb] if found[table] != expected[verb][table]]
        if differ:
            wrong.append(f"{verb} after {delay_s:.3f} s: {differ}")
        outcome = "killed" if was_killed else "ended first"
        mended = f"WRONG {differ}" if differ else "as unbroken"
        print(f"{number + 1:3} {verb:22} {delay_s * 1000:6.0f} ms {outcome}: {mended}", flush=True)
    return killed_verbs


def main() -> None:
    """Kill so many nights; end with 1 when one was not mended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--archive", type=int, default=12, help="kills of backup and restore")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    wrong: list[str] = []
    count: Counter[str] = Counter()
    CONTEXT.set_forkserver_preload(["flows.nightly"])
    with tempfile.TemporaryDirectory() as scratch, LoopbackServer(sample_site(SAMPLE_FOLDER, night=1)) as loopback:
        folder, before, unbroken = (Path(scratch) / name for name in ("life", "before", "unbroken"))
        settings = chosen(loopback, folder)
        config = write_settings(settings, folder / "newsclust.toml")
        for night in (1, 2):
            loopback.show(sample_site(SAMPLE_FOLDER, night=night))
            live(config, night_time(night))
        shutil.copytree(folder, before)
        loopback.show(sample_site(SAMPLE_FOLDER, night=3))
        live(config, night_time(3))
        expected, steps = rows_of(settings), steps_of(settings)
        shutil.copytree(folder, unbroken)
        for number in range(options.kills):
            step = steps[number % len(steps)]
            delay_s = rng.uniform(0, step.seconds)
            shutil.rmtree(folder)
            shutil.copytree(before, folder)
            was_killed = killed(config, night_time(3), step, delay_s)
            held = published_nights(settings)
            live(config, night_time(3))
            found = rows_of(settings)
            differ = [table for table in expected if found[table] != expected[table]]
            is_mended = not differ and held in (2, 3) and published_nights(settings) == 3
            count["killed" if was_killed else "ended before the kill"] += 1
            count[step.name] += was_killed
            print(
                f"{number + 1:3} {step.name:22} {delay_s * 1000:6.0f} ms "
                f"{'killed' if was_killed else 'ended first'}: {'as unbroken' if is_mended else f'WRONG {differ}'}",
                flush=True,
            )
            if not is_mended:
                wrong.append(f"{step.name} after {delay_s:.3f} s: {differ}, {held} nights published meanwhile")
        archive = kill_archive_verbs(options.archive, rng, config, before, settings, wrong)
    print(f"{archive} verbs of the archive killed")
    print(f"{count['killed']} nights killed within {len(steps)} steps; not as the unbroken one: {len(wrong)}")
    for line in wrong:
        print(f"  {line}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
