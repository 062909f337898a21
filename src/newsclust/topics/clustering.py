"""Vectors + yesterday's topics -> tonight's topics: HDBSCAN finds new ones, cosines to centroids keep them.

HDBSCAN alone leaves two stories in five out and shuffles a quarter of the rest from one night to the next. So a
topic, once found, is its centroid, and one rule assigns the stories (as spherical k-means does). A story's score for
a topic is its cosine to the centroid, plus `STAY_BONUS` where the story was in that topic already; the score of being
in no topic is `min_cosine`. A story is assigned to the label with the highest score. A group that HDBSCAN found
becomes a topic when that raises the scores of its stories together. Measured: docs/experiments.md, "Topics".
"""

import math

import numpy as np

from newsclust.arrays import Floats, Integers

STAY_BONUS = 0.2  # added to the cosine of the topic that a story is in; from .1 to .25 B-cubed hardly changes
# A found group needs the square root of the number of stories over this, if that is more than `min_stories`.
MIN_SIZE_GROWTH = 4
_MAX_ROUNDS = 10  # of adding topics; two suffice on real nights
_MIN_GAIN = 1e-9  # a move must gain more than this, or rounding could move a story to and fro for ever


def cluster_topics(vectors: Floats, earlier: Integers, *, min_stories: int, min_cosine: float) -> Integers:
    """Return each row's label: its topic, numbered from 0 by their first rows, or -1 for none.

    `vectors` are rows of unit length, `earlier` the label of each row as yesterday left it (-1: in no topic).
    `min_cosine` is the cosine to a topic's centroid from which a row outside all topics enters it.
    """
    labels = _assign(vectors, earlier, earlier, min_stories, min_cosine)
    dense = _dense_groups(vectors, max(min_stories, round(math.sqrt(len(vectors)) / MIN_SIZE_GROWTH)))
    for _ in range(_MAX_ROUNDS):
        extended = _add_topics(vectors, labels, dense, min_cosine)
        assigned = _assign(vectors, extended, labels, min_stories, min_cosine)
        if np.array_equal(assigned, labels):
            break
        labels = assigned
    return labels


def _assign(vectors: Floats, labels: Integers, home: Integers, min_stories: int, min_cosine: float) -> Integers:
    """Return the labels, renumbered, when no story has a higher score elsewhere and no topic is too small.

    `home` is the topic in which each row gets the bonus for staying (-1: none), by the numbers of `labels`. This
    terminates: each move raises the story's score and each new centroid those of its stories together (as in
    spherical k-means), and a topic that was dissolved does not come back.
    """
    count = int(labels.max(initial=-1)) + 1
    at_home = np.flatnonzero(home >= 0)
    while (sizes := np.bincount(labels[labels >= 0], minlength=count)).any():
        scores = vectors @ _centroids(vectors, labels, count).T
        scores[at_home, home[at_home]] += STAY_BONUS
        inside = np.flatnonzero(labels >= 0)
        scores[inside, labels[inside]] += _MIN_GAIN
        scores[:, sizes == 0] = -np.inf
        assigned = np.where(scores.max(axis=1) >= min_cosine, scores.argmax(axis=1), -1)
        if np.array_equal(assigned, labels):
            smallest = np.where(sizes, sizes, len(labels)).argmin()
            if sizes[smallest] >= min_stories:
                break
            assigned[assigned == smallest] = -1
        labels = assigned
    return _renumbered(labels)


def _add_topics(vectors: Floats, labels: Integers, dense: Integers, min_cosine: float) -> Integers:
    """Return the labels with one more topic for every dense group whose stories score higher in it on average.

    Stories in a topic count with the bonus for staying, so that only a group which lies well apart splits a topic.
    """
    inside, count = np.flatnonzero(labels >= 0), int(labels.max(initial=-1)) + 1
    present = np.full(len(vectors), min_cosine)
    centroids = _centroids(vectors, labels, count)
    present[inside] = np.einsum("ij,ij->i", vectors[inside], centroids[labels[inside]]) + STAY_BONUS
    extended = labels.copy()
    for number, centroid in enumerate(_centroids(vectors, dense, int(dense.max(initial=-1)) + 1)):
        group = np.flatnonzero(dense == number)
        if (vectors[group] @ centroid - present[group]).mean() > 0:
            extended[group], count = count, count + 1
    return extended


def _dense_groups(vectors: Floats, min_size: int) -> Integers:
    """Return HDBSCAN's labels (Campello et al. 2013; McInnes et al. 2017), the larger groups where it can choose."""
    if len(vectors) < 2 * min_size:
        return np.full(len(vectors), -1)
    import hdbscan

    labels: Integers = hdbscan.HDBSCAN(min_cluster_size=min_size, min_samples=1).fit(vectors).labels_.astype(np.int64)
    return labels


def _centroids(vectors: Floats, labels: Integers, count: int) -> Floats:
    """Return the direction of the mean of each of `count` topics; of one without stories, zero."""
    sums = np.zeros((count, vectors.shape[1]))
    inside = labels >= 0
    np.add.at(sums, labels[inside], vectors[inside])
    centroids: Floats = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    return centroids


def _renumbered(labels: Integers) -> Integers:
    """Return the same topics, numbered from 0 by their first rows."""
    numbers, first = np.unique(labels[labels >= 0], return_index=True)
    renamed = np.full(labels.max(initial=-1) + 2, -1)  # its last one stays, for those outside
    renamed[numbers[np.argsort(first)]] = np.arange(len(numbers))
    return renamed[labels]
