"""Contracts of the replaceable stages: run them in the tests of a stage that you write.

    from newsclust.testing import check_embedder

    def test_my_embedder_keeps_the_contract():
        check_embedder(MyEmbedder())

Each function returns None when the contract holds and raises ContractError, naming the broken promise, when not. The
inputs are made here: no network, no files, and no model but the stage's own.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from newsclust.embed import Embedder
from newsclust.errors import ParseError
from newsclust.extract import Extractor
from newsclust.model import (
    Article,
    ArticleInput,
    Constraints,
    DateQuality,
    Feed,
    Fetch,
    Link,
    Page,
    Request,
    RequestKind,
    TextSource,
    Window,
    id_of,
)
from newsclust.sources.document import SourceDocument
from newsclust.sources.registry import Source
from newsclust.stories.clustering import Clusterer
from newsclust.stories.pairs import Linker

__all__ = [
    "ContractError",
    "check_clusterer",
    "check_embedder",
    "check_extractor",
    "check_linker",
    "check_source",
    "sample_window",
]

_MODEL = "multilingual-e5-small-latin-q4/128"  # the default model, whose vectors every stage of ours accepts
_DIMENSIONS = 384
_UNIT = 1e-3  # how far a vector's length may be from 1
_MOST_REQUESTS = 50  # of one poll
_SAME = 1e-3  # how far two vectors of one text may differ: batches are padded differently
_TEXTS = (
    "A chip maker opens a factory near Lyon.",
    "Un fabricant de puces ouvre une usine près de Lyon.",
    "The regulator fines a search engine.",
    "",
    "\u202econtrol \x07 characters \U0001f680",
    "a long text " * 3000,
)
_PAGE = (
    "<html><head><title>{title}</title></head><body><article><h1>{title}</h1>"
    + "".join(
        f"<p>{{title}} is told here in paragraph {number}, in words that nobody else uses.</p>" for number in range(9)
    )
    + "</article></body></html>"
)


class ContractError(AssertionError):
    """A stage broke a promise of its protocol; the message names the promise."""


def check_embedder(embedder: Embedder) -> None:
    """Check that vectors are finite, of unit length, of one size, and depend on their text alone."""
    _require(isinstance(embedder.name, str) and bool(embedder.name.strip()), "name is a text that is not blank")
    _require(isinstance(embedder.dimensions, int) and embedder.dimensions > 0, "dimensions is a positive integer")
    with _promise("no text is refused, be it empty, long or full of control characters"):
        vectors = embedder.embed(_TEXTS)
    _require(vectors.shape == (len(_TEXTS), embedder.dimensions), "the shape is (len(texts), dimensions)")
    _require(vectors.dtype == np.float32, "vectors are float32")
    _require(bool(np.isfinite(vectors).all()), "vectors are finite")
    _require(bool(np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=_UNIT)), "vectors have unit length")
    _require(embedder.embed([]).shape == (0, embedder.dimensions), "no texts give shape (0, dimensions)")
    turned = embedder.embed(_TEXTS[::-1])[::-1]
    _require(bool(np.allclose(vectors, turned, atol=_SAME)), "row n belongs to text n, whatever the order of input")
    alone = np.concatenate([embedder.embed([text]) for text in _TEXTS[:3]])
    _require(bool(np.allclose(vectors[:3], alone, atol=_SAME)), "a text's vector depends on no other text")
    _require(bool(np.allclose(vectors, embedder.embed(_TEXTS), atol=_SAME)), "the same texts give the same vectors")


def check_linker(linker: Linker) -> None:
    """Check that pairs are ordered, probable within [0, 1], independent of the input's order, and judged once."""
    _require(isinstance(linker.name, str) and bool(linker.name.strip()), "name is a text that is not blank")
    window = sample_window()
    links = linker.link(window)
    pairs = [(link.article_a, link.article_b) for link in links]
    _require(all(a < b for a, b in pairs), "article_a < article_b in every link")
    _require(pairs == sorted(set(pairs)), "links are ordered by their ids, each pair once")
    _require({name for pair in pairs for name in pair} <= set(window.ids), "links name articles of the window alone")
    _require(all(0 <= link.probability <= 1 for link in links), "probabilities lie within 0 and 1")
    _require(
        all(math.isfinite(value) for link in links for value in link.evidence.values()), "evidence is finite numbers"
    )
    turned = linker.link(_turned(window))
    _require(
        [(link.article_a, link.article_b) for link in turned] == pairs, "the order of the window changes no pair"
    )
    _require(
        all(math.isclose(a.probability, b.probability, abs_tol=1e-6) for a, b in zip(links, turned, strict=True)),
        "the order of the window changes no probability",
    )
    fresh = set(window.ids[:2])
    some = {(link.article_a, link.article_b) for link in linker.link(window, fresh)}
    _require(
        some == {pair for pair in pairs if fresh & set(pair)}, "with `fresh`, exactly the pairs that have one of it"
    )
    _require(linker.link(sample_window(articles=0)) == [], "an empty window has no links")


def check_clusterer(clusterer: Clusterer) -> None:
    """Check that groups part the window, honour the constraints and do not depend on the input's order."""
    window = sample_window()
    ids = window.ids
    links = [
        Link(article_a=a, article_b=b, probability=0.95 if place // 3 == other // 3 else 0.03)
        for place, a in enumerate(ids)
        for other, b in enumerate(ids)
        if a < b
    ]
    groups = _groups(clusterer, window, links)
    _require(
        sorted(name for group in groups for name in group) == sorted(ids), "each article is in exactly one group"
    )
    _require(_groups(clusterer, window, links) == groups, "the same input gives the same groups")
    _require(_groups(clusterer, _turned(window), links[::-1]) == groups, "the order of input changes no group")
    _require(_names(clusterer.cluster(window, [])) == sorted(ids), "articles without links are in a group, too")
    _require(clusterer.cluster(sample_window(articles=0), []) == [], "an empty window has no groups")
    together, apart = frozenset({ids[0], ids[-1]}), frozenset({ids[0], ids[1]})
    constrained = _groups(clusterer, window, links, Constraints(together=(together,), apart=frozenset({apart})))
    _require(any(together <= group for group in constrained), "what a person put together stays together")
    _require(not any(apart <= group for group in constrained), "what a person put apart stays apart")
    _require(_names(constrained) == sorted(ids), "constraints lose no article")


def check_extractor(extractor: Extractor) -> None:
    """Check that each input has one outcome, in order, and that no page of a stranger raises."""
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)

    def source(number: int, body: bytes | None, content: str | None) -> ArticleInput:
        url = f"https://site{number}.example/article"
        page = body and Page(
            url=url, final_url=url, fetched_at=now, headers={"content-type": "text/html; charset=utf-8"}, body=body
        )
        return ArticleInput(
            article_id=id_of(url),
            url=url,
            title=f"The tale number {number}",
            summary=None,
            content=content,
            language=None,
            feed_title="A feed",
            page=page or None,
        )

    sources = [
        source(0, _PAGE.format(title="The tale number 0").encode(), None),
        source(1, None, "<p>The feed alone tells this tale, in a sentence that is long enough to be read.</p>"),
        source(2, b"\x00\xff not a page", None),
        source(3, b"<html><body>", None),
        source(4, None, None),
    ]
    with _promise("no page of a stranger raises"):
        outcomes = list(extractor.extract(sources))
    _require(len(outcomes) == len(sources), "there is one outcome for each input")
    for given, outcome in zip(sources, outcomes, strict=True):
        _require(outcome.extraction is not None or outcome.error is not None, "an outcome is a text or says why not")
        if outcome.extraction is not None:
            _require(outcome.extraction.article_id == given.article_id, "outcomes come in the order of input")
            is_headline = outcome.extraction.text_source is TextSource.TITLE
            _require(bool(outcome.extraction.text.strip()) != is_headline, "a text that was taken is not blank")
    _require(outcomes[0].extraction is not None and outcomes[1].extraction is not None, "plain articles are read")
    _require(list(extractor.extract([])) == [], "no input has no outcome")


def check_source(source: Source, feed: Feed, body: bytes) -> None:
    """Check a kind of source on a feed of the kind and a document that it answers with.

    Its methods must be pure, recognise without raising, name the feed's item in each request, and refuse garbage with
    a ParseError that names the feed.
    """
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    page = Page(url=feed.url, final_url=feed.url, fetched_at=now, headers={}, body=body)
    garbage = [replace(page, body=bytes_) for bytes_ in (b"", b"\x00\xff\xfe", b"plain words", b"<html><p>a page")]
    _require(bool(source.description.strip()), "description is a text that is not blank")
    _require(all(callable(check) for check in source.options.values()), "each option has a check")
    _require(
        source.poll_url(source.poll_url(feed.url)) == source.poll_url(feed.url), "poll_url changes nothing twice"
    )
    with _promise("matches never raises"):
        answers = [source.matches(url, seen) for url in (feed.url, "no address") for seen in (None, page, *garbage)]
    _require(all(isinstance(answer, bool) for answer in answers), "matches answers yes or no")
    _check_requests(source, feed, page)
    document = source.parse(feed, page)
    _require(isinstance(document, SourceDocument) and bool(document.items), "the document is read, with its items")
    _require(source.parse(feed, page) == document, "the same document is read to the same items")
    for broken in garbage:
        try:
            source.parse(feed, broken)
        except ParseError as error:
            _require(error.item == feed.url, "a ParseError names the feed")
        except Exception as error:
            raise ContractError(f"not kept: garbage is a ParseError ({type(error).__name__}: {error})") from error


def _check_requests(source: Source, feed: Feed, page: Page) -> None:
    request = Request(url=source.poll_url(feed.url), kind=RequestKind.FEED, item_id=feed.id)
    environment = {feed.token_env: "a-token"} if feed.token_env else {}
    steps = source.fetch(request, feed, now=page.fetched_at, environment=environment)
    try:
        asked = next(steps)
        for _ in range(_MOST_REQUESTS):
            _require(asked.item_id == feed.id, "each request keeps the item_id of the one that it serves")
            asked = steps.send(
                Fetch(
                    request=asked,
                    requested_at=page.fetched_at,
                    seconds=0.1,
                    status=200,
                    final_url=asked.url,
                    redirects=0,
                    received_bytes=len(page.body),
                    etag=None,
                    last_modified=None,
                    page=replace(page, url=asked.url, final_url=asked.url),
                )
            )
    except StopIteration as ended:
        _require(isinstance(ended.value, Fetch), "fetch returns the Fetch to store")
        return
    raise ContractError(f"not kept: one poll takes at most {_MOST_REQUESTS} requests")


def sample_window(*, articles: int = 9) -> Window:
    """Return a window of made-up articles: three about each of three events, in two languages and three outlets.

    Vectors have shape (articles, 384), unit length, and the default model's name; those of one event are near.
    """
    events = (
        ("Norvik opens a battery factory in Lille", "Norvik ouvre une usine de batteries à Lille"),
        ("Regulator fines Pelago 40 million euros over ads", "Le régulateur inflige 40 millions d'euros à Pelago"),
        ("Kestrel 3 browser ships with a tab search", "Le navigateur Kestrel 3 gagne une recherche d'onglets"),
    )
    start = datetime(2026, 3, 2, 8, tzinfo=UTC)
    random = np.random.default_rng(20260302)
    directions = _unit(random.normal(size=(len(events), _DIMENSIONS)))
    made, vectors = [], np.zeros((articles, _DIMENSIONS), np.float32)
    for number in range(articles):
        event, copy = divmod(number, 3)
        language = "fr" if copy == 2 else "en"
        title = events[event % len(events)][copy == 2] + (" this week" if copy == 1 else "")
        url = f"https://outlet{copy}.example/{event}"
        made.append(
            Article(
                id=id_of(url),
                url=url,
                canonical_url=url,
                title=title,
                text=f"{title}. It was announced on Monday, and {copy + 2} people who know of it confirmed it.",
                language=language,
                outlet=f"outlet{copy}.example",
                published_at=start + timedelta(hours=number),
                date_quality=DateQuality.GIVEN,
                first_seen_at=start + timedelta(days=1),
            )
        )
        vectors[number] = directions[event % len(events)] + 0.02 * random.normal(size=_DIMENSIONS)
    vectors = _unit(vectors)
    return Window(articles=made, vectors=vectors, title_vectors=vectors, model=_MODEL)


def _unit(matrix: NDArray[np.floating]) -> NDArray[np.float32]:
    norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    return np.asarray(matrix / np.where(norms == 0, 1, norms), np.float32)


def _turned(window: Window) -> Window:
    return Window(
        articles=window.articles[::-1],
        vectors=window.vectors[::-1],
        title_vectors=window.title_vectors[::-1],
        model=window.model,
        words=window.words,
    )


def _groups(
    clusterer: Clusterer, window: Window, links: Sequence[Link], constraints: Constraints | None = None
) -> list[frozenset[str]]:
    found = clusterer.cluster(window, links) if constraints is None else clusterer.cluster(window, links, constraints)
    return sorted(found, key=sorted)


def _names(groups: Sequence[frozenset[str]]) -> list[str]:
    return sorted(name for group in groups for name in group)


def _require(holds: bool, promise: str) -> None:  # noqa: FBT001 - an assertion's condition
    if not holds:
        raise ContractError(f"not kept: {promise}")


@contextmanager
def _promise(words: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise ContractError(f"not kept: {words} ({type(error).__name__}: {error})") from error
