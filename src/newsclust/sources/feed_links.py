"""From the address that a person has to the address of the feed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit, urlunsplit

from newsclust.model import Page
from newsclust.sources.html import base_of, html_root
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
_FRESHRSS_VIEWS = {"normal", "reader", "global"}
_FRESHRSS_CHOICES = {"a", "get", "state", "search", "order", "rid", "token", "hours"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLink:
    """A feed that a page names."""

    url: str
    title: str  # as the page calls it; often empty
    of_comments: bool = False
    media_type: str = ""


def feed_links(page: Page) -> tuple[FeedLink, ...]:
    """The feeds that the page names in <link rel="alternate">, in its order, each address once.

    Source: rssboard.org/rss-autodiscovery. Addresses that are none are left out.
    """
    root = html_root(page)
    if root is None:
        return ()
    base = base_of(root, page.final_url)
    links: dict[str, FeedLink] = {}
    for link in root.iter("link"):
        written = (link.get("href") or "").strip()
        if written and "alternate" in (link.get("rel") or "").lower().split() and _is_feed(link, written):
            try:
                url = urljoin(base, written)
                key = canonical(url)
            except ValueError:
                continue  # feed:, mailto: and slips: nothing that could be asked
            if not url.isprintable():
                continue  # it would be shown to a person, and no site means it
            title = one_line(link.get("title") or "", _TITLE_CHARACTERS)
            comments = _COMMENTS.search(f"{urlsplit(url).path}?{urlsplit(url).query} {title}") is not None
            kind = _media_type(link)
            links.setdefault(key, FeedLink(url=url, title=title, of_comments=comments, media_type=kind))
    return tuple(links.values())


def without_other_formats(links: Sequence[FeedLink]) -> tuple[FeedLink, ...]:
    """The links; of those that name one feed in several formats, by type and the words of their titles, the first."""
    kept: dict[str, list[FeedLink]] = {}
    for link in links:
        same = kept.setdefault(" ".join(_FORMAT_WORD.sub(" ", link.title.lower()).split()), [])
        if not same or any(one.media_type == link.media_type for one in same):
            same.append(link)
    chosen = [link for same in kept.values() for link in same]
    return tuple(link for link in links if link in chosen)


def rss_form(url: str) -> str:
    """The address that gives as RSS what FreshRSS shows at `url`; any other address as it is.

    A shared query (`/api/query.php?...&f=html`) has its format in `f`, a view of the reader itself
    (`/i/?a=normal&get=...`) in `a`. What it chooses (user, token, search, ...) stays.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.path.endswith("/api/query.php") and {"user", "t"} <= given.keys():
        name = "f" if given.get("f", "html") == "html" else None
    elif parts.path.endswith(("/i/", "/i/index.php")) and given.get("a", "normal") in _FRESHRSS_VIEWS:
        name = "a" if given.keys() & _FRESHRSS_CHOICES else None
    else:
        name = None
    if name is None:
        return url
    # In place: what else stands in the query may be hidden (***), and is not ours to write otherwise.
    others = [pair for pair in parts.query.split("&") if pair.partition("=")[0] != name]
    return urlunsplit(parts._replace(query="&".join([*others, f"{name}=rss"]), fragment=""))


def _media_type(link: Any) -> str:
    return str(link.get("type") or "").partition(";")[0].strip().lower()


def _is_feed(link: Any, written: str) -> bool:
    kind = _media_type(link)
    named = f"{written} {link.get('title') or ''}".lower()
    return kind in _TYPES or (kind == _JSON and "feed" in named)
