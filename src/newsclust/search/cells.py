"""Vectors in cells of neighbours: a search reads the nearest cells, not the archive.

An inverted file (Sivic and Zisserman, 2003) with k-means on the sphere: a cell is the articles whose vectors are
nearer to its centre than to any other.
"""

import numpy as np
from numpy.typing import NDArray

from newsclust.arrays import Vectors

ARTICLES_PER_CELL = 1_500
MAX_CELLS = 512
_SAMPLED_PER_CELL = 100  # vectors that the centres are made from
_ROUNDS = 8


def cell_count(articles: int) -> int:
    """Return how many cells so many articles are kept in."""
    return max(1, min(MAX_CELLS, articles // ARTICLES_PER_CELL))


def sample_size(articles: int) -> int:
    """Return how many vectors `cell_centres` wants of so many."""
    return min(articles, _SAMPLED_PER_CELL * cell_count(articles))


def cell_centres(sample: Vectors, cells: int) -> Vectors:
    """Return the centres of so many cells, of unit length; the same for the same vectors."""
    first = np.random.default_rng(0).permutation(len(sample))[:cells]
    centres = sample[first].copy()
    for _ in range(_ROUNDS):
        cell = nearest_cell(sample, centres)
        sums = np.zeros_like(centres)
        np.add.at(sums, cell, sample)
        length = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.divide(sums, length, out=centres, where=length > 1e-6)  # an empty cell keeps its centre
    return centres


def nearest_cell(vectors: Vectors, centres: Vectors) -> NDArray[np.int32]:
    """Return of each vector the number of the cell that it is in."""
    cell: NDArray[np.int32] = np.argmax(vectors @ centres.T, axis=1).astype(np.int32)
    return cell
