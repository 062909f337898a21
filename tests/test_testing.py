"""The contracts accept our own stages, and name the promise that a broken one breaks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from newsclust.extract import TrafilaturaExtractor
from newsclust.model import Constraints, Feed, Link, Page, Window
from newsclust.sources.document import SourceDocument, SourceItem
from newsclust.sources.feed import FeedSource
from newsclust.sources.sitemap import SitemapSource
from newsclust.sources.webpage import WebPageSource
from newsclust.stories.clustering import AverageLinkage, Clusterer, HdbscanClusterer, MergeClassifier
from newsclust.stories.pairs import CentredCosine, Linker, PairModel
from newsclust.testing import (
    ContractError,
    check_clusterer,
    check_embedder,
    check_extractor,
    check_linker,
    check_source,
    sample_window,
)
from tests.fakes import DirectionEmbedder, HashingEmbedder, PlainExtractor, TaggedEmbedder
from tests.sources.release_notes import ReleaseNotes


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


RSS = b"""<rss version="2.0"><channel><title>Boats</title>
<item><title>A ferry runs on waste heat</title><link>https://boats.example/1</link></item></channel></rss>"""
NEWS = b"""<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
  xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"><url><loc>https://boats.example/1</loc>
<news:news><news:publication><news:name>Boats</news:name><news:language>en</news:language></news:publication>
<news:publication_date>2026-03-02</news:publication_date><news:title>A ferry</news:title></news:news>
</url></urlset>"""
LIST = b'<html><body><h2><a href="/1">A ferry runs on waste heat</a></h2></body></html>'
NOTES = b"2026-03-02T10:00:00Z | Version 2 | /notes/2 | It starts in half the time.\n"


@pytest.mark.parametrize(
    ("source", "body"),
    [(FeedSource(), RSS), (SitemapSource(), NEWS), (WebPageSource(), LIST), (ReleaseNotes(), NOTES)],
    ids=lambda value: type(value).__name__,
)
def test_our_kinds_of_sources_keep_the_contract_of_sources(source: Any, body: bytes) -> None:
    select = "h2 a" if isinstance(source, WebPageSource) else None
    check_source(source, Feed(id="1", url="https://boats.example/feed", title="Boats", select=select), body)


class _Restless(FeedSource):
    """A kind of source that adds to an address each time."""

    def poll_url(self, url: str) -> str:
        return f"{url}?again"


class _Frightened(FeedSource):
    """A kind of source that lets garbage out as any error."""

    def parse(self, feed: Feed, page: Page) -> SourceDocument:
        if not page.body.startswith(b"<rss"):
            raise KeyError(feed.id)
        return SourceDocument(title=None, items=(SourceItem(link="https://boats.example/1", title="A ferry"),))


@pytest.mark.parametrize(
    ("source", "promise"),
    [(_Restless(), "poll_url changes nothing twice"), (_Frightened(), "garbage is a ParseError")],
)
def test_a_broken_kind_of_source_is_told_which_promise_it_breaks(source: FeedSource, promise: str) -> None:
    with pytest.raises(ContractError, match=promise):
        check_source(source, Feed(id="1", url="https://boats.example/feed", title="Boats"), RSS)


class _Doubling(CentredCosine):
    """A linker that names each pair twice."""

    def link(self, window: Window, fresh: object = None) -> list[Link]:
        return [link for link in super().link(window) for _ in range(2)]


def test_a_broken_linker_is_told_which_promise_it_breaks() -> None:
    with pytest.raises(ContractError, match="each pair once"):
        check_linker(_Doubling())
