"""Bytes -> entries, and the lists of feeds: `feeds.toml` and OPML <-> `Feed`.

`parse_feed` reads what a feed address answered, `lists` what people write. Nothing here opens a socket.
"""

from newsclust.feeds.entries import parse_feed
from newsclust.feeds.lists import OpmlImport, read_feeds, read_opml, write_feeds, write_opml

__all__ = ["OpmlImport", "parse_feed", "read_feeds", "read_opml", "write_feeds", "write_opml"]
