"""Average linkage (UPGMA) over the probabilities of the links."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from newsclust.model import Constraints, Link, Window
from newsclust.stories.clustering.components import linked_components

_FREE = Constraints()


class AverageLinkage:
    """A clusterer that merges two groups while the average probability of their links is at least `cut`.

    Two articles without a link count as probability 0, so a chain of single links cannot make a group.
    (Unweighted pair group method with arithmetic mean, Sokal and Michener 1958.)
    """

    def __init__(self, *, cut: float = 0.26) -> None:
        self.cut = cut

    def cluster(
        self, window: Window, links: Sequence[Link], constraints: Constraints = _FREE
    ) -> list[frozenset[str]]:
        """Return disjoint groups that cover the window and honour the constraints, sorted by their smallest id."""
        from scipy.cluster.hierarchy import fcluster, linkage  # heavy: imported only where it is used

        groups: list[frozenset[str]] = []
        for members, distances in linked_components(sorted(window.ids), links, constraints, self.cut):
            if len(members) == 1:
                groups.append(frozenset(members))
                continue
            if not constraints.articles.isdisjoint(members):
                groups.extend(_constrained_linkage(members, distances, constraints, self.cut))
                continue
            # float32 rounding must not decide: 1 - p is taken in float64 and the cut has a little air
            tree = linkage(distances, "average")
            labels = fcluster(tree, 1.0 - self.cut + 1e-9, "distance")
            by_label: dict[int, list[str]] = {}
            for member, label in zip(members, labels.tolist(), strict=True):
                by_label.setdefault(label, []).append(member)
            groups.extend(map(frozenset, by_label.values()))
        return sorted(groups, key=min)


def _constrained_linkage(
    members: Sequence[str], distances: NDArray[np.float64], constraints: Constraints, cut: float
) -> list[frozenset[str]]:
    """Return the groups of one component under must-link and cannot-link constraints.

    The best allowed pair of clusters is merged until none reaches the cut: cubic in the members, so it is used only
    for the few components that a person has corrected.
    """
    from scipy.spatial.distance import squareform

    position_of = {member: position for position, member in enumerate(members)}
    tied = [[position_of[m] for m in sorted(group) if m in position_of] for group in constraints.together]
    in_a_tie = {position for group in tied for position in group}
    clusters = [group for group in tied if group] + [[i] for i in range(len(members)) if i not in in_a_tie]
    clusters.sort()
    inside = np.zeros((len(clusters), len(members)))
    for number, cluster in enumerate(clusters):
        inside[number, cluster] = 1
    cannot_link = np.zeros((len(members), len(members)))
    for pair in constraints.apart:
        if pair <= position_of.keys():
            a, b = (position_of[m] for m in pair)
            cannot_link[a, b] = cannot_link[b, a] = 1
    size = inside.sum(axis=1)
    total = inside @ (1.0 - squareform(distances)) @ inside.T
    allowed = (inside @ cannot_link @ inside.T) == 0
    np.fill_diagonal(allowed, val=False)
    while True:
        average = np.where(allowed, total / np.outer(size, size), -1.0)
        a, b = sorted(divmod(int(np.argmax(np.round(average, 9))), len(clusters)))
        if average[a, b] < cut - 1e-9:
            return [frozenset(members[i] for i in cluster) for cluster in clusters if cluster]
        clusters[a], clusters[b] = sorted(clusters[a] + clusters[b]), []
        total[a] += total[b]
        total[:, a] += total[:, b]
        size[a] += size[b]
        allowed[a] &= allowed[b]
        allowed[:, a] &= allowed[:, b]
        allowed[b] = allowed[:, b] = False
