"""Measure grouping by window size: `python -m benchmarks.growth DATA [--vectors FOLDER] [--sizes N ...]`.

DATA and FOLDER are those of `benchmarks.replay`. For each size a fresh database, in a process of its own, is given so
many articles of five days, then a thousand more; what these take is printed.

A window is made of worlds, each of 2,000 articles drawn from the real ones, so that an article has as many links in a
large window as in a small one. In every world but the first the rare words are others, and all vectors are turned in
one common way about the mean of news: no event is told in two worlds. So the older articles are linked world by
world, which takes minutes less; the new ones, of all worlds, are compared with all. `--world 9000` makes one dense
world out of most of five months.
"""

import argparse
import re
import resource
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.replay import Night, Stream, live, opened, read_articles, with_vectors
from newsclust.centering import Part, centre, shipped_mean, uncentre
from newsclust.embed import SentenceTransformerEmbedder
from newsclust.model import Run, Window, id_of
from newsclust.settings import Settings
from newsclust.store import Database
from newsclust.store import pairs as store_links
from newsclust.store import word_counts as store_words
from newsclust.stories.pairs import Linker, word_rarity
from newsclust.stories.pairs.word_rarity import LEAD_CHARACTERS, shipped_counts, split_words, stem

STEPS = ("link_articles", "group_stories")
SIZES = (1000, 2000, 4000, 8000, 16_000, 50_000)
NEW, WORLD = 1000, 2000
DAYS = 5
LAST_NIGHT = datetime(2026, 3, 10, 3, 30, tzinfo=UTC)
COMMON = 0.01  # share of the articles from which a stem belongs to the language, not to a subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A night of new articles after so many in the window."""

    window: int
    night: Night
    links: int
    stories: int
    peak_gb: float


def world_of(real: Stream, number: int, size: int) -> Stream:
    """Return so many of the real articles as they are in another world; world 0 is the real one."""
    rng = np.random.default_rng(number)
    drawn = real.part(rng.permutation(len(real.articles))[:size].tolist())
    if not number:
        return drawn
    turn, _ = np.linalg.qr(rng.normal(size=(real.vectors.shape[1], real.vectors.shape[1])))

    def turned(vectors: NDArray[np.float32], part: Part) -> NDArray[np.float32]:
        moved = centre(vectors, real.model, part).astype(np.float64) @ turn
        return uncentre(moved, shipped_mean(part))

    return Stream(
        articles=[
            replace(
                article,
                id=id_of(article.id, str(number)),
                url=f"{article.url}#{number}",
                title=_renamed(article.title, number),
                text=_renamed(article.text[:LEAD_CHARACTERS], number),
            )
            for article in drawn.articles
        ],
        vectors=turned(drawn.vectors, Part.TEXT),
        title_vectors=turned(drawn.title_vectors, Part.TITLE),
        model=real.model,
    )


def _renamed(text: str, number: int) -> str:
    """Return the text with each rare word replaced by one of another world, written with the same capital."""
    counts = shipped_counts()
    letters = "".join(chr(ord("a") + int(digit)) for digit in str(number))

    def other(found: re.Match[str]) -> str:
        word = found[0]
        known = split_words(word)
        if not known or counts.stems.get(stem(known[0].folded), 0) >= COMMON * counts.documents:
            return word
        return f"{word[0]}q{letters}{word[1:]}"

    return re.sub(r"[^\W_]+", other, text)


def measure(data: Path, vectors: Path | None, size: int, new: int, world: int) -> Measured:
    """Return what a night with new articles takes when there are so many in the window."""
    real = with_vectors(read_articles(data), SentenceTransformerEmbedder(), vectors)
    world = min(world, len(real.articles))
    worlds = [world_of(real, number, world) for number in range(-(-(size + new) // world))]
    rng, linker = np.random.default_rng(0), Settings().linker()
    tonight = set(rng.permutation(size + new)[:new].tolist())
    night, fresh = LAST_NIGHT - timedelta(days=1), []
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder), "growth") as db:
        for number, told in enumerate(worlds):
            places = range(min(world, size + new - number * world))
            older = [place for place in places if number * world + place not in tonight]
            fresh.append(told.part([place for place in places if number * world + place in tonight]))
            _link_older(db, night, _published(told.part(older), night, DAYS - 1), linker)
        live(db, night, fresh[0].part([]), ["group_stories"])
        last = live(db, LAST_NIGHT, _published(_together(fresh), LAST_NIGHT, 1), STEPS)
        links = db.rows("SELECT count(*) AS n FROM links")[0]["n"]
        stories = db.rows("SELECT count(*) AS n FROM stories WHERE state = 'living'")[0]["n"]
    return Measured(
        window=size,
        night=last,
        links=links,
        stories=stories,
        peak_gb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    )


def _link_older(db: Database, night: datetime, told: Stream, linker: Linker) -> None:
    """Store articles and what `link_articles` would leave of them, compared with each other alone."""
    live(db, night, told, [])
    run = Run(id="older", flow="growth", night_at=night, started_at=night)
    window = Window(articles=told.articles, vectors=told.vectors, title_vectors=told.title_vectors, model=told.model)
    store_links.save_links(db, run, window.ids, window.ids, linker.link(window), model=told.model, linker=linker.name)
    counted = word_rarity.count_words((article.title, article.text[:LEAD_CHARACTERS]) for article in told.articles)
    store_words.add_word_counts(db, run, window.ids, counted)


def _together(parts: Sequence[Stream]) -> Stream:
    return Stream(
        articles=[article for part in parts for article in part.articles],
        vectors=np.concatenate([part.vectors for part in parts]),
        title_vectors=np.concatenate([part.title_vectors for part in parts]),
        model=parts[0].model,
    )


def _published(told: Stream, night: datetime, days: int) -> Stream:
    """Return the articles as published within so many days before the night, at even distances."""
    step = timedelta(days=days) / (len(told.articles) + 1)
    dated = [replace(article, published_at=night - step * (n + 1)) for n, article in enumerate(told.articles)]
    return replace(told, articles=dated)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a row for each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--vectors", type=Path, metavar="FOLDER")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--new", type=int, default=NEW)
    parser.add_argument("--world", type=int, default=WORLD)
    given = parser.parse_args(arguments)

    print(f"{given.new} new articles after")
    print(f"{'so many':>8}{'linking':>10}{'CPU':>8}{'grouping':>10}{'CPU':>8}"
          f"{'links':>10}{'an article':>12}{'stories':>9}{'peak':>9}")  # fmt: skip
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        for one in pool.map(
            partial(measure, given.data, given.vectors, new=given.new, world=given.world), given.sizes
        ):
            steps = "".join(f"{one.night.seconds[step]:8.1f} s{one.night.cpu[step]:8.1f}" for step in STEPS)
            density = one.links / (one.window + given.new)
            print(
                f"{one.window:8}{steps}{one.links:10}{density:12.1f}{one.stories:9}{one.peak_gb:6.2f} GB", flush=True
            )


if __name__ == "__main__":
    main()
