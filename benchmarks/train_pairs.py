"""Train the shipped models of `PairModel` and `MergeClassifier`, and score them on windows they were not trained on.

    python -m benchmarks.train_pairs ../shared/data [--save]

Reads stories/tech_*.jsonl (six hand-labelled windows of tech news) and stream/*.jsonl.gz (what those outlets
published, unlabelled: word frequencies alone are learned from it). About six minutes on two cores, half of it
the embedding. The same input gives the same files.
"""

import argparse
import gzip
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from newsclust.centering import Part
from newsclust.evaluation.cross_validation import LabelledWindow, fold_models, out_of_fold
from newsclust.evaluation.datasets import read_set
from newsclust.evaluation.grouping import GroupingScores, grouped_stories, grouping_scores, mean_scores
from newsclust.evaluation.measures import grouping_score
from newsclust.evaluation.vectors import CachedEmbedder, window_of
from newsclust.model import WordCounts
from newsclust.settings import Settings
from newsclust.stories.clustering import (
    AverageLinkage,
    Clusterer,
    HdbscanClusterer,
    MergeClassifier,
    merge_classifier,
    merge_model,
)
from newsclust.stories.pairs import PairModel, classifier
from newsclust.stories.pairs.word_rarity import LEAD_CHARACTERS, count_words
from newsclust.text.html_to_text import html_to_text

ORIGIN = "six hand-labelled 3-day windows of tech news, EN and FR, March to May 2026, 2,330 items"
RESOURCES = Path(__file__).parents[1] / "src" / "newsclust" / "resources"


def frequencies_of(stream: Path) -> WordCounts:
    """Return the word frequencies of the stream; the same address in two scrapes counts once."""
    with gzip.open(stream, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    distinct = {row["url"]: row for row in reversed(rows)}
    texts = (
        (html_to_text(row["title"]), html_to_text(row["text"] or "")[:LEAD_CHARACTERS]) for row in distinct.values()
    )
    return count_words(texts, min_count=2)


def save_frequencies(table: WordCounts) -> None:
    held = {"documents": table.documents, "stems": table.stems, "written": table.case_counts}
    packed = gzip.compress(json.dumps(held, ensure_ascii=True, separators=(",", ":")).encode(), 9, mtime=0)
    (RESOURCES / "word_frequencies.json.gz").write_bytes(packed)
    print(
        f"word_frequencies.json.gz: {table.documents} documents, {len(table.stems)} stems, {len(packed) / 1e3:.0f} kB"
    )


def save_means(sets: Sequence[LabelledWindow]) -> None:
    """Write the mean vectors that centring takes away."""
    text = np.concatenate([one.window.vectors for one in sets]).mean(axis=0, dtype=np.float64)
    title = np.concatenate([one.window.title_vectors for one in sets]).mean(axis=0, dtype=np.float64)
    means = {Part.TEXT.value: text.astype(np.float32), Part.TITLE.value: title.astype(np.float32)}
    np.savez(RESOURCES / "means_multilingual_e5_small.npz", **means)


def told(name: str, rows: Sequence[GroupingScores]) -> GroupingScores:
    """Print one method's figures, and return their mean."""
    mean = mean_scores(rows)
    worst = min(row.pair for row in rows)
    print(
        f"  {name}: pairwise F1 {mean.pair:.3f} (worst {worst:.3f}, P {mean.pair_precision:.3f}, "
        f"R {mean.pair_recall:.3f}), B-cubed F1 {mean.b3:.3f}, EN-FR {mean.en_fr:.3f}, exact {mean.exact:.3f}",
        flush=True,
    )
    return mean


def save(name: str, learned: Mapping[str, Any], mean: GroupingScores) -> None:
    """Write one resource, with where it comes from and how well its kind does on windows it has not seen."""
    origin = {
        "made_by": "benchmarks/train_pairs.py",
        "made_on": datetime.now(UTC).date().isoformat(),
        "origin": ORIGIN,
        "left_out_pairwise_f1": round(mean.pair, 3),
        "left_out_b_cubed_f1": round(mean.b3, 3),
    }
    (RESOURCES / name).write_text(json.dumps(origin | dict(learned), indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Train, judge each window by models that have not seen it, and write what ships if asked to."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("data", type=Path, help="folder that holds stories/ and stream/")
    options.add_argument("--save", action="store_true", help="write the package's resources")
    options.add_argument("--cache", type=Path, default=Path("build/vectors"), help="where vectors are kept")
    chosen = options.parse_args()
    settings = Settings()
    embedder = CachedEmbedder(settings.embedder(), chosen.cache)
    files = sorted((chosen.data / "stories").glob("tech_*.jsonl"))
    sets = [
        LabelledWindow(one, window_of(one, embedder, characters=settings.embed.characters))
        for one in map(read_set, files)
    ]
    if chosen.save:
        save_frequencies(frequencies_of(next((chosen.data / "stream").glob("*.jsonl.gz"))))
        save_means(sets)
    nothing = np.zeros(len(merge_model.COLUMNS))
    blank = merge_model.MergeModel(
        coefficients=nothing, offset=0, feature_means=nothing, threshold=0.5, trained_on=frozenset()
    )
    fair = fold_models(PairModel(), MergeClassifier(model=blank), sets, train_anew=True)

    def judged(clusterer: Clusterer | None) -> list[GroupingScores]:
        return [
            grouping_scores(
                grouped_stories(one.window, judge.linker, clusterer or judge.clusterer),
                one.labelled.stories,
                one.labelled.languages,
            )
            for one, judge in zip(sets, fair, strict=True)
        ]

    print("Each window by models trained on the other five, everything learned from these alone:")
    for one, judge, row in zip(sets, fair, rows := judged(None), strict=True):
        told(f"{one.labelled.name}, threshold {getattr(judge.clusterer, 'threshold', None)}", [row])
    mean = told("learned joins", rows)
    print("The same links, cuts chosen by looking at all six:")
    for cut in (0.22, 0.26, 0.30, 0.34, 0.38):
        told(f"average linkage, cut {cut:.2f}", judged(AverageLinkage(cut=cut)))
    for weakest in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7):
        told(f"HDBSCAN on links from {weakest:.2f}", judged(HdbscanClusterer(min_probability=weakest)))
    if chosen.save:
        save("pair_model.json", classifier.train(sets).to_json(), mean)
        save(
            "merge_model.json", merge_classifier.train(out_of_fold(PairModel(), sets), grouping_score).to_json(), mean
        )


if __name__ == "__main__":
    main()
