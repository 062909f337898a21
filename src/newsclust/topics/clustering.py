"""Vectors + yesterday's themes -> tonight's themes: HDBSCAN founds them, nearness keeps them.

HDBSCAN alone leaves two stories in five out and shuffles a quarter of the rest from one night to the next. So
a theme, once founded, is its centre, and one rule settles the rest: a place is worth a story's cosine to the
theme's centre, `STAY` more where the story is at home already, and `near` outside all themes. A story takes the
place that is worth most, and a found group becomes a theme when that is worth more to its stories together.
Measured: docs/experiments.md, "Topics".
"""

import math

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float64]
Places = NDArray[np.int64]

STAY_BONUS = 0.2  # what being at home is worth to a story, as a cosine; from .1 to .25 B-cubed hardly changes
MIN_SIZE_GROWTH = (
    4  # a group that founds a theme has the square root of all stories over this, if that is more than asked
)
_MAX_ROUNDS = 10  # rounds; two suffice on real nights
_MIN_GAIN = 1e-9  # a move must be worth more than this, or rounding could send a story to and fro for ever


def cluster_topics(vectors: Vectors, earlier: Places, *, min_stories: int, near: float) -> Places:
    """Return each row's theme, numbered from 0 by their first rows, -1 outside all.

    `vectors` are rows of unit length, `earlier` the theme of each row as yesterday left it (-1: in none). `near`
    is the cosine to a theme's centre that a row outside needs to enter: it is what being outside is worth.
    """
    places = _assign(vectors, earlier, earlier, min_stories, near)
    found = _dense_groups(vectors, max(min_stories, round(math.sqrt(len(vectors)) / MIN_SIZE_GROWTH)))
    for _ in range(_MAX_ROUNDS):
        founded = _assign(vectors, _add_topics(vectors, places, found, near), places, min_stories, near)
        if np.array_equal(founded, places):
            break
        places = founded
    return places


def _assign(vectors: Vectors, places: Places, home: Places, min_stories: int, near: float) -> Places:
    """Return the places, numbered anew, when no story is better off elsewhere and no theme is too small.

    `home` is the theme in which each row is at home (-1: in none), by the numbers of `places`. This ends: each move
    is worth more to its story and each new centre to its stories together (as in spherical k-means), and a theme
    that was dissolved does not come back.
    """
    count = int(places.max(initial=-1)) + 1
    at_home = np.flatnonzero(home >= 0)
    while (sizes := np.bincount(places[places >= 0], minlength=count)).any():
        worth = vectors @ _centroids(vectors, places, count).T
        worth[at_home, home[at_home]] += STAY_BONUS
        inside = np.flatnonzero(places >= 0)
        worth[inside, places[inside]] += _MIN_GAIN
        worth[:, sizes == 0] = -np.inf
        settled = np.where(worth.max(axis=1) >= near, worth.argmax(axis=1), -1)
        if np.array_equal(settled, places):
            smallest = np.where(sizes, sizes, len(places)).argmin()
            if sizes[smallest] >= min_stories:
                break
            settled[settled == smallest] = -1
        places = settled
    return _renumbered(places)


def _add_topics(vectors: Vectors, places: Places, found: Places, near: float) -> Places:
    """Return the places with a theme more for every found group that is worth more to its stories than these are.

    They are at home where they are, so that only a group which lies well apart parts a theme.
    """
    inside, count = np.flatnonzero(places >= 0), int(places.max(initial=-1)) + 1
    present = np.full(len(vectors), near)
    centres = _centroids(vectors, places, count)
    present[inside] = np.einsum("ij,ij->i", vectors[inside], centres[places[inside]]) + STAY_BONUS
    founded = places.copy()
    for number, centre in enumerate(_centroids(vectors, found, int(found.max(initial=-1)) + 1)):
        group = np.flatnonzero(found == number)
        if (vectors[group] @ centre - present[group]).mean() > 0:
            founded[group], count = count, count + 1
    return founded


def _dense_groups(vectors: Vectors, smallest: int) -> Places:
    """Return HDBSCAN's groups (Campello et al. 2013; McInnes et al. 2017), the larger ones where it can choose."""
    if len(vectors) < 2 * smallest:
        return np.full(len(vectors), -1)
    import hdbscan

    labels: Places = hdbscan.HDBSCAN(min_cluster_size=smallest, min_samples=1).fit(vectors).labels_.astype(np.int64)
    return labels


def _centroids(vectors: Vectors, places: Places, count: int) -> Vectors:
    """Return the direction of the mean of each of `count` themes; of one without stories, zero."""
    sums = np.zeros((count, vectors.shape[1]))
    inside = places >= 0
    np.add.at(sums, places[inside], vectors[inside])
    centres: Vectors = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    return centres


def _renumbered(places: Places) -> Places:
    """Return the same themes, numbered from 0 by their first rows."""
    numbers, first = np.unique(places[places >= 0], return_index=True)
    renamed = np.full(places.max(initial=-1) + 2, -1)  # its last one stays, for those outside
    renamed[numbers[np.argsort(first)]] = np.arange(len(numbers))
    return renamed[places]
