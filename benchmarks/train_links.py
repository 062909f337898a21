"""Trains what `newsclust.links.PairModel` ships with, and says how well it does on windows it has not seen.

    python -m benchmarks.train_links ../shared/data [--save]

Reads stories/tech_*.jsonl (six hand-labelled windows of tech news) and stream/*.jsonl.gz (what those outlets
published, unlabelled: word frequencies alone are learned from it). About three minutes on two cores, most of it
the embedding. The same input gives the same files.
"""

import argparse
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from newsclust.evaluate.grouping import figures, mean_of
from newsclust.evaluate.sets import read_set
from newsclust.evaluate.vectors import KeptVectors, embedded
from newsclust.extract import html_text
from newsclust.links.evidence import LEAD
from newsclust.links.pair_model import PairModel, train
from newsclust.links.words import Frequencies, count
from newsclust.settings import Settings
from newsclust.stories import AverageLinkage

RESOURCES = Path(__file__).parents[1] / "src" / "newsclust" / "resources"


def frequencies_of(stream: Path) -> Frequencies:
    """Return the word frequencies of the stream; the same address in two scrapes counts once."""
    with gzip.open(stream, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    distinct = {row["url"]: row for row in reversed(rows)}
    return count((html_text(row["title"]), html_text(row["text"] or "")[:LEAD]) for row in distinct.values())


def save_frequencies(table: Frequencies) -> None:
    held = {"documents": table.documents, "stems": table.stems, "written": table.written}
    packed = gzip.compress(json.dumps(held, ensure_ascii=True, separators=(",", ":")).encode(), 9, mtime=0)
    (RESOURCES / "word_frequencies.json.gz").write_bytes(packed)
    print(
        f"word_frequencies.json.gz: {table.documents} documents, {len(table.stems)} stems, {len(packed) / 1e3:.0f} kB"
    )


def main() -> None:
    """Train, judge each window by a model that has not seen it, and write what ships if asked to."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("data", type=Path, help="folder that holds stories/ and stream/")
    options.add_argument("--save", action="store_true", help="write the package's resources")
    options.add_argument("--cache", type=Path, default=Path("build/vectors"), help="where vectors are kept")
    chosen = options.parse_args()
    if chosen.save:
        save_frequencies(frequencies_of(next((chosen.data / "stream").glob("*.jsonl.gz"))))
    settings = Settings()
    embedder = KeptVectors(settings.embedder(), chosen.cache)
    sets = [read_set(file) for file in sorted((chosen.data / "stories").glob("tech_*.jsonl"))]
    lessons = [(one, embedded(one, embedder, characters=settings.embed.characters)) for one in sets]
    cuts = np.round(np.arange(0.2, 0.46, 0.02), 2).tolist()
    found = {cut: [] for cut in cuts}
    for own, vectors in lessons:
        model = PairModel(weights=train([lesson for lesson in lessons if lesson[0] is not own]))
        links = model.link(own.articles, vectors, embedder.name)
        ids = [article.id for article in own.articles]
        for cut in cuts:
            story = {a: min(group) for group in AverageLinkage(cut=cut).cluster(ids, links) for a in group}
            languages = [article.language for article in own.articles]
            found[cut].append(figures([story[i] for i in ids], own.stories or (), languages))
    print("Each window by a model trained on the other five:")
    for cut, rows in found.items():
        mean = mean_of(rows)
        worst = min(row.pair for row in rows)
        print(
            f"  cut {cut:.2f}: pairwise F1 {mean.pair:.3f} (worst {worst:.3f}), "
            f"B-cubed F1 {mean.b3:.3f}, EN-FR {mean.en_fr:.3f}"
        )
    nested = [
        found[max(cuts, key=lambda cut: np.mean([found[cut][v].pair + 2 * found[cut][v].b3 for v in others]))][w]
        for w in range(len(lessons))
        for others in [[v for v in range(len(lessons)) if v != w]]
    ]
    mean = mean_of(nested)
    print(
        f"  cut chosen on the other five: pairwise F1 {mean.pair:.3f} (worst {min(n.pair for n in nested):.3f}), "
        f"B-cubed F1 {mean.b3:.3f}, EN-FR {mean.en_fr:.3f}"
    )
    if chosen.save:
        origin = {
            "made_by": "benchmarks/train_links.py",
            "made_on": datetime.now(UTC).date().isoformat(),
            "origin": "six hand-labelled 3-day windows of tech news, EN and FR, March to May 2026, 2,330 items",
            "left_out_pairwise_f1": round(mean.pair, 3),
            "left_out_b_cubed_f1": round(mean.b3, 3),
        }
        held = origin | train(lessons).to_json()
        (RESOURCES / "pair_model.json").write_text(json.dumps(held, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
