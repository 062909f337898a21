"""Vectors + yesterday's themes -> tonight's themes: HDBSCAN founds them, nearness keeps them.

HDBSCAN alone leaves two stories in five out and shuffles a quarter of the rest from one night to the next. So
a theme, once founded, is its centre: stories belong to the nearest centre, and a story that has a theme leaves it
only for one that is clearly nearer. Measured: docs/experiments.md, "Topics".
"""

import math

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float64]
Places = NDArray[np.int64]

STAY = 0.15  # how much nearer another centre, or the outside, must be for a story to leave its theme
GAIN = 0.1  # how much nearer its stories must come, on average, for a found group to become a theme
GROWTH = 4  # a group that founds a theme has the square root of all stories over this, if that is more than asked
_FOUNDINGS = 10  # rounds; two suffice on real nights


def find_themes(vectors: Vectors, earlier: Places, *, min_stories: int, near: float) -> Places:
    """Return each row's theme, numbered from 0 by their first rows, -1 outside all.

    `vectors` are rows of unit length, `earlier` the theme of each row as yesterday left it (-1: in none). `near`
    is the cosine to a theme's centre that a row outside needs to enter: it is what being outside is worth.
    """
    places = _settle(vectors, earlier, min_stories, near)
    found = _dense_groups(vectors, max(min_stories, round(math.sqrt(len(vectors)) / GROWTH)))
    for _ in range(_FOUNDINGS):
        founded = _settle(vectors, _found(vectors, places, found, near), min_stories, near)
        if np.array_equal(founded, places):
            break
        places = founded
    return places


def _settle(vectors: Vectors, places: Places, min_stories: int, near: float) -> Places:
    """Return the places when no story is better off elsewhere, and no theme too small.

    This ends: each move brings the stories nearer to their centres (as in spherical k-means, with `near` for the
    outside), and a theme that is dissolved does not come back.
    """
    places = _numbered(places)
    while places.max(initial=-1) >= 0:
        nearness = vectors @ _centres(vectors, places).T
        inside = np.flatnonzero(places >= 0)
        nearness[inside, places[inside]] += STAY
        best = nearness.argmax(axis=1)
        settled = np.where(nearness.max(axis=1) >= near, best, -1)
        if np.array_equal(settled, places):
            sizes = np.bincount(places[inside])
            if sizes.min() >= min_stories:
                break
            settled[settled == sizes.argmin()] = -1
        places = _numbered(settled)
    return places


def _found(vectors: Vectors, places: Places, found: Places, near: float) -> Places:
    """Return the places with a theme more for every found group whose stories it would bring clearly nearer."""
    inside = np.flatnonzero(places >= 0)
    present = np.full(len(vectors), near)
    present[inside] = np.einsum("ij,ij->i", vectors[inside], _centres(vectors, places)[places[inside]])
    founded, next_number = places.copy(), places.max(initial=-1) + 1
    for number, centre in enumerate(_centres(vectors, found)):
        group = np.flatnonzero(found == number)
        if (vectors[group] @ centre - present[group]).mean() >= GAIN:
            founded[group], next_number = next_number, next_number + 1
    return founded


def _dense_groups(vectors: Vectors, smallest: int) -> Places:
    """Return HDBSCAN's groups (Campello et al. 2013; McInnes et al. 2017), the larger ones where it can choose."""
    if len(vectors) < 2 * smallest:
        return np.full(len(vectors), -1)
    import hdbscan

    labels: Places = hdbscan.HDBSCAN(min_cluster_size=smallest, min_samples=1).fit(vectors).labels_.astype(np.int64)
    return labels


def _centres(vectors: Vectors, places: Places) -> Vectors:
    """Return the direction of each theme's mean; themes are numbered from 0 without a gap."""
    sums = np.zeros((places.max(initial=-1) + 1, vectors.shape[1]))
    inside = places >= 0
    np.add.at(sums, places[inside], vectors[inside])
    centres: Vectors = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    return centres


def _numbered(places: Places) -> Places:
    """Return the same themes, numbered from 0 by their first rows."""
    numbers, first = np.unique(places[places >= 0], return_index=True)
    renamed = np.full(places.max(initial=-1) + 2, -1)  # its last one stays, for those outside
    renamed[numbers[np.argsort(first)]] = np.arange(len(numbers))
    return renamed[places]
