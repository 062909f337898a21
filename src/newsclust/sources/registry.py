"""The kinds of sources: what a feed of each kind is recognised by, which requests it takes, how it is read.

A new kind is one class in one file, and one line in SOURCES. A kind outside of this package needs no line: feeds.toml
names it as `kind = "module:Class"`.
"""

import importlib
from collections.abc import Callable, Generator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Protocol, runtime_checkable

from newsclust.errors import SettingsError
from newsclust.model import Feed, Fetch, Page, Request
from newsclust.sources.document import SourceDocument
from newsclust.sources.feed import FeedSource
from newsclust.sources.greader import GReaderSource
from newsclust.sources.sitemap import SitemapSource
from newsclust.sources.webpage import WebPageSource


@runtime_checkable
class Source(Protocol):
    """One kind of source. Its methods are pure: `fetch` yields requests and is sent what came of them."""

    @property
    def description(self) -> str:
        """Return what an address of this kind is, for people, with the article: "a news sitemap"."""
        ...

    @property
    def options(self) -> Mapping[str, Callable[[str], str]]:
        """Return the keys of feeds.toml that this kind needs, of `select` and `token_env`, each with its check.

        A check returns the value itself and raises ValueError, saying why, when it does not fit.
        """
        ...

    def poll_url(self, url: str) -> str:
        """Return the address to poll for what a person sees at `url`; idempotent."""
        ...

    def matches(self, url: str, page: Page | None = None) -> bool:
        """Return whether the address alone, or what it answered, is of this kind without a doubt."""
        ...

    def fetch(
        self, request: Request, feed: Feed, *, now: datetime, environment: Mapping[str, str]
    ) -> Generator[Request, Fetch, Fetch]:
        """Yield the requests that one poll takes, be sent the Fetch of each, and return the Fetch to store.

        Most kinds take one: `return (yield request)`. Every request keeps the `item_id` of the given one.
        """
        ...

    def parse(self, feed: Feed, page: Page) -> SourceDocument:
        """Return what the page says, in its order; ParseError(feed.url) when it is nothing of this kind."""
        ...


# By the name that feeds.toml and the database have. Recognised in this order; a feed is what is left.
SOURCES: Mapping[str, Source] = {
    "account": GReaderSource(),
    "sitemap": SitemapSource(),
    "page": WebPageSource(),
    "feed": FeedSource(),
}


@lru_cache
def source_of(kind: str) -> Source:
    """Return the source of this kind; SettingsError when there is none of that name, or no such "module:Class"."""
    if kind in SOURCES:
        return SOURCES[kind]
    module, colon, name = kind.partition(":")
    if not colon:
        raise SettingsError(f'{kind!r} is no kind of source: {", ".join(SOURCES)}, or "module:Class"')
    try:
        source = getattr(importlib.import_module(module), name)()
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise SettingsError(f"{kind!r} is no kind of source: {error}") from error
    if not isinstance(source, Source):
        raise SettingsError(f"{kind!r} is no kind of source: it has not all of the protocol's names")
    return source


def matching_kind(url: str, page: Page | None = None) -> str | None:
    """Return the first kind to which the address, or what it answered, belongs without a doubt."""
    return next((kind for kind, source in SOURCES.items() if source.matches(url, page)), None)


def kind_with(option: str) -> str:
    """Return the first kind that needs this option: every option of feeds.toml is some kind's."""
    return next(kind for kind, source in SOURCES.items() if option in source.options)
