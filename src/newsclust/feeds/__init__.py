"""Bytes -> entries, and the lists of feeds: `feeds.toml` and OPML <-> `Feed`.

`parse_feed` reads what a feed address answered, by the feed's kind (`readers`), `lists` and `opml` what people keep;
`discovery` knows how pages name their feeds. Nothing here opens a socket.
"""

from newsclust.feeds.credentials import secret_urls
from newsclust.feeds.entries import parse_feed
from newsclust.feeds.lists import add_to, read_feeds, read_lists, write_feeds
from newsclust.feeds.opml import OpmlImport, read_opml, write_opml
from newsclust.feeds.worker import FeedReader

__all__ = [
    "FeedReader",
    "OpmlImport",
    "add_to",
    "parse_feed",
    "read_feeds",
    "read_lists",
    "read_opml",
    "secret_urls",
    "write_feeds",
    "write_opml",
]
