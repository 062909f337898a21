"""Vectors without what all news shares: of unit length, and for the default model whatever else is there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from newsclust.centering import Part, both_parts, centre, is_shipped_for, shipped_mean
from tests.factories import BUNDLED, window_of


def directions(seed: int, count: int, dimensions: int = 8) -> NDArray[np.float32]:
    drawn = np.random.default_rng(seed).normal(size=(count, dimensions)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


@given(st.integers(0, 999), st.integers(2, 9), st.sampled_from([("any", 8), (BUNDLED, 384)]))
def test_centring_leaves_unit_length(seed: int, count: int, made_by: tuple[str, int]) -> None:
    model, dimensions = made_by
    for part in Part:
        centred = centre(directions(seed, count, dimensions), model, part)
        assert (centred.shape, centred.dtype) == ((count, dimensions), np.float32)
        np.testing.assert_allclose(np.linalg.norm(centred, axis=1), 1, atol=1e-6)


def test_a_text_like_the_mean_is_left_without_direction() -> None:
    np.testing.assert_array_equal(centre(directions(5, 1).repeat(3, axis=0), "any"), np.zeros((3, 8)))
    for part in Part:
        np.testing.assert_array_equal(centre(shipped_mean(part)[None], BUNDLED, part), np.zeros((1, 384)))


def test_the_mean_of_an_unknown_model_is_that_of_the_window() -> None:
    vectors = directions(1, 5)
    moved = vectors - vectors.mean(axis=0)
    np.testing.assert_allclose(
        centre(vectors, "any"), moved / np.linalg.norm(moved, axis=1, keepdims=True), atol=1e-6
    )


@given(st.integers(0, 999), st.integers(1, 6), st.integers(0, 6))
def test_with_the_default_model_an_unrelated_article_changes_no_other(seed: int, count: int, more: int) -> None:
    vectors = directions(seed, count + more, 384)
    np.testing.assert_allclose(centre(vectors, BUNDLED)[:count], centre(vectors[:count], BUNDLED), atol=1e-6)


def test_titles_have_a_mean_of_their_own() -> None:
    vectors = directions(2, 3, 384)
    assert shipped_mean(Part.TITLE).shape == shipped_mean(Part.TEXT).shape == (384,)
    assert np.abs(centre(vectors, BUNDLED, Part.TITLE) - centre(vectors, BUNDLED, Part.TEXT)).max() > 1e-3


def test_no_vectors_have_no_centre() -> None:
    assert centre(np.zeros((0, 384), np.float32), BUNDLED).shape == (0, 384)
    assert both_parts(window_of([])).shape == (0, 768)


@given(st.integers(0, 999), st.integers(2, 6), st.sampled_from([("any", 8), (BUNDLED, 384)]))
def test_both_parts_weigh_the_same_and_their_cosine_is_the_mean_of_both(
    seed: int, count: int, made_by: tuple[str, int]
) -> None:
    model, dimensions = made_by
    text, title = directions(seed, count, dimensions), directions(seed + 1, count, dimensions)
    both = both_parts(window_of([f"a{n}" for n in range(count)], text, title, model))
    assert (both.shape, both.dtype) == ((count, 2 * dimensions), np.float32)
    np.testing.assert_allclose(np.linalg.norm(both, axis=1), 1, atol=1e-6)
    titles, texts = centre(title, model, Part.TITLE), centre(text, model, Part.TEXT)
    np.testing.assert_allclose(both @ both.T, (titles @ titles.T + texts @ texts.T) / 2, atol=1e-5)


def test_a_title_without_direction_leaves_the_text_half_the_weight() -> None:
    window = window_of("a", directions(3, 1, 384), shipped_mean(Part.TITLE)[None])
    (both,) = both_parts(window)
    assert not both[:384].any()
    assert np.linalg.norm(both) == pytest.approx(np.sqrt(0.5))


@pytest.mark.parametrize(("model", "known"), [(BUNDLED, True), ("any", False), ("other-e5-small", False)])
def test_what_ships_was_made_with_vectors_of_the_bundled_model(model: str, known: bool) -> None:
    assert is_shipped_for(model) is known
