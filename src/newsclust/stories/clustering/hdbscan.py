"""HDBSCAN over the links, for those who want stories as dense regions."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from newsclust.model import Constraints, Link, Window
from newsclust.stories.clustering.components import linked_components

_FREE = Constraints()
_MIN_DISTANCE = 1e-6  # the step of probabilities; at distance 0 density would be without measure


class HdbscanClusterer:
    """Groups that HDBSCAN finds in each part that links of at least `weakest` hold together; its noise stands alone.

    The distance of two articles is 1 - the probability of their link, 1 without one. (Campello, Moulavi and Sander
    2013.) Corrections come last: a group that holds articles to be kept apart loses those that came later by id, and
    tied articles are brought together in a group of their own when HDBSCAN put them into several.
    """

    def __init__(self, *, weakest: float = 0.5, min_cluster_size: int = 2, min_samples: int = 1) -> None:
        if min_cluster_size < 2:
            raise ValueError(f"min_cluster_size is {min_cluster_size}: at least 2 are needed")
        self.weakest = weakest
        self.min_cluster_size = min_cluster_size
        self.min_samples = min_samples

    def cluster(
        self, window: Window, links: Sequence[Link], constraints: Constraints = _FREE
    ) -> list[frozenset[str]]:
        """Return disjoint groups that cover the window and honour the constraints, sorted by their smallest id."""
        groups: list[set[str]] = []
        for members, distances in linked_components(sorted(window.ids), links, constraints, self.weakest):
            found: dict[int, set[str]] = {}
            for place, label in enumerate(self._labels(len(members), distances)):
                found.setdefault(label if label >= 0 else -1 - place, set()).add(members[place])
            groups.extend(found.values())
        return sorted(map(frozenset, _apply_constraints(groups, constraints, set(window.ids))), key=min)

    def _labels(self, count: int, distances: NDArray[np.float64]) -> list[int]:
        """Return a label for each member of one part, -1 for noise."""
        import hdbscan
        from scipy.spatial.distance import squareform

        if count < self.min_cluster_size:
            return [-1] * count
        # HDBSCAN never calls the whole one cluster: without the rest of the window, here a few points beyond
        # distance 1 that are dense among themselves, a part that is one story would be noise.
        samples = min(self.min_samples, count - 1)
        rest = max(self.min_cluster_size, samples + 1)
        known = np.full((count + rest, count + rest), 1 + _MIN_DISTANCE)
        known[:count, :count] = np.maximum(squareform(distances), _MIN_DISTANCE)
        known[count:, count:] = 0.5
        np.fill_diagonal(known, 0)
        model = hdbscan.HDBSCAN(metric="precomputed", min_cluster_size=self.min_cluster_size, min_samples=samples)
        labels: list[int] = model.fit_predict(known)[:count].tolist()
        return labels


def _apply_constraints(groups: Sequence[set[str]], constraints: Constraints, known: set[str]) -> list[set[str]]:
    """Return the groups with tied articles brought together and articles held apart parted."""
    kept = [set(group) for group in groups]
    for tied in constraints.together:
        present = tied & known
        holders = [group for group in kept if group & present]
        if len(holders) > 1:
            for group in holders:
                group -= present
            kept.append(set(present))
    for one, other in sorted(sorted(pair) for pair in constraints.apart):
        for group in [group for group in kept if one in group and other in group]:
            leaving = next((set(tied) & group for tied in constraints.together if other in tied), {other})
            group -= leaving
            kept.append(leaving)
    return [group for group in kept if group]
