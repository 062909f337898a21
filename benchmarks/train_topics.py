"""Train the projection that ships for topics, and say how well it does on windows that it has not seen.

Run: python -m benchmarks.train_topics ../shared/data/stories [--save] (two minutes, most of them for embedding).
The sets are JSON Lines with `title`, `text`, `story`, `topic`, `published`; every file `tech_*.jsonl` is a window.

Within each window, labelled topics are scattered around the window's mean (what windows have in common is no
topic). The projection holds the directions in which topics lie apart and stories of one topic do not: the
generalised eigenvectors of the scatter between topics against that within them, the latter shrunk half-way to a
sphere (linear discriminant analysis: Fisher 1936, Friedman 1989). Eigenvectors are not scaled by their values.
"""

import argparse
import json
import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from newsclust import topics
from newsclust.centring import centre
from newsclust.embed import SentenceTransformerEmbedder, embedding_text
from newsclust.evaluate.measures import b_cubed
from newsclust.topics import projection, themes

DIMENSIONS = 30
SHRINKAGE = 0.5
CHARACTERS = 300
MIN_STORIES = 3
RESOURCES = Path(topics.__file__).parents[1] / "resources"

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The labelled stories of a few days: a centred vector and a topic each."""

    name: str
    days: tuple[str, str]
    articles: int
    vectors: Vectors
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How the topics found in one window agree with its labels; stories outside are topics of their own."""

    b_cubed: float
    outside: float
    found: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures of each window, left out in turn; with --save, write the projection trained on all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stories", type=Path, help="folder with tech_*.jsonl")
    parser.add_argument("--save", action="store_true", help=f"write {projection.RESOURCE}.npy and .json")
    given = parser.parse_args(arguments)
    embedder = SentenceTransformerEmbedder()
    windows = [read_window(path, embedder) for path in sorted(given.stories.glob("tech_*.jsonl"))]
    if len(windows) < 2:
        parser.error(f"{given.stories}: fewer than two files tech_*.jsonl")

    figures = []
    for left_out in windows:
        learned = train([window for window in windows if window is not left_out])
        figures.append(judge(left_out, learned))
        print(f"{left_out.name}: B-cubed F1 {figures[-1].b_cubed:.3f}, {figures[-1].outside:.0%} outside, "
              f"{figures[-1].found} topics")  # fmt: skip
    mean, worst = statistics.mean(f.b_cubed for f in figures), min(f.b_cubed for f in figures)
    outside = statistics.mean(f.outside for f in figures)
    print(f"left out in turn: B-cubed F1 mean {mean:.3f}, worst {worst:.3f}; {outside:.0%} outside")
    if given.save:
        np.save(RESOURCES / f"{projection.RESOURCE}.npy", train(windows), allow_pickle=False)
        told = {
            "model": embedder.name,
            "made_by": "benchmarks/train_topics.py",
            "trained_on": "hand-labelled windows of English and French tech news of 24 outlets; "
            "no text is kept in these numbers",
            "windows": [
                {"from": w.days[0], "to": w.days[1], "articles": w.articles, "stories": len(w.labels)}
                for w in windows
            ],
            "dimensions": DIMENSIONS,
            "shrinkage": SHRINKAGE,
            "left_out_b_cubed_f1": {"mean": round(mean, 3), "worst": round(worst, 3)},
            "left_out_outside": round(outside, 3),
        }
        (RESOURCES / f"{projection.RESOURCE}.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def read_window(path: Path, embedder: SentenceTransformerEmbedder) -> Window:
    """Return the stories of one labelled file; a story's topic is that of most of its articles."""
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    vectors = embedder.embed([embedding_text(row["title"], row["text"], characters=CHARACTERS) for row in rows])
    members: dict[str, list[int]] = defaultdict(list)
    for position, row in enumerate(rows):
        members[row["story"]].append(position)
    means = np.array([vectors[places].mean(axis=0) for places in members.values()], np.float32)
    names = [Counter(sorted(rows[i]["topic"] for i in places)).most_common(1)[0][0] for places in members.values()]
    days = sorted(row["published"][:10] for row in rows)
    return Window(
        name=path.stem,
        days=(days[0], days[-1]),
        articles=len(rows),
        vectors=centre(means, embedder.name),
        labels=np.unique(names, return_inverse=True)[1],
    )


def train(windows: Sequence[Window]) -> Vectors:
    """Return the projection learned from these windows, dimensions of the model x `DIMENSIONS`."""
    from scipy.linalg import eigh

    size = windows[0].vectors.shape[1]
    within, between = np.zeros((size, size)), np.zeros((size, size))
    for window in windows:
        vectors = window.vectors.astype(np.float64)
        for label in np.unique(window.labels):
            own = vectors[window.labels == label]
            middle = own.mean(axis=0)
            within += (own - middle).T @ (own - middle)
            if len(own) > 1:
                between += len(own) * np.outer(middle - vectors.mean(axis=0), middle - vectors.mean(axis=0))
    within = (1 - SHRINKAGE) * within + SHRINKAGE * np.trace(within) / size * np.eye(size)
    stories = sum(len(window.labels) for window in windows)
    _, directions = eigh(between / stories, within / stories)
    learned = directions[:, ::-1][:, :DIMENSIONS]
    signs = np.sign(learned[np.abs(learned).argmax(axis=0), np.arange(DIMENSIONS)])  # eigenvectors have none
    return (learned * signs).astype(np.float32)


def judge(window: Window, learned: Vectors) -> Figures:
    """Return the figures of the topics that a first night finds in this window."""
    projected = window.vectors @ learned
    projected /= np.linalg.norm(projected, axis=1, keepdims=True)
    outside = np.full(len(projected), -1)
    near = projection.NEAR_PROJECTED
    places = themes.find_themes(projected.astype(np.float64), outside, min_stories=MIN_STORIES, near=near)
    alone = np.where(places < 0, len(places) + np.arange(len(places)), places)
    return Figures(
        b_cubed=b_cubed(alone.tolist(), window.labels.tolist()).f1,
        outside=float((places < 0).mean()),
        found=int(places.max(initial=-1)) + 1,
    )


if __name__ == "__main__":
    main()
