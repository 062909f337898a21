"""The contracts accept our own stages, and name the promise that a broken one breaks."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from newsclust.extract import TrafilaturaExtractor
from newsclust.model import Constraints, Link, Window
from newsclust.stories.clustering import AverageLinkage, Clusterer, HdbscanClusterer, MergeClassifier
from newsclust.stories.pairs import CentredCosine, Linker, PairModel
from newsclust.testing import (
    ContractError,
    check_clusterer,
    check_embedder,
    check_extractor,
    check_linker,
    sample_window,
)
from tests.fakes import DirectionEmbedder, HashingEmbedder, PlainExtractor, TaggedEmbedder


@pytest.mark.parametrize("embedder", [HashingEmbedder(), TaggedEmbedder(), DirectionEmbedder()])
def test_our_test_embedders_keep_the_contract_of_embedders(embedder: HashingEmbedder) -> None:
    check_embedder(embedder)


@pytest.mark.parametrize(
    "clusterer", [AverageLinkage(), HdbscanClusterer(), MergeClassifier()], ids=lambda c: type(c).__name__
)
def test_our_clusterers_keep_the_contract_of_clusterers(clusterer: Clusterer) -> None:
    check_clusterer(clusterer)


@pytest.mark.parametrize("linker", [CentredCosine(), PairModel()], ids=lambda c: type(c).__name__)
def test_our_linkers_keep_the_contract_of_linkers(linker: Linker) -> None:
    check_linker(linker)


@pytest.mark.parametrize("extractor", [PlainExtractor, TrafilaturaExtractor])
def test_our_extractors_keep_the_contract_of_extractors(extractor: type[TrafilaturaExtractor]) -> None:
    check_extractor(extractor())


def test_the_sample_window_holds_three_events_in_two_languages() -> None:
    window = sample_window()
    assert len(window.articles) == 9
    assert {article.language for article in window.articles} == {"en", "fr"}
    cosines = window.vectors @ window.vectors.T
    assert cosines[0, 1] > 0.8 > 0.3 > cosines[0, 3]


class _Broken(HashingEmbedder):
    """An embedder that can be broken in one way at a time."""

    def __init__(self, how: str) -> None:
        self.how = how
        self.calls = 0

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.calls += 1
        if self.how == "refuses" and "" in texts:
            raise ValueError("an empty text")
        vectors = super().embed(texts)
        match self.how:
            case "length":
                return vectors * 2
            case "double":
                return vectors.astype(np.float64)
            case "shape":
                return vectors[:, :10]
            case "order":
                return vectors[np.argsort([len(text) for text in texts])] if len(texts) else vectors
            case "forgetful":
                return vectors[:, np.random.default_rng(self.calls).permutation(self.dimensions)]
        return vectors


@pytest.mark.parametrize(
    ("how", "promise"),
    [
        ("length", "unit length"),
        ("double", "float32"),
        ("shape", "the shape is"),
        ("order", "row n belongs to text n"),
        ("forgetful", "whatever the order of input"),
        ("refuses", "no text is refused"),
    ],
)
def test_a_broken_embedder_is_told_which_promise_it_breaks(how: str, promise: str) -> None:
    with pytest.raises(ContractError, match=promise):
        check_embedder(_Broken(how))


class _Forgetting:
    """A clusterer that loses the last article."""

    def cluster(
        self, window: Window, links: Sequence[Link], constraints: Constraints | None = None
    ) -> list[frozenset[str]]:
        return [frozenset({name}) for name in window.ids[:-1]]


class _Unbidden:
    """A clusterer that does not listen to people."""

    def cluster(
        self, window: Window, links: Sequence[Link], constraints: Constraints | None = None
    ) -> list[frozenset[str]]:
        return [frozenset({name}) for name in window.ids]


@pytest.mark.parametrize(
    ("clusterer", "promise"), [(_Forgetting(), "in exactly one group"), (_Unbidden(), "stays together")]
)
def test_a_broken_clusterer_is_told_which_promise_it_breaks(clusterer: Clusterer, promise: str) -> None:
    with pytest.raises(ContractError, match=promise):
        check_clusterer(clusterer)


class _Doubling(CentredCosine):
    """A linker that names each pair twice."""

    def link(self, window: Window, fresh: object = None) -> list[Link]:
        return [link for link in super().link(window) for _ in range(2)]


def test_a_broken_linker_is_told_which_promise_it_breaks() -> None:
    with pytest.raises(ContractError, match="each pair once"):
        check_linker(_Doubling())
