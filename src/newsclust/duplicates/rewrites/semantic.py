"""Sentence vectors of two texts -> which sentences say the same, in which order."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from newsclust.arrays import Vectors
from newsclust.centering import is_shipped_for

MIN_ALIGNED_COSINE = 0.35  # centred cosine from which sentences may be aligned
PRIOR_SENTENCES = 4.0  # the mean of a text's language weighs as much as so many of its sentences

_BEADS = ((1, 1), (1, 2), (2, 1))  # sentences of the left and of the right text that say the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """How far a text says what the other says; all of it about the `sentences` of the shorter."""

    sentences: int
    aligned: int  # in the alignment
    closeness: float  # mean centred cosine of the alignment, over all sentences: 0 where one is not aligned
    ordered: int  # the longest chain of mutual nearest neighbours that is in order


@cache
def shipped_sentence_means(model: str) -> dict[str, Vectors]:
    """Return the mean sentence vector of each language, shape (dimensions,), for the model that it ships for.

    The means of the default model are known for English and French. For other languages and models a text's own mean
    stands alone.
    """
    if not is_shipped_for(model):
        return {}
    file = resources.files("newsclust").joinpath("resources/sentence_means_multilingual_e5_small.npz")
    with file.open("rb") as opened, np.load(opened, allow_pickle=False) as means:
        return {language: means[language] for language in means.files}


def center_sentences(vectors: Vectors, language_mean: Vectors | None) -> Vectors:
    """Return the sentences' unit vectors without what all sentences of the text have in common.

    Texts on one event are all alike. What is subtracted is the text's own mean, shrunk towards that of its language
    because a handful of sentences has no reliable mean.
    """
    mean = vectors.mean(axis=0)
    if language_mean is not None:
        mean = (mean * len(vectors) + language_mean * PRIOR_SENTENCES) / (len(vectors) + PRIOR_SENTENCES)
    return _unit_rows(vectors - mean)


def measure_alignment(short: Vectors, long: Vectors) -> Alignment:
    """Return how far the shorter text says what the longer says; rows are centred sentences."""
    beads = align(short, long)
    return Alignment(
        sentences=len(short),
        aligned=sum(size for size, _ in beads),
        closeness=sum(size * cosine for size, cosine in beads) / len(short),
        ordered=_longest_increasing(_mutual_nearest(short @ long.T)),
    )


def align(left: Vectors, right: Vectors) -> list[tuple[int, float]]:
    """Return (sentences of `left`, cosine) of each bead of the best in-order alignment.

    The best one has the largest total cosine above `MIN_ALIGNED_COSINE`. A bead joins one sentence with one or two
    (Gale and Church 1993; with vectors Thompson and Koehn 2019); a sentence may stay without.
    """
    cosines = {(p, q): _merged(left, p) @ _merged(right, q).T for p, q in _BEADS}
    gains = {(p, q): ((cosine - MIN_ALIGNED_COSINE) * ((p + q) / 2)).tolist() for (p, q), cosine in cosines.items()}
    best = [[0.0] * (len(right) + 1) for _ in range(len(left) + 1)]
    steps = [[(0, 0)] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i in range(1, len(left) + 1):
        for j in range(1, len(right) + 1):
            total, step = max((best[i - 1][j], (1, 0)), (best[i][j - 1], (0, 1)))
            for p, q in _BEADS:
                if i >= p and j >= q and (gain := gains[p, q][i - p][j - q]) > 0:
                    with_bead = best[i - p][j - q] + gain
                    if with_bead > total:
                        total, step = with_bead, (p, q)
            best[i][j], steps[i][j] = total, step
    beads = []
    i, j = len(left), len(right)
    while i and j:
        p, q = steps[i][j]
        i, j = i - p, j - q
        if p and q:
            beads.append((p, float(cosines[p, q][i, j])))
    return beads[::-1]


def _merged(vectors: Vectors, sentences: int) -> Vectors:
    """Return the unit vectors of one sentence each, or of two neighbouring sentences together."""
    return vectors if sentences == 1 else _unit_rows(vectors[:-1] + vectors[1:])


def _mutual_nearest(cosines: Vectors) -> list[int]:
    """Return the columns that are a row's nearest and whose nearest that row is, in order of rows.

    Cosines up to `MIN_ALIGNED_COSINE` do not count.
    """
    best, best_back = cosines.argmax(axis=1), cosines.argmax(axis=0)
    return [int(j) for i, j in enumerate(best) if best_back[j] == i and cosines[i, j] > MIN_ALIGNED_COSINE]


def _longest_increasing(values: Sequence[int]) -> int:
    """Return the length of the longest increasing subsequence (patience sorting, Schensted 1961)."""
    ends: list[int] = []
    for value in values:
        position = bisect_left(ends, value)
        ends[position : position + 1] = [value]
    return len(ends)


def _unit_rows(vectors: Vectors) -> Vectors:
    """Return vectors of unit length; one that is nothing but rounding becomes zero."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 1e-6)
    return unit
