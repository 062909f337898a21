"""How far two articles may tell one story: by centred cosine, near in time, whatever their order."""

import random
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from newsclust.model import Link
from newsclust.stories.pairs import CentredCosine
from newsclust.stories.pairs import cosine as links_module
from tests.factories import bare_article, window_of


def directions(seed: int, count: int, dimensions: int = 8) -> NDArray[np.float32]:
    drawn = np.random.default_rng(seed).normal(size=(count, dimensions)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def pairs(found: Sequence[Link]) -> set[tuple[str, str]]:
    return {(link.article_a, link.article_b) for link in found}


@given(st.integers(0, 999), st.integers(0, 12), st.randoms(use_true_random=False))
def test_the_order_of_articles_changes_nothing(seed: int, count: int, rng: random.Random) -> None:
    articles = [bare_article(f"a{i:02}", days=rng.uniform(0, 8)) for i in range(count)]
    vectors = directions(seed, count)
    order = list(range(count))
    rng.shuffle(order)
    found = CentredCosine(floor=0).link(window_of(articles, vectors, model="any"))
    shuffled = CentredCosine(floor=0).link(window_of([articles[i] for i in order], vectors[order], model="any"))
    assert pairs(shuffled) == pairs(found)
    np.testing.assert_allclose(
        [link.probability for link in shuffled], [link.probability for link in found], atol=1e-5
    )


@given(st.integers(0, 999), st.integers(0, 12), st.floats(0, 1), st.floats(-30, 30), st.floats(-30, 30))
def test_a_link_names_two_articles_in_order_once_with_a_probability_over_the_floor(
    seed: int, count: int, floor: float, slope: float, offset: float
) -> None:
    articles = [bare_article(f"a{i:02}") for i in range(count)]
    found = CentredCosine(slope=slope, offset=offset, floor=floor).link(
        window_of(articles, directions(seed, count), model="any")
    )
    assert all(link.article_a < link.article_b and floor - 1e-6 <= link.probability <= 1 for link in found)
    assert all((one.article_a, one.article_b) < (two.article_a, two.article_b) for one, two in pairwise(found))


@given(st.floats(-20, 20), st.floats(0, 9))
def test_only_pairs_near_in_time_are_linked(apart: float, most: float) -> None:
    articles = [bare_article("a"), bare_article("b", days=apart), bare_article("c")]
    vectors = np.eye(2, dtype=np.float32)[[0, 0, 1]]
    found = CentredCosine(days_apart=most).link(window_of(articles, vectors, model="any"))
    if abs(abs(apart) - most) > 1e-4:  # datetimes hold microseconds
        assert (("a", "b") in pairs(found)) == (abs(apart) < most)


def test_two_articles_that_say_the_same_are_linked_and_two_that_do_not_are_not() -> None:
    articles = [bare_article("a"), bare_article("b"), bare_article("c")]
    (link,) = CentredCosine().link(window_of(articles, np.eye(2, dtype=np.float32)[[0, 0, 1]], model="any"))
    assert (link.article_a, link.article_b) == ("a", "b")
    assert link.probability > 0.99
    assert link.evidence == {"cosine": 1.0, "days_apart": 0.0}


def test_blocks_of_rows_give_the_links_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    articles, vectors = [bare_article(f"a{i:02}") for i in range(10)], directions(3, 10)
    whole = CentredCosine(floor=0).link(window_of(articles, vectors, model="any"))
    monkeypatch.setattr(links_module, "_BLOCK", 3)
    in_blocks = CentredCosine(floor=0).link(window_of(articles, vectors, model="any"))
    assert len(whole) == 45
    assert pairs(in_blocks) == pairs(whole)
    np.testing.assert_allclose(
        [link.probability for link in in_blocks], [link.probability for link in whole], atol=1e-6
    )


def test_an_unrelated_article_changes_no_link_of_the_default_model() -> None:
    articles, vectors = [bare_article(f"a{i}") for i in range(6)], directions(1, 6, 384)
    before = CentredCosine(floor=0).link(window_of(articles[:5], vectors[:5]))
    after = {
        (x.article_a, x.article_b): x.probability for x in CentredCosine(floor=0).link(window_of(articles, vectors))
    }
    assert len(before) == 10
    for link in before:
        assert after[link.article_a, link.article_b] == pytest.approx(link.probability, abs=1e-6)


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_articles_have_no_links(count: int) -> None:
    assert CentredCosine().link(window_of([bare_article("a")][:count], directions(0, count), model="any")) == []


@given(st.sets(st.integers(0, 7)))
def test_cosines_of_what_is_new_are_those_of_all_at_once(tonight: set[int]) -> None:
    articles, vectors = [bare_article(f"a{i}") for i in range(8)], directions(5, 8, dimensions=384)
    linker = CentredCosine(floor=0)
    before = [place for place in range(8) if place not in tonight]
    links = linker.link(window_of([articles[i] for i in before], vectors[before]))
    links += linker.link(window_of(articles, vectors), {articles[i].id for i in tonight})
    assert sorted(pairs(links)) == sorted(pairs(linker.link(window_of(articles, vectors))))
