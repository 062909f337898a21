"""Mean-centering of embeddings: the mean of all news is subtracted, and vectors get unit length again.

The mean holds the language of news and the model's own bias (anisotropy); with it, one threshold does not transfer
from one set of articles to another.
"""

from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from newsclust.arrays import Vectors
from newsclust.model import Window

SHIPPED_FOR = "multilingual-e5-small"


class Part(StrEnum):
    """Which part of an article a vector stands for: their means differ."""

    TEXT = "text"  # title and beginning
    TITLE = "title"


def centre(vectors: Vectors, model: str, part: Part = Part.TEXT) -> Vectors:
    """Return the vectors minus the mean of such vectors, of unit length; one equal to the mean becomes zero.

    The mean of the default model ships with the package, so that an unrelated article changes nothing; that of any
    other model is the mean of these vectors.
    """
    if not len(vectors):
        return vectors
    mean = shipped_mean(part) if is_shipped_for(model) else vectors.mean(axis=0, dtype=np.float64)
    return centre_by(vectors, mean)


def centre_by(vectors: Vectors, mean: NDArray[np.floating[Any]]) -> Vectors:
    """Return the vectors minus this mean, of unit length; one equal to the mean becomes zero."""
    moved = vectors - mean.astype(np.float32)
    length = np.linalg.norm(moved, axis=1, keepdims=True)
    centred: Vectors = np.divide(moved, length, out=np.zeros_like(moved), where=length > 1e-6)
    return centred


def uncentre(centred: Vectors, mean: NDArray[np.floating[Any]]) -> Vectors:
    """Return the vectors of unit length that `centre_by` made these of, but for the last bits of their numbers.

    Of all points mean + s * centred, s > 0, one has length 1, as long as the mean is shorter than 1: that of any
    vectors of unit length is.
    """
    wide, middle = centred.astype(np.float64), mean.astype(np.float64)
    along = wide @ middle
    scale = np.sqrt(along**2 + 1 - middle @ middle) - along
    vectors: Vectors = (middle + scale[:, None] * wide).astype(np.float32)
    return vectors


def both_parts(window: Window) -> Vectors:
    """Return one row of unit length for each article: its centred title vector and text vector side by side."""
    title = centre(window.title_vectors, window.model, Part.TITLE)
    side_by_side = np.concatenate([title, centre(window.vectors, window.model)], axis=1)
    halved: Vectors = side_by_side * np.float32(np.sqrt(0.5))
    return halved


def is_shipped_for(model: str) -> bool:
    """Tell whether what ships with the package (means, weights) was made with vectors of this model."""
    return model.startswith(SHIPPED_FOR)


@cache
def shipped_mean(part: Part = Part.TEXT) -> Vectors:
    """Return the mean vector of tech news, as the default model sees it; shape (384,)."""
    file = resources.files("newsclust").joinpath("resources/means_multilingual_e5_small.npz")
    with file.open("rb") as opened, np.load(opened, allow_pickle=False) as means:
        mean: Vectors = means[part.value]
        return mean
