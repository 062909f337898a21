"""Centred vectors -> the directions in which topics differ: the shipped projection, and how one is trained."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from newsclust.arrays import Vectors
from newsclust.centering import is_shipped_for

RESOURCE = "topic_projection_multilingual_e5_small"
MIN_COSINE_PROJECTED = 0.44  # from .42 to .45 B-cubed hardly changes, and 17 to 20 % of a first night stay outside
MIN_COSINE_PLAIN = 0.3  # where cosines of centred vectors fit labelled topics best
DIMENSIONS = 30
SHRINKAGE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledTopics:
    """The labelled stories of a few days: one centred vector of unit length and the name of one topic for each."""

    vectors: Vectors
    topics: Sequence[str]


def project(centred: Vectors, model: str, directions: Vectors | None = None) -> Vectors:
    """Return centred vectors of unit length in the directions in which topics differ, of unit length again.

    For the default model these are 30 learned ones, which ship with the package (`benchmarks/train_topics.py`
    makes them, the file beside them says from what), or the given ones (`train_projection`); vectors of any other
    model are returned as they are.
    """
    if not is_shipped_for(model) or not len(centred):
        return centred
    moved = centred @ (_shipped() if directions is None else directions)
    length = np.linalg.norm(moved, axis=1, keepdims=True)
    projected: Vectors = np.divide(moved, length, out=np.zeros_like(moved), where=length > 1e-6)
    return projected


def min_cosine(model: str) -> float:
    """Return the cosine to a topic's centroid from which a story outside belongs to it, for this model's vectors."""
    return MIN_COSINE_PROJECTED if is_shipped_for(model) else MIN_COSINE_PLAIN


def train_projection(sets: Sequence[LabelledTopics]) -> Vectors:
    """Return the directions learned from labelled stories, shape (dimensions of the vectors, `DIMENSIONS`).

    Within each set, topics are scattered around the set's mean (what the days have in common is no topic). The
    directions are those in which topics lie apart and stories of one topic do not: the generalised eigenvectors of
    the scatter between topics against that within them, the latter shrunk half-way to a sphere (linear discriminant
    analysis: Fisher 1936, Friedman 1989). They are not scaled by their eigenvalues.
    """
    from scipy.linalg import eigh

    size = sets[0].vectors.shape[1]
    within, between = np.zeros((size, size)), np.zeros((size, size))
    for labelled in sets:
        vectors = labelled.vectors.astype(np.float64)
        _, topic, stories = np.unique(labelled.topics, return_inverse=True, return_counts=True)
        centroids = np.zeros((len(stories), size))
        np.add.at(centroids, topic, vectors)
        centroids /= stories[:, None]
        inside = vectors - centroids[topic]
        apart = (centroids[topic] - vectors.mean(axis=0))[stories[topic] > 1]  # one story says nothing of its topic
        within += inside.T @ inside
        between += apart.T @ apart
    within = (1 - SHRINKAGE) * within + SHRINKAGE * np.trace(within) / size * np.eye(size)
    total = sum(len(labelled.topics) for labelled in sets)
    _, directions = eigh(between / total, within / total, subset_by_index=(size - DIMENSIONS, size - 1))
    learned = directions[:, ::-1]
    signs = np.sign(learned[np.abs(learned).argmax(axis=0), np.arange(DIMENSIONS)])  # eigenvectors have none
    trained: Vectors = (learned * signs).astype(np.float32)
    return trained


@cache
def _shipped() -> Vectors:
    """Return the projection that ships with the package, shape (384, `DIMENSIONS`)."""
    with resources.files("newsclust").joinpath(f"resources/{RESOURCE}.npy").open("rb") as file:
        projection: Vectors = np.load(file, allow_pickle=False)
        return projection
