"""Links between articles -> groups of articles that tell one story."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from newsclust.model import Constraints, Link

_FREE = Constraints()


class Clusterer(Protocol):
    """Parts articles into groups."""

    def cluster(
        self, ids: Sequence[str], links: Sequence[Link], constraints: Constraints = _FREE
    ) -> list[frozenset[str]]:
        """Return disjoint groups that cover `ids` and honour the constraints; order changes nothing."""
        ...


class AverageLinkage:
    """Groups whose articles are linked with an average probability of at least `cut` when two parts join.

    Two articles without a link count as probability 0, so a chain of single links cannot hold a group together.
    (Unweighted pair group method with arithmetic mean, Sokal and Michener 1958.)
    """

    def __init__(self, *, cut: float = 0.26) -> None:
        self.cut = cut

    def cluster(
        self, ids: Sequence[str], links: Sequence[Link], constraints: Constraints = _FREE
    ) -> list[frozenset[str]]:
        """Return disjoint groups that cover `ids` and honour the constraints, sorted by their smallest id."""
        from scipy.cluster.hierarchy import fcluster, linkage  # heavy: only where groups are made

        groups: list[frozenset[str]] = []
        for members, distances in _components(sorted(ids), links, constraints, self.cut):
            if len(members) == 1:
                groups.append(frozenset(members))
                continue
            if not constraints.articles.isdisjoint(members):
                groups.extend(_constrained(members, distances, constraints, self.cut))
                continue
            # float32 rounding must not decide: 1 - p is taken in float64 and the cut has a little air
            tree = linkage(distances, "average")
            labels = fcluster(tree, 1.0 - self.cut + 1e-9, "distance")
            joined: dict[int, list[str]] = {}
            for member, label in zip(members, labels.tolist(), strict=True):
                joined.setdefault(label, []).append(member)
            groups.extend(map(frozenset, joined.values()))
        return sorted(groups, key=min)


def _constrained(
    members: Sequence[str], distances: NDArray[np.float64], constraints: Constraints, cut: float
) -> list[frozenset[str]]:
    """Return what average linkage makes of one part when some members are tied and some are held apart.

    The best allowed pair of clusters is joined until none reaches the cut: cubic in the members, so it is kept
    for the few parts that a person has corrected.
    """
    from scipy.spatial.distance import squareform

    place = {member: position for position, member in enumerate(members)}
    tied = [[place[m] for m in sorted(group) if m in place] for group in constraints.together]
    in_a_tie = {position for group in tied for position in group}
    clusters = [group for group in tied if group] + [[i] for i in range(len(members)) if i not in in_a_tie]
    clusters.sort()
    inside = np.zeros((len(clusters), len(members)))
    for number, cluster in enumerate(clusters):
        inside[number, cluster] = 1
    held_apart = np.zeros((len(members), len(members)))
    for pair in constraints.apart:
        if pair <= place.keys():
            a, b = (place[m] for m in pair)
            held_apart[a, b] = held_apart[b, a] = 1
    size = inside.sum(axis=1)
    total = inside @ (1.0 - squareform(distances)) @ inside.T
    allowed = (inside @ held_apart @ inside.T) == 0
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


def _components(
    ids: Sequence[str], links: Sequence[Link], constraints: Constraints, cut: float
) -> list[tuple[list[str], NDArray[np.float64]]]:
    """Return (members, condensed matrix of 1 - probability) of each part that strong links or ties hold together.

    Nothing is lost by looking at one part at a time: two clusters whose average is at least `cut` have a pair
    that is.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    place = {article: position for position, article in enumerate(ids)}
    known = [link for link in links if link.article_a in place and link.article_b in place]
    a = np.array([place[link.article_a] for link in known], np.int64)
    b = np.array([place[link.article_b] for link in known], np.int64)
    p = np.array([link.probability for link in known], np.float64)
    strong = p >= cut
    ties = [
        (place[one], place[other])
        for group in constraints.together
        for one, other in pairwise(sorted(group & place.keys()))
    ]
    edges = np.concatenate([np.stack([a[strong], b[strong]], axis=1), np.array(ties, np.int64).reshape(-1, 2)])
    graph = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(len(ids), len(ids)))
    count, part = connected_components(graph, directed=False)
    members: list[list[int]] = [[] for _ in range(count)]
    for position, number in enumerate(part):
        members[number].append(position)
    inner = np.empty(len(ids), np.int64)  # position within the part
    for positions in members:
        inner[positions] = range(len(positions))
    size = np.bincount(part, minlength=count)
    pairs = size * (size - 1) // 2
    ends = np.cumsum(pairs)  # of each part's matrix, when all stand one behind the other
    distances = np.ones(int(pairs.sum()))
    within = part[a] == part[b]
    where = part[a[within]]
    n, i, j = size[where], np.minimum(inner[a], inner[b])[within], np.maximum(inner[a], inner[b])[within]
    distances[(ends - pairs)[where] + n * i - i * (i + 1) // 2 + (j - i - 1)] = 1.0 - p[within]
    return [
        ([ids[position] for position in positions], own)
        for positions, own in zip(members, np.split(distances, ends)[:-1], strict=True)
    ]


def most_central(ids: Sequence[str], vectors: NDArray[np.float32]) -> str:
    """Return the id whose vector lies nearest to the mean of all; the first of equals.

    `vectors` has shape (ids, dimensions), rows of unit length.
    """
    nearness = vectors @ vectors.mean(axis=0)
    return ids[int(np.argmax(np.round(nearness, 6)))]
