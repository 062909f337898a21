"""Articles and links -> connected components, each small enough for a matrix."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from newsclust.model import Constraints, Link


def linked_components(
    ids: Sequence[str], links: Sequence[Link], constraints: Constraints, cut: float
) -> list[tuple[list[str], NDArray[np.float64]]]:
    """Return (members, condensed matrix of 1 - probability) of each component of links of at least `cut` and ties.

    Nothing is lost by clustering one component at a time: two clusters whose average is at least `cut` have a pair
    that is.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    position_of = {article: position for position, article in enumerate(ids)}
    inside = [link for link in links if link.article_a in position_of and link.article_b in position_of]
    a = np.array([position_of[link.article_a] for link in inside], np.int64)
    b = np.array([position_of[link.article_b] for link in inside], np.int64)
    p = np.array([link.probability for link in inside], np.float64)
    strong = p >= cut
    ties = [
        (position_of[left], position_of[right])
        for group in constraints.together
        for left, right in pairwise(sorted(group & position_of.keys()))
    ]
    edges = np.concatenate([np.stack([a[strong], b[strong]], axis=1), np.array(ties, np.int64).reshape(-1, 2)])
    graph = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(len(ids), len(ids)))
    count, component = connected_components(graph, directed=False)
    members: list[list[int]] = [[] for _ in range(count)]
    for position, number in enumerate(component):
        members[number].append(position)
    inner = np.empty(len(ids), np.int64)  # position within the component
    for positions in members:
        inner[positions] = range(len(positions))
    size = np.bincount(component, minlength=count)
    pairs = size * (size - 1) // 2
    ends = np.cumsum(pairs)  # of each component's matrix, when all stand one behind the other
    distances = np.ones(int(pairs.sum()))
    within = component[a] == component[b]
    where = component[a[within]]
    n, i, j = size[where], np.minimum(inner[a], inner[b])[within], np.maximum(inner[a], inner[b])[within]
    distances[(ends - pairs)[where] + n * i - i * (i + 1) // 2 + (j - i - 1)] = 1.0 - p[within]
    return [
        ([ids[position] for position in positions], own)
        for positions, own in zip(members, np.split(distances, ends)[:-1], strict=True)
    ]
