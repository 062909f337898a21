"""Labelled stories -> the directions in which their topics differ."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DIMENSIONS = 30
SHRINKAGE = 0.5

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledTopics:
    """The labelled stories of a few days: one centred vector of unit length and the name of one topic for each."""

    vectors: Vectors
    topics: Sequence[str]


def train_projection(lessons: Sequence[LabelledTopics]) -> Vectors:
    """Return the directions learned from these lessons, dimensions of the vectors x `DIMENSIONS`.

    Within each lesson, topics are scattered around the lesson's mean (what the days have in common is no topic). The
    directions are those in which topics lie apart and stories of one topic do not: the generalised eigenvectors of
    the scatter between topics against that within them, the latter shrunk half-way to a sphere (linear discriminant
    analysis: Fisher 1936, Friedman 1989). They are not scaled by their eigenvalues.
    """
    from scipy.linalg import eigh

    size = lessons[0].vectors.shape[1]
    within, between = np.zeros((size, size)), np.zeros((size, size))
    for lesson in lessons:
        vectors = lesson.vectors.astype(np.float64)
        _, topic, stories = np.unique(lesson.topics, return_inverse=True, return_counts=True)
        centres = np.zeros((len(stories), size))
        np.add.at(centres, topic, vectors)
        centres /= stories[:, None]
        inside = vectors - centres[topic]
        apart = (centres[topic] - vectors.mean(axis=0))[stories[topic] > 1]  # one story says nothing of its topic
        within += inside.T @ inside
        between += apart.T @ apart
    within = (1 - SHRINKAGE) * within + SHRINKAGE * np.trace(within) / size * np.eye(size)
    told = sum(len(lesson.topics) for lesson in lessons)
    _, directions = eigh(between / told, within / told, subset_by_index=(size - DIMENSIONS, size - 1))
    learned = directions[:, ::-1]
    signs = np.sign(learned[np.abs(learned).argmax(axis=0), np.arange(DIMENSIONS)])  # eigenvectors have none
    trained: Vectors = (learned * signs).astype(np.float32)
    return trained
