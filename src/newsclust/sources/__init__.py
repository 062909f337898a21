"""What a feed's address needs besides a download, and what stands behind an address that a person has.

`SourceFetcher` and `ListFetcher` are fetchers over another one; `look` asks an address once and says what it is.
"""

from newsclust.sources.discovery import (
    Found,
    FoundFeed,
    FoundList,
    FoundSeveral,
    look,
    look_at_links,
    new_feed,
    read_list,
)
from newsclust.sources.fetching import ListFetcher, SourceFetcher

__all__ = [
    "Found",
    "FoundFeed",
    "FoundList",
    "FoundSeveral",
    "ListFetcher",
    "SourceFetcher",
    "look",
    "look_at_links",
    "new_feed",
    "read_list",
]
