"""HDBSCAN in each part that links hold together: noise stands alone, and the order of rows changes nothing."""

import random
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsclust.model import Constraints
from newsclust.stories.clustering import HdbscanClusterer
from tests.factories import links_of, window_of

NORTH, SOUTH = list("abcd"), list("wxyz")
CLUMPS = {**dict.fromkeys(combinations(NORTH, 2), 0.9), **dict.fromkeys(combinations(SOUTH, 2), 0.9)}


@pytest.mark.parametrize("size", [2, 3, 6])
@pytest.mark.parametrize("probability", [0.5, 0.9, 1.0])
def test_a_part_that_is_evenly_linked_is_one_group(size: int, probability: float) -> None:
    names = NORTH[:2] + SOUTH[: size - 2]
    links = links_of(dict.fromkeys(combinations(names, 2), probability))
    assert HdbscanClusterer().cluster(window_of([*names, "q"]), links) == sorted(
        [frozenset(names), frozenset("q")], key=min
    )


def test_two_clumps_that_a_weaker_link_joins_are_two_groups_and_the_noise_between_them_stands_alone() -> None:
    links = links_of(CLUMPS | {("d", "w"): 0.5, ("d", "e"): 0.35, ("d", "f"): 0.35})
    assert HdbscanClusterer().cluster(window_of([*NORTH, *SOUTH, "e", "f"]), links) == [
        set(NORTH),
        {"e"},
        {"f"},
        set(SOUTH),
    ]


def test_links_under_the_weakest_hold_nothing() -> None:
    links = links_of({("a", "b"): 0.39, ("c", "d"): 0.4})
    assert HdbscanClusterer(min_probability=0.4).cluster(window_of(NORTH), links) == [{"a"}, {"b"}, {"c", "d"}]


@settings(max_examples=50)
@given(st.integers(2, 5), st.integers(1, 5), st.integers(0, 10**6))
def test_no_group_is_smaller_than_asked_or_reaches_beyond_what_links_hold_together(
    size: int, samples: int, seed: int
) -> None:
    rng = random.Random(seed)
    names = [f"a{number}" for number in range(10)]
    part = {name: rng.randrange(3) for name in names}
    links = links_of(
        {
            (a, b): rng.choice([0.3, 0.5, 0.9, 1.0]) if part[a] == part[b] else 0.2
            for a, b in combinations(names, 2)
            if rng.random() < 0.6
        }
    )
    groups = HdbscanClusterer(min_cluster_size=size, min_samples=samples).cluster(window_of(names), links)
    assert all(len(group) == 1 or len(group) >= size for group in groups)
    assert all(len({part[name] for name in group}) == 1 for group in groups)


def test_tied_articles_of_several_groups_leave_them_for_one_of_their_own() -> None:
    said = Constraints(together=(frozenset("dw"),))
    assert HdbscanClusterer().cluster(window_of(NORTH + SOUTH), links_of(CLUMPS), said) == [
        set("abc"), set("dw"), set("xyz"),
    ]  # fmt: skip


def test_of_two_articles_held_apart_the_later_leaves_with_those_tied_to_it() -> None:
    said = Constraints(together=(frozenset("cd"),), apart=frozenset({frozenset("ad")}))
    assert HdbscanClusterer().cluster(window_of(NORTH), links_of(CLUMPS), said) == [set("ab"), set("cd")]


def test_groups_of_one_are_refused_as_a_smallest_size() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        HdbscanClusterer(min_cluster_size=1)
