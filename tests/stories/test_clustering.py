"""Links to groups: what every clusterer promises, and average linkage, which is the textbook's."""

import random
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from newsclust.model import Constraints, Link, Window
from newsclust.stories.clustering import AverageLinkage, Clusterer, HdbscanClusterer, MergeClassifier, most_central
from tests.factories import bare_article, links_of, window_of

NAMES = [f"a{number}" for number in range(8)]
Probabilities = dict[tuple[str, str], float]
PAIRS = st.dictionaries(
    st.sampled_from(list(combinations(NAMES, 2))), st.floats(0.05, 1, allow_subnormal=False), max_size=28
)

every_clusterer = pytest.mark.parametrize(
    "clusterer",
    [AverageLinkage(cut=0.4), MergeClassifier(), MergeClassifier(threshold=0.1), HdbscanClusterer()],
    ids=["average linkage", "learned joins", "lenient learned joins", "density"],
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A window, links, and what people said: `tied` belong together, `apart` do not."""

    window: Window
    links: list[Link]
    tied: frozenset[str]
    apart: frozenset[frozenset[str]]

    @property
    def constraints(self) -> Constraints:
        return Constraints(together=(self.tied,), apart=self.apart)


@st.composite
def told(draw: st.DrawFn) -> Told:
    names = NAMES[: draw(st.integers(3, len(NAMES)))]
    articles = [bare_article(name, language=draw(st.sampled_from(["en", "fr"]))) for name in names]
    pairs = list(combinations(names, 2))
    # Few values: equal links are what a sum in another order could turn into another group.
    probability = st.sampled_from([0.05, 0.2, 0.4, 0.6, 0.6, 0.9, 0.9, 1.0]) | st.floats(0, 1)
    linked = draw(st.dictionaries(st.sampled_from(pairs), probability))
    tied = frozenset(draw(st.sets(st.sampled_from(names), min_size=2, max_size=3)))
    apart = draw(st.sets(st.sampled_from(pairs).map(frozenset), max_size=3))
    return Told(
        window=window_of(articles),
        links=links_of(linked),
        tied=tied,
        apart=frozenset(pair for pair in apart if not pair <= tied),
    )


def shuffled(window: Window, rng: random.Random) -> Window:
    order = rng.sample(range(len(window.articles)), len(window.articles))
    return window_of([window.articles[place] for place in order], window.vectors[order], window.title_vectors[order])


# ---------------------------------------------------------------- what every clusterer promises


@every_clusterer
@settings(max_examples=50)
@given(PAIRS, st.lists(st.sampled_from(NAMES), unique=True))
def test_the_groups_are_disjoint_and_cover_all_ids_and_no_other(
    clusterer: Clusterer, probabilities: Probabilities, ids: list[str]
) -> None:
    groups = clusterer.cluster(window_of(ids), links_of(probabilities))
    assert sorted(article for group in groups for article in group) == sorted(ids)
    assert groups == sorted(groups, key=min)


@every_clusterer
@settings(max_examples=50)
@given(told(), st.randoms(use_true_random=False))
def test_the_order_of_articles_and_links_changes_nothing(
    clusterer: Clusterer, case: Told, rng: random.Random
) -> None:
    links = rng.sample(case.links, len(case.links))
    for constraints in (Constraints(), case.constraints):
        expected = clusterer.cluster(case.window, case.links, constraints)
        assert clusterer.cluster(shuffled(case.window, rng), links, constraints) == expected


@every_clusterer
@settings(max_examples=50)
@given(told())
def test_what_people_said_holds(clusterer: Clusterer, case: Told) -> None:
    groups = clusterer.cluster(case.window, case.links, case.constraints)
    assert sorted(article for group in groups for article in group) == sorted(case.window.ids)
    assert any(case.tied <= group for group in groups)
    assert not any(pair <= group for pair in case.apart for group in groups)


# Average linkage takes another way when something was said, on which equal averages may join in another order.
@pytest.mark.parametrize("clusterer", [MergeClassifier(), HdbscanClusterer()], ids=["learned joins", "density"])
@settings(max_examples=50)
@given(told(), st.data())
def test_to_keep_apart_what_is_apart_already_or_to_speak_of_absent_articles_changes_nothing(
    clusterer: Clusterer, case: Told, data: st.DataObject
) -> None:
    free = clusterer.cluster(case.window, case.links)
    apart = frozenset(
        frozenset((data.draw(st.sampled_from(sorted(one))), data.draw(st.sampled_from(sorted(other)))))
        for one, other in combinations(free, 2)
    )
    absent = frozenset({"a0", "absent"})
    said = Constraints(together=(frozenset({"a1", "absent too"}),), apart=apart | {absent})
    assert clusterer.cluster(case.window, case.links, said) == free


@every_clusterer
def test_to_tie_what_is_together_already_changes_nothing(clusterer: Clusterer) -> None:
    links = links_of({("a", "b"): 0.9, ("b", "c"): 0.8, ("a", "c"): 0.85})
    free = clusterer.cluster(window_of("abcd"), links)
    assert free == [set("abc"), set("d")]
    bound = Constraints(together=(frozenset("ab"),), apart=frozenset({frozenset("ad")}))
    assert clusterer.cluster(window_of("abcd"), links, bound) == free


@every_clusterer
@settings(max_examples=50)
@given(told(), st.integers(1, 4), st.floats(0, 1))
def test_unrelated_articles_change_no_group(
    clusterer: Clusterer, case: Told, strangers: int, probability: float
) -> None:
    # Some come before and some after the others, so that nothing can hang on positions.
    names = [f"{'A' if number % 2 else 'z'}{number}" for number in range(strangers)]
    among = links_of(dict.fromkeys(combinations(sorted(names), 2), probability))
    both = window_of([*(bare_article(name) for name in names), *case.window.articles])
    groups = clusterer.cluster(both, [*case.links, *among], case.constraints)
    alone = clusterer.cluster(case.window, case.links, case.constraints)
    assert [group for group in groups if not group & set(names)] == alone


@every_clusterer
def test_no_articles_are_no_groups(clusterer: Clusterer) -> None:
    assert clusterer.cluster(window_of([]), []) == []


@every_clusterer
def test_three_articles_linked_all_round_are_one_group_and_a_stranger_is_none_of_it(clusterer: Clusterer) -> None:
    links = links_of(dict.fromkeys(combinations("abc", 2), 0.95))
    assert clusterer.cluster(window_of("abcd"), links) == [set("abc"), set("d")]


# ---------------------------------------------------------------- average linkage


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
    assert set(AverageLinkage(cut=cut).cluster(window_of(NAMES), links_of(probabilities))) == expected


def test_a_chain_of_strong_links_holds_no_group_together() -> None:
    links = links_of({("a", "b"): 0.9, ("b", "c"): 0.89})
    assert AverageLinkage(cut=0.5).cluster(window_of("abc"), links) == [{"a", "b"}, {"c"}]


def test_a_weak_link_between_two_of_three_does_not_part_them() -> None:
    links = links_of({("a", "b"): 0.9, ("b", "c"): 0.9, ("a", "c"): 0.3})
    assert AverageLinkage(cut=0.5).cluster(window_of("abc"), links) == [{"a", "b", "c"}]


@pytest.mark.parametrize(("probability", "groups"), [(0.2, 1), (0.1999, 2)])
def test_a_pair_holds_together_from_the_cut_on(probability: float, groups: int) -> None:
    assert len(AverageLinkage(cut=0.2).cluster(window_of("ab"), links_of({("a", "b"): probability}))) == groups


# ---------------------------------------------------------------- the middle of a group


def test_the_most_central_is_nearest_to_the_mean_and_the_first_of_equals() -> None:
    vectors = np.array([[1, 0], [0.6, 0.8], [0, 1], [0.6, 0.8]], np.float32)
    assert most_central(["east", "between", "north", "twin"], vectors) == "between"
    assert most_central(["one"], vectors[:1]) == "one"
