"""News sitemaps -> items (sitemaps.org/protocol.html, and Google's namespace for news)."""

import re
import zlib
from typing import Any

from newsclust.errors import ParseError, Reason
from newsclust.model import Feed, Page
from newsclust.sources.feed import Document, Item

_NEWS = "{http://www.google.com/schemas/sitemap-news/0.9}"
_GZIP_MARK = b"\x1f\x8b"
_UNPACKED_BYTES = 50_000_000  # the most that sitemaps.org allows
_NEWS_NAME = re.compile("news|actu", re.IGNORECASE)
_REFERENCE = re.compile(rb"&#(?:x0*([0-9a-f]{1,8})|0*([0-9]{1,8}));", re.IGNORECASE)


def read_sitemap(feed: Feed, page: Page) -> Document:
    """The articles that a news sitemap names: address, title, date; it has no texts.

    An address without a title is no article and is left out by count. ParseError with EMPTY, or NOT_A_FEED for
    what is no sitemap, an index of sitemaps, or a sitemap without news in it.
    """
    root = _root(feed.url, page.body)
    name = _local(root)
    if name == "sitemapindex":
        parts = [text for text in (_text(part, "loc") for part in root) if text]
        raise ParseError(feed.url, Reason.NOT_A_FEED, f"an index of sitemaps, such as {', '.join(parts[:3])}")
    if name != "urlset":
        raise ParseError(feed.url, Reason.NOT_A_FEED, f"<{name}> is no sitemap")
    told = [(address, news) for address in root if (news := address.find(f"{_NEWS}news")) is not None]
    if not told:
        raise ParseError(feed.url, Reason.NOT_A_FEED, "a sitemap without news (news:news)")
    untold = sum(1 for _ in root.iterchildren("{*}url")) - len(told)
    return Document(
        kind="sitemap",
        title=next((outlet for _, news in told if (outlet := _news(news, "publication", "name"))), None),
        home=None,
        language=next((code for _, news in told if (code := _news(news, "publication", "language"))), None),
        items=tuple(_item(address, news) for address, news in told),
        warnings=(f"addresses without news: {untold}",) if untold else (),
    )


def is_sitemap(body: bytes) -> bool:
    """Whether the document calls itself a sitemap, or an index of them."""
    beginning = body[:2000] if not body.startswith(_GZIP_MARK) else _unpacked(body, 2000)
    return b"<urlset" in beginning or b"<sitemapindex" in beginning


def sitemaps_in(body: bytes) -> tuple[str, ...]:
    """The addresses that an index of sitemaps names, those first that are named like news; none if it is no index."""
    try:
        root = _root("", body)
    except ParseError:
        return ()
    if _local(root) != "sitemapindex":
        return ()
    parts = (text for part in root if (text := _text(part, "loc")))
    return tuple(sorted(dict.fromkeys(parts), key=lambda url: not is_news_address(url)))


def is_news_address(url: str) -> bool:
    """Whether the address of a sitemap says that news stand in it, in English or in French."""
    return _NEWS_NAME.search(url.partition("//")[2].partition("/")[2]) is not None


def _item(address: Any, news: Any) -> Item:
    return Item(
        guid=None,
        link=_text(address, "loc"),
        title=_news(news, "title") or "",
        summary=None,
        content=None,
        author=None,
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
    """The reference, unless it is to half a character, which XML forbids and libxml2's recovery lets through."""
    code = int(reference[1], 16) if reference[1] else int(reference[2])
    return b"" if 0xD800 <= code <= 0xDFFF else reference[0]


def _unpacked(body: bytes, limit: int) -> bytes:
    """The beginning of a gzip file, which is how large sitemaps are kept; empty when it is none."""
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
