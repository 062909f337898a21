"""Links between articles -> groups of articles that tell one story.

`MergeClassifier` asks of two groups at a time whether they tell one story; `AverageLinkage` and `HdbscanClusterer`
know the probabilities of the links alone.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from newsclust.model import Constraints, Link, Window
from newsclust.stories.clustering.average_linkage import AverageLinkage
from newsclust.stories.clustering.hdbscan import HdbscanClusterer
from newsclust.stories.clustering.merge_classifier import MergeClassifier

__all__ = ["AverageLinkage", "Clusterer", "HdbscanClusterer", "MergeClassifier", "most_central"]


class Clusterer(Protocol):
    """Parts articles into groups."""

    def cluster(self, window: Window, links: Sequence[Link], constraints: Constraints = ...) -> list[frozenset[str]]:
        """Return disjoint groups that cover the window and honour the constraints; order changes nothing."""
        ...


def most_central(ids: Sequence[str], vectors: NDArray[np.float32], voices: Sequence[str] | None = None) -> str:
    """Return the id whose vector lies nearest to the mean of all; the first of equals.

    `vectors` has shape (ids, dimensions), rows of unit length. With `voices`, one for each id, each voice counts once
    in the mean, however many ids it has.
    """
    counts = Counter(voices or ())
    share = None if voices is None else [1 / counts[voice] for voice in voices]
    nearness = vectors @ np.average(vectors, axis=0, weights=share)
    return ids[int(np.argmax(np.round(nearness, 6)))]
