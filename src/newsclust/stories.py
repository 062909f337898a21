"""Links between articles -> groups of articles that tell one story."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from newsclust.model import Link


class Clusterer(Protocol):
    """Parts articles into groups."""

    def cluster(self, ids: Sequence[str], links: Sequence[Link]) -> list[frozenset[str]]:
        """Return disjoint groups that cover `ids`; the order of ids and links changes nothing."""
        ...


class AverageLinkage:
    """Groups whose articles are linked with an average probability of at least `cut` when two parts join.

    Two articles without a link count as probability 0, so a chain of single links cannot hold a group together.
    (Unweighted pair group method with arithmetic mean, Sokal and Michener 1958.)
    """

    def __init__(self, *, cut: float = 0.2) -> None:
        self.cut = cut

    def cluster(self, ids: Sequence[str], links: Sequence[Link]) -> list[frozenset[str]]:
        """Return disjoint groups that cover `ids`, sorted by their smallest id."""
        from scipy.cluster.hierarchy import fcluster, linkage  # heavy: only where groups are made

        groups: list[frozenset[str]] = []
        for members, distances in _components(sorted(ids), links, self.cut):
            if len(members) == 1:
                groups.append(frozenset(members))
                continue
            # float32 rounding must not decide: 1 - p is taken in float64 and the cut has a little air
            tree = linkage(distances, "average")
            labels = fcluster(tree, 1.0 - self.cut + 1e-9, "distance")
            joined: dict[int, list[str]] = {}
            for member, label in zip(members, labels.tolist(), strict=True):
                joined.setdefault(label, []).append(member)
            groups.extend(map(frozenset, joined.values()))
        return sorted(groups, key=min)


def _components(ids: Sequence[str], links: Sequence[Link], cut: float) -> list[tuple[list[str], NDArray[np.float64]]]:
    """Return (members, condensed matrix of 1 - probability) of each part that strong links hold together.

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
    graph = coo_array((np.ones(int(strong.sum())), (a[strong], b[strong])), shape=(len(ids), len(ids)))
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
