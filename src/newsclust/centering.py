"""Vectors -> vectors without what all news shares, of unit length again.

What is taken away holds the language of news and the model's own bias; without that, one threshold does not
transfer from one set of articles to another.
"""

from enum import StrEnum
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from newsclust.model import Window

_SHIPPED_FOR = "multilingual-e5-small"


class Part(StrEnum):
    """Which part of an article a vector stands for: their means differ."""

    TEXT = "text"  # title and beginning
    TITLE = "title"


def centre(vectors: NDArray[np.float32], model: str, part: Part = Part.TEXT) -> NDArray[np.float32]:
    """Return the vectors without the mean of such vectors; one equal to the mean becomes zero.

    The mean of the default model ships with the package, so that an unrelated article changes nothing; that of any
    other model is the mean of the given vectors.
    """
    mean = shipped_mean(part) if is_shipped_for(model) else vectors.mean(axis=0, dtype=np.float64)
    moved = vectors - mean.astype(np.float32)
    length = np.linalg.norm(moved, axis=1, keepdims=True)
    centred: NDArray[np.float32] = np.divide(moved, length, out=np.zeros_like(moved), where=length > 1e-6)
    return centred


def both_parts(window: Window) -> NDArray[np.float32]:
    """Return one row for each article: its centred title vector and text vector side by side, of unit length."""
    title = centre(window.title_vectors, window.model, Part.TITLE)
    side_by_side = np.concatenate([title, centre(window.vectors, window.model)], axis=1)
    halved: NDArray[np.float32] = side_by_side * np.float32(np.sqrt(0.5))
    return halved


def is_shipped_for(model: str) -> bool:
    """Tell whether what ships with the package (means, weights) was made with vectors of this model."""
    return model.startswith(_SHIPPED_FOR)


@cache
def shipped_mean(part: Part = Part.TEXT) -> NDArray[np.float32]:
    """Return the mean vector of tech news, as the default model sees it; shape (384,)."""
    file = resources.files("newsclust").joinpath("resources/means_multilingual_e5_small.npz")
    with file.open("rb") as opened, np.load(opened, allow_pickle=False) as means:
        mean: NDArray[np.float32] = means[part.value]
        return mean
