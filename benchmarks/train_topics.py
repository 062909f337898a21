"""Train the shipped projection of topics, and score it on windows that it was not trained on.

    python -m benchmarks.train_topics ../shared/data/stories [--save]

Every file `tech_*.jsonl` of the folder is a labelled window, as `newsclust evaluate` reads it. Two to five minutes,
most of them for embedding; none of these when the vectors are cached from an earlier run.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from newsclust.evaluation.cross_validation import MIN_TRAINING_SETS, LabelledWindow
from newsclust.evaluation.datasets import read_set
from newsclust.evaluation.topics import (
    TopicScores,
    days_of,
    mean_topic_scores,
    topic_folds,
    topic_scores,
    training_set,
)
from newsclust.evaluation.vectors import CachedEmbedder, window_of
from newsclust.settings import Settings
from newsclust.topics import projection
from newsclust.topics.projection import DIMENSIONS, SHRINKAGE, train_projection

ORIGIN = "hand-labelled windows of English and French tech news of 24 outlets; no text is kept in these numbers"
RESOURCES = Path(projection.__file__).parents[1] / "resources"


def left_out_figures(sets: Sequence[LabelledWindow], min_stories: int) -> list[TopicScores]:
    """Return the figures of what a first night finds in each set, by directions learned from the others."""
    return [
        topic_scores(
            one.labelled,
            one.labelled.stories,
            one.window.vectors,
            one.window.model,
            min_stories=min_stories,
            directions=judge.directions,
        )
        for one, judge in zip(sets, topic_folds(sets, [True] * len(sets)), strict=True)
    ]


def save(sets: Sequence[LabelledWindow], rows: Sequence[TopicScores]) -> None:
    """Write the directions learned from all sets, with where they come from and how well their kind does."""
    np.save(
        RESOURCES / f"{projection.RESOURCE}.npy",
        train_projection([training_set(one) for one in sets]),
        allow_pickle=False,
    )
    told = {
        "model": sets[0].window.model,
        "made_by": "benchmarks/train_topics.py",
        "trained_on": ORIGIN,
        "windows": [
            {
                "from": days_of(one.labelled)[0],
                "to": days_of(one.labelled)[1],
                "articles": len(one.labelled.articles),
                "stories": len(set(one.labelled.stories)),
            }
            for one in sets
        ],
        "dimensions": DIMENSIONS,
        "shrinkage": SHRINKAGE,
        "left_out_b_cubed_f1": {
            "mean": round(mean_topic_scores(rows).b3, 3),
            "worst": round(min(r.b3 for r in rows), 3),
        },
        "left_out_outside": round(mean_topic_scores(rows).outside, 3),
    }
    (RESOURCES / f"{projection.RESOURCE}.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures of each window, left out in turn; with --save, write the projection trained on all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stories", type=Path, help="folder with tech_*.jsonl")
    parser.add_argument("--save", action="store_true", help=f"write {projection.RESOURCE}.npy and .json")
    parser.add_argument("--cache", type=Path, default=Path("build/vectors"), help="where vectors are kept")
    given = parser.parse_args(arguments)
    settings = Settings()
    embedder = CachedEmbedder(settings.embedder(), given.cache)
    files = sorted(given.stories.glob("tech_*.jsonl"))
    if len(files) <= MIN_TRAINING_SETS:
        parser.error(f"{given.stories}: {len(files)} files tech_*.jsonl, {MIN_TRAINING_SETS + 1} are needed")
    sets = [
        LabelledWindow(one, window_of(one, embedder, characters=settings.embed.characters))
        for one in map(read_set, files)
    ]
    rows = left_out_figures(sets, settings.topics.min_stories)
    for one, row in zip(sets, rows, strict=True):
        print(f"{one.labelled.name}: B-cubed F1 {row.b3:.3f}, {row.outside:.0%} outside, {row.topics} topics")
    mean = mean_topic_scores(rows)
    worst = min(row.b3 for row in rows)
    print(f"left out in turn: B-cubed F1 mean {mean.b3:.3f}, worst {worst:.3f}; {mean.outside:.0%} outside")
    if given.save:
        save(sets, rows)


if __name__ == "__main__":
    main()
