"""What answers at a feed's address, by the feed's kind -> one plain document."""

from collections.abc import Callable, Mapping

from newsclust.model import Feed, FeedKind, Page
from newsclust.sources.feed import Document, read_document
from newsclust.sources.greader import is_shared_stream, read_stream
from newsclust.sources.sitemap import read_sitemap
from newsclust.sources.webpage import read_selection


def _read_feed(feed: Feed, page: Page) -> Document:
    return read_stream(feed, page) if is_shared_stream(page.body) else read_document(feed.url, page)


_READERS: Mapping[FeedKind, Callable[[Feed, Page], Document]] = {
    FeedKind.FEED: _read_feed,
    FeedKind.SITEMAP: read_sitemap,
    FeedKind.PAGE: read_selection,
    FeedKind.ACCOUNT: read_stream,
}


def document_of(feed: Feed, page: Page) -> Document:
    """What the page says, read as the feed's kind asks; ParseError(feed.url) when it is nothing of that kind."""
    return _READERS[feed.kind](feed, page)
