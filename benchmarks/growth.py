"""How grouping grows with the window: `python -m benchmarks.growth DATA [--vectors FOLDER] [--sizes 1000 ... 50000]`.

DATA and FOLDER are those of `benchmarks.replay`. For each size a fresh database, in a process of its own, is given so
many articles on four nights, then a thousand more on a fifth; what the fifth takes is printed. All are published
within five days, so that each is compared with all: the real articles first, in random order, then the same again as
often as needed, each time as a world of its own. There every rare word is another one and all vectors are turned in
one common way about the mean of news: an article has as many links in its world as among the real ones, and hardly
any beyond.
"""

import argparse
import re
import resource
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.night import uncentred
from benchmarks.replay import Stream, live, opened, read_articles, with_vectors
from newsclust.centring import Part, centre, shipped_mean
from newsclust.embed import SentenceTransformerEmbedder
from newsclust.links.words import shipped_counts, stem, words_of
from newsclust.model import Article, id_of

STEPS = ("link_articles", "group_stories")
SIZES = (1000, 2000, 4000, 8000, 16_000, 32_000, 50_000)
NEW = 1000
EARLIER_NIGHTS = 4
LAST_NIGHT = datetime(2026, 3, 10, 3, 30, tzinfo=UTC)
COMMON = 0.01  # share of the articles from which a stem belongs to the language, not to a subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A night of new articles after so many in the window."""

    window: int
    linking: float  # seconds
    grouping: float
    links: int
    stories: int
    peak_gb: float


def repeated(real: Stream, count: int) -> Stream:
    """Return so many articles: the real ones in random order, then further worlds of them."""
    order = np.random.default_rng(0).permutation(len(real.articles))
    worlds = []
    for number in range(-(-count // len(order))):
        rest = count - number * len(order)
        worlds.append(_world(real.part(order[:rest].tolist()), number))
    return Stream(
        articles=[article for world in worlds for article in world.articles],
        vectors=np.concatenate([world.vectors for world in worlds]),
        title_vectors=np.concatenate([world.title_vectors for world in worlds]),
        model=real.model,
    )


def _world(real: Stream, number: int) -> Stream:
    """Return the articles as they are in another world; those of world 0 are real."""
    if not number:
        return real
    rng = np.random.default_rng((1, number))
    turn, _ = np.linalg.qr(rng.normal(size=(real.vectors.shape[1], real.vectors.shape[1])))

    def turned(vectors: NDArray[np.float32], part: Part) -> NDArray[np.float32]:
        moved = centre(vectors, real.model, part).astype(np.float64) @ turn
        return uncentred(moved, shipped_mean(part).astype(np.float64)).astype(np.float32)

    return Stream(
        articles=[
            replace(
                article,
                id=id_of(article.id, str(number)),
                url=f"{article.url}#{number}",
                title=_renamed(article.title, number),
                text=_renamed(article.text[:1000], number),
            )
            for article in real.articles
        ],
        vectors=turned(real.vectors, Part.TEXT),
        title_vectors=turned(real.title_vectors, Part.TITLE),
        model=real.model,
    )


def _renamed(text: str, number: int) -> str:
    """Return the text with each rare word replaced by one of another world, written with the same capital."""
    counts = shipped_counts()
    letters = "".join(chr(ord("a") + int(digit)) for digit in str(number))

    def other(found: re.Match[str]) -> str:
        word = found[0]
        known = words_of(word)
        if not known or counts.stems.get(stem(known[0].folded), 0) >= COMMON * counts.documents:
            return word
        return f"{word[0]}q{letters}{word[1:]}"

    return re.sub(r"[^\W_]+", other, text)


def measure(data: Path, vectors: Path | None, size: int, new: int) -> Measured:
    """Return what a night with new articles takes after four nights that left so many in the window."""
    real = with_vectors(read_articles(data), SentenceTransformerEmbedder(), vectors)
    stream = repeated(real, size + new)
    ends = [round(size * night / EARLIER_NIGHTS) for night in range(EARLIER_NIGHTS + 1)] + [size + new]
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder), "growth") as db:
        for night in range(EARLIER_NIGHTS + 1):
            now = LAST_NIGHT - timedelta(days=EARLIER_NIGHTS - night)
            part = stream.part(range(ends[night], ends[night + 1]))
            last = live(db, now, replace(part, articles=list(_published(part.articles, now))), STEPS)
        links = db.rows("SELECT count(*) AS n FROM links")[0]["n"]
        stories = db.rows("SELECT count(*) AS n FROM stories WHERE state = 'living'")[0]["n"]
    return Measured(
        window=size,
        linking=last.seconds["link_articles"],
        grouping=last.seconds["group_stories"],
        links=links,
        stories=stories,
        peak_gb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    )


def _published(articles: Sequence[Article], night: datetime) -> Iterator[Article]:
    """Yield the articles as published within the day before the night, at even distances."""
    for place, article in enumerate(articles):
        yield replace(article, published_at=night - timedelta(days=(place + 1) / (len(articles) + 1)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a row for each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--vectors", type=Path, metavar="FOLDER")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--new", type=int, default=NEW)
    given = parser.parse_args(arguments)

    print(f"{given.new} new articles after")
    print(f"{'so many':>8}{'linking':>10}{'grouping':>10}{'links':>10}{'an article':>12}{'stories':>9}{'peak':>9}")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        for one in pool.map(partial(measure, given.data, given.vectors, new=given.new), given.sizes):
            density = one.links / (one.window + given.new)
            print(
                f"{one.window:8}{one.linking:8.1f} s{one.grouping:8.1f} s{one.links:10}{density:12.1f}{one.stories:9}"
                f"{one.peak_gb:6.2f} GB",
                flush=True,
            )


if __name__ == "__main__":
    main()
