"""Sentence vectors of two texts -> which sentences say the same, in which order."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from newsclust.centering import is_shipped_for

Vectors = NDArray[np.float32]

MIN_ALIGNED_COSINE = 0.35  # centred cosine from which sentences may be aligned
PRIOR_SENTENCES = 4.0  # a text's own mean counts as so many sentences of its language's

_BEADS = ((1, 1), (1, 2), (2, 1))  # sentences of the one and of the other that say the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """How far a text says what the other says; all of it about the `sentences` of the shorter."""

    sentences: int
    aligned: int  # in the alignment
    closeness: float  # mean centred cosine of the alignment, over all sentences: 0 where one is not aligned
    ordered: int  # the longest chain of mutual best matches that is in order


@cache
def shipped_sentence_means(model: str) -> dict[str, Vectors]:
    """Return the mean sentence vector of each language, shape (dimensions,), for the model that it ships for.

    That of the default model is known for English and French. Where it is not known, a text's own mean stands alone.
    """
    if not is_shipped_for(model):
        return {}
    file = resources.files("newsclust").joinpath("resources/sentence_centres_multilingual_e5_small.npz")
    with file.open("rb") as opened, np.load(opened, allow_pickle=False) as centres:
        return {language: centres[language] for language in centres.files}


def center_sentences(vectors: Vectors, centre: Vectors | None) -> Vectors:
    """Return what each sentence says for itself: unit vectors without what all of the text says.

    Texts on one event are all alike; what is taken away is the text's own mean, drawn towards that of its language
    because a handful of sentences has no mean to speak of.
    """
    mean = vectors.mean(axis=0)
    if centre is not None:
        mean = (mean * len(vectors) + centre * PRIOR_SENTENCES) / (len(vectors) + PRIOR_SENTENCES)
    return _unit(vectors - mean)


def measure_alignment(one: Vectors, other: Vectors) -> Alignment:
    """Return how far the shorter text `one` says what the longer `other` says; rows are centred sentences."""
    beads = align(one, other)
    return Alignment(
        sentences=len(one),
        aligned=sum(size for size, _ in beads),
        closeness=sum(size * cosine for size, cosine in beads) / len(one),
        ordered=_longest_increasing(_mutual_nearest(one @ other.T)),
    )


def align(one: Vectors, other: Vectors) -> list[tuple[int, float]]:
    """Return (sentences of `one`, cosine) of each bead of the in-order alignment of most total cosine above `MATCH`.

    A bead joins one sentence with one or two (Gale and Church 1993; with vectors Thompson and Koehn 2019); a sentence
    may stay without.
    """
    cosines = {(p, q): _joined(one, p) @ _joined(other, q).T for p, q in _BEADS}
    gains = {(p, q): ((cosine - MIN_ALIGNED_COSINE) * ((p + q) / 2)).tolist() for (p, q), cosine in cosines.items()}
    best = [[0.0] * (len(other) + 1) for _ in range(len(one) + 1)]
    steps = [[(0, 0)] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            total, step = max((best[i - 1][j], (1, 0)), (best[i][j - 1], (0, 1)))
            for p, q in _BEADS:
                if i >= p and j >= q and (gain := gains[p, q][i - p][j - q]) > 0:
                    with_bead = best[i - p][j - q] + gain
                    if with_bead > total:
                        total, step = with_bead, (p, q)
            best[i][j], steps[i][j] = total, step
    beads = []
    i, j = len(one), len(other)
    while i and j:
        p, q = steps[i][j]
        i, j = i - p, j - q
        if p and q:
            beads.append((p, float(cosines[p, q][i, j])))
    return beads[::-1]


def _joined(vectors: Vectors, sentences: int) -> Vectors:
    """Return the directions of so many neighbouring sentences together."""
    return vectors if sentences == 1 else _unit(vectors[:-1] + vectors[1:])


def _mutual_nearest(cosines: NDArray[np.float32]) -> list[int]:
    """Return the column of each row that is its best and whose best it is, above `MATCH`, in order of rows."""
    best, best_back = cosines.argmax(axis=1), cosines.argmax(axis=0)
    return [int(j) for i, j in enumerate(best) if best_back[j] == i and cosines[i, j] > MIN_ALIGNED_COSINE]


def _longest_increasing(values: Sequence[int]) -> int:
    """Return the length of the longest rising subsequence (patience sorting, Schensted 1961)."""
    ends: list[int] = []
    for value in values:
        place = bisect_left(ends, value)
        ends[place : place + 1] = [value]
    return len(ends)


def _unit(vectors: Vectors) -> Vectors:
    """Return vectors of unit length; what is nothing but rounding becomes zero."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 1e-6)
    return unit
