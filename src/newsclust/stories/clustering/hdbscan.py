"""HDBSCAN over the links: stories as dense regions."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from newsclust.model import Constraints, Link, Window
from newsclust.stories.clustering.components import linked_components

_FREE = Constraints()
_MIN_DISTANCE = 1e-6  # the rounding of probabilities; at distance 0 density would be infinite


class HdbscanClusterer:
    """A clusterer: HDBSCAN in each connected component of links of at least `min_probability`; noise stands alone.

    The distance of two articles is 1 - the probability of their link, 1 without one. (Campello, Moulavi and Sander
    2013.) Constraints are applied last: a group with articles to be kept apart loses those that come later by id, and
    articles to be kept together get a group of their own when HDBSCAN put them into several.
    """

    def __init__(self, *, min_probability: float = 0.5, min_cluster_size: int = 2, min_samples: int = 1) -> None:
        if min_cluster_size < 2:
            raise ValueError(f"min_cluster_size is {min_cluster_size}: at least 2 are needed")
        self.min_probability = min_probability
        self.min_cluster_size = min_cluster_size
        self.min_samples = min_samples

    def cluster(
        self, window: Window, links: Sequence[Link], constraints: Constraints = _FREE
    ) -> list[frozenset[str]]:
        """Return disjoint groups that cover the window and honour the constraints, sorted by their smallest id."""
        groups: list[set[str]] = []
        for members, distances in linked_components(sorted(window.ids), links, constraints, self.min_probability):
            by_label: dict[int, set[str]] = {}
            for position, label in enumerate(self._labels(len(members), distances)):
                by_label.setdefault(label if label >= 0 else -1 - position, set()).add(members[position])
            groups.extend(by_label.values())
        return sorted(map(frozenset, _apply_constraints(groups, constraints, set(window.ids))), key=min)

    def _labels(self, count: int, distances: NDArray[np.float64]) -> list[int]:
        """Return a label for each member of one component, -1 for noise."""
        import hdbscan
        from scipy.spatial.distance import squareform

        if count < self.min_cluster_size:
            return [-1] * count
        # HDBSCAN never calls the whole one cluster: without the rest of the window, here a few points beyond
        # distance 1 that are dense among themselves, a component that is one story would be noise.
        samples = min(self.min_samples, count - 1)
        rest = max(self.min_cluster_size, samples + 1)
        matrix = np.full((count + rest, count + rest), 1 + _MIN_DISTANCE)
        matrix[:count, :count] = np.maximum(squareform(distances), _MIN_DISTANCE)
        matrix[count:, count:] = 0.5
        np.fill_diagonal(matrix, 0)
        model = hdbscan.HDBSCAN(metric="precomputed", min_cluster_size=self.min_cluster_size, min_samples=samples)
        labels: list[int] = model.fit_predict(matrix)[:count].tolist()
        return labels


def _apply_constraints(groups: Sequence[set[str]], constraints: Constraints, articles: set[str]) -> list[set[str]]:
    """Return the groups as the constraints demand: must-link articles together, cannot-link articles apart."""
    parted = [set(group) for group in groups]
    for tied in constraints.together:
        present = tied & articles
        overlapping = [group for group in parted if group & present]
        if len(overlapping) > 1:
            for group in overlapping:
                group -= present
            parted.append(set(present))
    for staying, later in sorted(sorted(pair) for pair in constraints.apart):
        for group in [group for group in parted if staying in group and later in group]:
            leaving = next((set(tied) & group for tied in constraints.together if later in tied), {later})
            group -= leaving
            parted.append(leaving)
    return [group for group in parted if group]
