"""News sitemaps (sitemaps.org/protocol.html, and Google's namespace for news)."""

import re
import zlib
from collections.abc import Callable, Generator, Mapping
from datetime import datetime
from typing import Any

from newsclust.errors import ParseError, Reason
from newsclust.model import Feed, Fetch, Page, Request
from newsclust.sources.document import SourceDocument, SourceItem

_NEWS = "{http://www.google.com/schemas/sitemap-news/0.9}"
_GZIP_MARK = b"\x1f\x8b"
_UNPACKED_BYTES = 50_000_000  # the most that sitemaps.org allows
_NEWS_NAME = re.compile("news|actu", re.IGNORECASE)
_REFERENCE = re.compile(rb"&#(?:x0*([0-9a-f]{1,8})|0*([0-9]{1,8}));", re.IGNORECASE)


class SitemapSource:
    """A news sitemap: addresses, titles and dates, without texts."""

    description = "a news sitemap"
    options: Mapping[str, Callable[[str], str]] = {}

    def poll_url(self, url: str) -> str:
        """Return the address itself."""
        return url

    def matches(self, url: str, page: Page | None = None) -> bool:
        """Return whether the document calls itself a sitemap, or an index of them."""
        return page is not None and is_sitemap(page.body)

    def fetch(
        self, request: Request, feed: Feed, *, now: datetime, environment: Mapping[str, str]
    ) -> Generator[Request, Fetch, Fetch]:
        """Make one request."""
        return (yield request)

    def parse(self, feed: Feed, page: Page) -> SourceDocument:
        """Return the articles that the sitemap names; those without a title are left out, and counted.

        ParseError with EMPTY, or NOT_A_FEED for what is no sitemap, an index of sitemaps, or one without news in it.
        """
        return _read_sitemap(feed.url, page.body)


def _read_sitemap(url: str, body: bytes) -> SourceDocument:
    root = _root(url, body)
    name = _local(root)
    if name == "sitemapindex":
        parts = [text for text in (_text(part, "loc") for part in root) if text]
        raise ParseError(url, Reason.NOT_A_FEED, f"an index of sitemaps, such as {', '.join(parts[:3])}")
    if name != "urlset":
        raise ParseError(url, Reason.NOT_A_FEED, f"<{name}> is no sitemap")
    articles = [(address, news) for address in root if (news := address.find(f"{_NEWS}news")) is not None]
    if not articles:
        raise ParseError(url, Reason.NOT_A_FEED, "a sitemap without news (news:news)")
    others = sum(1 for _ in root.iterchildren("{*}url")) - len(articles)
    return SourceDocument(
        title=next((outlet for _, news in articles if (outlet := _news(news, "publication", "name"))), None),
        language=next((code for _, news in articles if (code := _news(news, "publication", "language"))), None),
        items=tuple(_item(address, news) for address, news in articles),
        warnings=(f"addresses without news: {others}",) if others else (),
    )


def is_sitemap(body: bytes) -> bool:
    """Return whether the document calls itself a sitemap, or an index of them."""
    beginning = body[:2000] if not body.startswith(_GZIP_MARK) else _unpacked(body, 2000)
    return b"<urlset" in beginning or b"<sitemapindex" in beginning


def sitemaps_in(body: bytes) -> tuple[str, ...]:
    """Return the addresses that an index of sitemaps names, those named like news first; none if it is no index."""
    try:
        root = _root("", body)
    except ParseError:
        return ()
    if _local(root) != "sitemapindex":
        return ()
    parts = (text for part in root if (text := _text(part, "loc")))
    return tuple(sorted(dict.fromkeys(parts), key=lambda url: not is_news_address(url)))


def is_news_address(url: str) -> bool:
    """Return whether a sitemap's address says that it holds news, in English or in French."""
    return _NEWS_NAME.search(url.partition("//")[2].partition("/")[2]) is not None


def _item(address: Any, news: Any) -> SourceItem:
    return SourceItem(
        link=_text(address, "loc"),
        title=_news(news, "title") or "",
        language=_news(news, "publication", "language"),
        published=_news(news, "publication_date"),
        updated=_text(address, "lastmod"),
    )


def _root(url: str, body: bytes) -> Any:
    from lxml import etree

    if not body.strip():
        raise ParseError(url, Reason.EMPTY, f"{len(body)} bytes")
    parser = etree.XMLParser(
        recover=True, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
    )
    try:
        written = _unpacked(body, _UNPACKED_BYTES) if body.startswith(_GZIP_MARK) else body
        root = etree.fromstring(_REFERENCE.sub(_no_surrogate, written), parser)
    except etree.XMLSyntaxError as error:
        raise ParseError(url, Reason.NOT_A_FEED, f"no XML: {error.msg}") from error
    if root is None:
        raise ParseError(url, Reason.NOT_A_FEED, "no XML")
    return root


def _no_surrogate(reference: re.Match[bytes]) -> bytes:
    """Return the reference; nothing for a surrogate, which XML forbids and libxml2's recovery lets through."""
    code = int(reference[1], 16) if reference[1] else int(reference[2])
    return b"" if 0xD800 <= code <= 0xDFFF else reference[0]


def _unpacked(body: bytes, limit: int) -> bytes:
    """Return the first `limit` bytes that a gzip file unpacks to; b"" when it is none. Large sitemaps are kept so."""
    try:
        return zlib.decompressobj(wbits=31).decompress(body, limit)
    except zlib.error:
        return b""


def _local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _text(element: Any, name: str) -> str | None:
    return _line(element.find(f"{{*}}{name}"))


def _news(news: Any, *path: str) -> str | None:
    return _line(news.find("/".join(f"{_NEWS}{name}" for name in path)))


def _line(element: Any) -> str | None:
    return None if element is None else " ".join("".join(element.itertext()).split()) or None
