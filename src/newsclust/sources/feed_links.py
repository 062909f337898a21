"""Feed autodiscovery: the feeds that a page names (rssboard.org/rss-autodiscovery)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from newsclust.model import Page
from newsclust.sources.html import base_url, html_root
from newsclust.sources.validators import without_feed_scheme
from newsclust.text.sanitize import one_line
from newsclust.urls import canonical

# Where sites that name no feed have one nevertheless: WordPress, then Jekyll, Hugo, Ghost and hand-made ones.
WELL_KNOWN = ("/feed/", "/rss", "/rss.xml", "/feed.xml", "/atom.xml", "/index.xml")
_TYPES = {
    "application/rss+xml",
    "application/atom+xml",
    "application/rdf+xml",
    "application/feed+json",
    "application/xml",
    "text/xml",
}
_JSON = "application/json"  # JSON Feed 1.0 asked for it, but so do WordPress's pages for their API
_TITLE_CHARACTERS = 120
_COMMENTS = re.compile(r"/comments?/|[?&]feed=comments|\bcomment(s|aires)\b", re.IGNORECASE)
_FORMAT_WORD = re.compile(r"\b(rss|atom|rdf|json|xml|feed|flux)\b|[\d.()]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLink:
    """A feed that a page names."""

    url: str
    title: str  # as the page calls it; often empty
    of_comments: bool = False
    media_type: str = ""


def feed_links(page: Page) -> tuple[FeedLink, ...]:
    """Return the feeds that the page names in <link rel="alternate">, in its order, each address once.

    Source: rssboard.org/rss-autodiscovery. Addresses that are none are left out.
    """
    root = html_root(page)
    if root is None:
        return ()
    base = base_url(root, page.final_url)
    links: dict[str, FeedLink] = {}
    for link in root.iter("link"):
        written = without_feed_scheme((link.get("href") or "").strip())
        if written and "alternate" in (link.get("rel") or "").lower().split() and _is_feed(link, written):
            try:
                url = urljoin(base, written)
                key = canonical(url)
            except ValueError:
                continue  # mailto: and slips: nothing that can be requested
            if not url.isprintable():
                continue  # it would be shown to a person, and no site means it
            title = one_line(link.get("title") or "", _TITLE_CHARACTERS)
            comments = _COMMENTS.search(f"{urlsplit(url).path}?{urlsplit(url).query} {title}") is not None
            kind = _media_type(link)
            links.setdefault(key, FeedLink(url=url, title=title, of_comments=comments, media_type=kind))
    return tuple(links.values())


def without_other_formats(links: Sequence[FeedLink]) -> tuple[FeedLink, ...]:
    """Return the links; of several formats of one feed, by type and the words of their titles, only the first."""
    by_name: dict[str, list[FeedLink]] = {}
    for link in links:
        same = by_name.setdefault(" ".join(_FORMAT_WORD.sub(" ", link.title.lower()).split()), [])
        if not same or any(other.media_type == link.media_type for other in same):
            same.append(link)
    chosen = [link for same in by_name.values() for link in same]
    return tuple(link for link in links if link in chosen)


def _media_type(link: Any) -> str:
    return str(link.get("type") or "").partition(";")[0].strip().lower()


def _is_feed(link: Any, written: str) -> bool:
    kind = _media_type(link)
    named = f"{written} {link.get('title') or ''}".lower()
    return kind in _TYPES or (kind == _JSON and "feed" in named)
