"""Centred vectors -> the directions in which topics differ."""

from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

SHIPPED_FOR = "multilingual-e5-small"
RESOURCE = "topic_projection_multilingual_e5_small"
MIN_COSINE_PROJECTED = 0.44  # from .42 to .45 B-cubed hardly changes, and 17 to 20 % of a first night stay outside
MIN_COSINE_PLAIN = 0.3  # where cosines of centred vectors fit labelled topics best


def project(
    centred: NDArray[np.float32], model: str, directions: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Return centred vectors of unit length in the directions in which topics differ, of unit length again.

    For the default model these are 30 learned ones, which ship with the package (`benchmarks/train_topics.py`
    makes them, the file beside them says from what), or others that are given (`training.train`); vectors of any
    other model are returned as they are.
    """
    if not model.startswith(SHIPPED_FOR) or not len(centred):
        return centred
    moved = centred @ (_shipped() if directions is None else directions)
    length = np.linalg.norm(moved, axis=1, keepdims=True)
    projected: NDArray[np.float32] = np.divide(moved, length, out=np.zeros_like(moved), where=length > 1e-6)
    return projected


def min_cosine(model: str) -> float:
    """Return the cosine to a topic's centre from which a story outside belongs to it, for vectors of this model."""
    return MIN_COSINE_PROJECTED if model.startswith(SHIPPED_FOR) else MIN_COSINE_PLAIN


@cache
def _shipped() -> NDArray[np.float32]:
    with resources.files("newsclust").joinpath(f"resources/{RESOURCE}.npy").open("rb") as file:
        projection: NDArray[np.float32] = np.load(file, allow_pickle=False)
        return projection
