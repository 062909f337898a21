"""Average linkage over links: equal to the textbook's, whatever the order, and no chain holds a group together."""

import random
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from newsclust.model import Constraints, Link
from newsclust.stories import AverageLinkage, most_central

NAMES = [f"a{number}" for number in range(8)]
Probabilities = dict[tuple[str, str], float]


def links_of(probabilities: Probabilities) -> list[Link]:
    return [Link(article_a=a, article_b=b, probability=p) for (a, b), p in probabilities.items()]


PAIRS = st.dictionaries(
    st.sampled_from(list(combinations(NAMES, 2))), st.floats(0.05, 1, allow_subnormal=False), max_size=28
)


def textbook(ids: list[str], probabilities: Probabilities, cut: float) -> set[frozenset[str]]:
    """Average linkage on the full matrix, a missing link being probability 0."""
    distance = np.ones((len(ids), len(ids)))
    np.fill_diagonal(distance, 0)
    for (a, b), probability in probabilities.items():
        i, j = ids.index(a), ids.index(b)
        distance[i, j] = distance[j, i] = 1 - probability
    tree = linkage(squareform(distance), "average")
    assume(np.abs(tree[:, 2] - (1 - cut)).min() > 1e-6)
    assume(np.diff(np.unique(tree[:, 2])).min(initial=1) > 1e-9)
    labels = fcluster(tree, 1 - cut, "distance")
    return {frozenset(i for i, label in zip(ids, labels, strict=True) if label == n) for n in set(labels)}


@given(PAIRS, st.sampled_from([0.1, 0.2, 0.35, 0.5, 0.8]))
def test_the_groups_are_those_of_average_linkage_on_the_full_matrix(probabilities: Probabilities, cut: float) -> None:
    assume(len(set(probabilities.values())) == len(probabilities))
    expected = textbook(NAMES, probabilities, cut)
    assert set(AverageLinkage(cut=cut).cluster(NAMES, links_of(probabilities))) == expected


@given(PAIRS, st.randoms(use_true_random=False))
def test_the_order_of_ids_and_links_changes_nothing(probabilities: Probabilities, rng: random.Random) -> None:
    ids, links = list(NAMES), links_of(probabilities)
    expected = AverageLinkage().cluster(ids, links)
    rng.shuffle(ids)
    rng.shuffle(links)
    assert AverageLinkage().cluster(ids, links) == expected


@given(PAIRS, st.lists(st.sampled_from(NAMES), unique=True))
def test_the_groups_are_disjoint_and_cover_all_ids_and_no_other(probabilities: Probabilities, ids: list[str]) -> None:
    groups = AverageLinkage().cluster(ids, links_of(probabilities))
    assert sorted(article for group in groups for article in group) == sorted(ids)
    assert groups == sorted(groups, key=min)


def test_a_chain_of_strong_links_holds_no_group_together() -> None:
    links = links_of({("a", "b"): 0.9, ("b", "c"): 0.89})
    assert AverageLinkage(cut=0.5).cluster(["a", "b", "c"], links) == [{"a", "b"}, {"c"}]


def test_three_articles_linked_all_round_are_one_group() -> None:
    links = links_of({("a", "b"): 0.9, ("b", "c"): 0.9, ("a", "c"): 0.3})
    assert AverageLinkage(cut=0.5).cluster(["a", "b", "c"], links) == [{"a", "b", "c"}]


@pytest.mark.parametrize(("probability", "groups"), [(0.2, 1), (0.1999, 2)])
def test_a_pair_holds_together_from_the_cut_on(probability: float, groups: int) -> None:
    assert len(AverageLinkage(cut=0.2).cluster(["a", "b"], links_of({("a", "b"): probability}))) == groups


def test_no_articles_are_no_groups() -> None:
    assert AverageLinkage().cluster([], []) == []


def test_the_most_central_is_nearest_to_the_mean_and_the_first_of_equals() -> None:
    vectors = np.array([[1, 0], [0.6, 0.8], [0, 1], [0.6, 0.8]], np.float32)
    assert most_central(["east", "between", "north", "twin"], vectors) == "between"
    assert most_central(["one"], vectors[:1]) == "one"


def labelled(groups: list[frozenset[str]]) -> dict[str, int]:
    return {article: number for number, group in enumerate(groups) for article in group}


@given(st.data())
def test_what_people_said_holds_and_is_all_that_changes_when_nothing_was_said(data: st.DataObject) -> None:
    ids = [f"a{number}" for number in range(data.draw(st.integers(3, 9)))]
    pairs = [(a, b) for a in ids for b in ids if a < b]
    links = [
        Link(article_a=a, article_b=b, probability=data.draw(st.floats(0, 1)))
        for a, b in data.draw(st.lists(st.sampled_from(pairs), unique=True))
    ]
    tied = frozenset(data.draw(st.sets(st.sampled_from(ids), min_size=2, max_size=3)))
    apart = frozenset(
        frozenset(pair)
        for pair in data.draw(st.lists(st.sampled_from(pairs), max_size=3))
        if not frozenset(pair) <= tied
    )
    constraints = Constraints(together=(tied,), apart=apart)
    label = labelled(AverageLinkage(cut=0.4).cluster(ids, links, constraints))
    assert label.keys() == set(ids)
    assert len({label[article] for article in tied}) == 1
    for a, b in apart:
        assert label[a] != label[b]
    shuffled = data.draw(st.permutations(links))
    assert labelled(AverageLinkage(cut=0.4).cluster(ids[::-1], shuffled, constraints)) == label


def test_a_constraint_that_asks_for_what_is_already_so_changes_nothing() -> None:
    links = links_of({("a", "b"): 0.9, ("b", "c"): 0.6, ("a", "c"): 0.7})
    free = AverageLinkage(cut=0.5).cluster(list("abcd"), links)
    bound = Constraints(together=(frozenset("ab"),), apart=frozenset({frozenset("ad")}))
    assert AverageLinkage(cut=0.5).cluster(list("abcd"), links, bound) == free
