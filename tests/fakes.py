"""Test doubles: they fill the Protocols of the package without models, networks or clocks."""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from newsclust.errors import FetchError, Reason, SettingsError
from newsclust.extract import ExtractOutcome
from newsclust.extract.page import PageText
from newsclust.extract.select_text import select_text
from newsclust.fetch import HttpFetcher
from newsclust.model import ArticleInput, Fetch, Page, Request, RequestKind
from newsclust.text.html_to_text import html_to_text
from tests.factories import BUNDLED, drawn_direction


class HashingEmbedder:
    """An Embedder that only sees which words two texts share: each word counts in one of 64 dimensions.

    Feature hashing (Weinberger et al., 2009) without signs, so that no vector can be zero. Equal in every
    process; a text without words has one direction of its own.
    """

    name = "hashed-words"
    dimensions = 64

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            for word in re.findall(r"\w+", text.casefold()) or [""]:
                vector[blake2b(word.encode(), digest_size=1).digest()[0] % self.dimensions] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class TaggedEmbedder:
    """An Embedder that knows what a text tells by its first tag, "#0" to "#11".

    Texts of one tag are equal to it. Six tags make a theme: texts of two tags have a little in common within a
    theme, and nothing across.
    """

    name = "tags"
    dimensions = 16

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        axes, tags = np.eye(self.dimensions, dtype=np.float32), [re.search(r"#(\d+)", text) for text in texts]
        numbers = np.array([int(tag[1]) if tag else 0 for tag in tags], np.int64)
        vectors = axes[numbers] + 0.7 * axes[12 + numbers // 6]
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class DirectionEmbedder:
    """An Embedder under the default model's name, to whom every text has a direction of its own."""

    name = BUNDLED
    dimensions = 384

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([drawn_direction(text) for text in texts]) if texts else np.zeros((0, 384), np.float32)


class PlainExtractor:
    """An Extractor without processes, to whom a page is its text without the tags."""

    def extract(self, sources: Sequence[ArticleInput]) -> Iterator[ExtractOutcome]:
        for source in sources:
            page = source.page and PageText(
                text=html_to_text(source.page.body.decode(errors="replace")),
                title=None,
                author=None,
                site_name=None,
                canonical=None,
                notice=None,
            )
            yield select_text(source, page, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one address answers; `reason` is for those that do not answer with a page."""

    body: str = ""
    status: int | None = 200
    etag: str | None = None
    reason: Reason | None = None


class DictFetcher:
    """A Fetcher to whom the web is a dict: 404 elsewhere, 304 for those who hold the present validator."""

    def __init__(self, web: Mapping[str, Answer], clock: Callable[[], datetime]) -> None:
        self.web = web
        self.clock = clock
        self.asked: list[str] = []

    def fetch(self, requests: Sequence[Request]) -> Iterator[Fetch]:
        for request in requests:
            if request.kind is not RequestKind.ROBOTS:
                self.asked.append(request.url)
            answer = self.web.get(request.url, Answer(status=404, reason=Reason.NOT_FOUND))
            at = self.clock()
            unmodified = answer.etag is not None and request.etag == answer.etag
            page = Page(
                url=request.url,
                final_url=request.url,
                fetched_at=at,
                headers={"content-type": "text/xml; charset=utf-8"},
                body=answer.body.encode(),
            )
            yield Fetch(
                request=request,
                requested_at=at,
                seconds=0.01,
                status=304 if unmodified else answer.status,
                final_url=request.url,
                redirects=0,
                received_bytes=0 if unmodified or answer.reason else len(page.body),
                etag=answer.etag,
                last_modified=None,
                page=None if unmodified or answer.reason else page,
                error=FetchError(request.url, answer.reason, f"status {answer.status}") if answer.reason else None,
            )


class StumblingFetcher:
    """An HttpFetcher whose first call is an OSError, as on a machine that has just woken up."""

    def __init__(self, *, user_agent: str, connect_to: dict[str, str], clock: Callable[[], datetime]) -> None:
        self.fetcher = HttpFetcher(user_agent=user_agent, connect_to=connect_to, host_pause_s=0, clock=clock)
        self.calls = 0

    def fetch(self, requests: Sequence[Request]) -> Iterator[Fetch]:
        self.calls += 1
        if self.calls == 1:
            raise OSError("the network is not up yet")
        return self.fetcher.fetch(requests)


class RefusingEmbedder:
    """A TaggedEmbedder that a person must put right: it fails at each use, with the error named."""

    name = TaggedEmbedder.name
    dimensions = TaggedEmbedder.dimensions

    def __init__(self, *, wrong_settings: bool) -> None:
        self.error = SettingsError("no such model") if wrong_settings else MemoryError("no room for the model")

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        raise self.error


class HangingExtractor:
    """A PlainExtractor that hangs after its first article; the file `reached` says that it does."""

    def __init__(self, *, reached: str) -> None:
        self.reached = Path(reached)

    def extract(self, sources: Sequence[ArticleInput]) -> Iterator[ExtractOutcome]:
        yield from PlainExtractor().extract(sources[:1])
        _hang(self.reached)


class HangingEmbedder:
    """A TaggedEmbedder that hangs; the file `reached` says that it does."""

    name = TaggedEmbedder.name
    dimensions = TaggedEmbedder.dimensions

    def __init__(self, *, reached: str) -> None:
        self.reached = Path(reached)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        _hang(self.reached)
        raise AssertionError("nobody ended this process")


def _hang(reached: Path) -> None:
    reached.touch()
    time.sleep(120)  # bounded, should the test that waits for it be gone
