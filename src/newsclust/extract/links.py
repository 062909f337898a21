"""Links of a parsed page: where they lead, and how many words they hold."""

import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from newsclust.text.normalize import word_count
from newsclust.urls import registered_domain

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


def site_domain(url: str) -> str:
    """Return the registered domain of an address; ValueError when it has none."""
    return _domain_of_host(urlsplit(url).netloc)


@lru_cache(maxsize=1024)
def _domain_of_host(netloc: str) -> str:
    return registered_domain(f"http://{netloc}")


def is_internal_link(link: "HtmlElement", site: str) -> bool:
    """Return whether a link on a page of `site` leads to a page of the same site, and not to a place in this page."""
    href = link.get("href", "").strip()
    if not href or href.startswith("#"):
        return False
    scheme = _SCHEME.match(href)
    if scheme is None:
        return not href.startswith("//") or _is_on_site(f"http:{href}", site)
    return scheme[1].lower() in {"http", "https"} and _is_on_site(href, site)


def _is_on_site(url: str, site: str) -> bool:
    try:
        return site_domain(url) == site
    except ValueError:
        return False


def links_in(block: "HtmlElement") -> list["HtmlElement"]:
    """Return the links in a block, or the link that it stands in."""
    parent = block.getparent()
    return [parent] if parent is not None and parent.tag == "a" else list(block.iter("a"))


def text_words(element: "HtmlElement") -> int:
    """Count the words under an element."""
    return word_count(element.text_content())


def linked_words(block: "HtmlElement") -> int:
    """Count the words of a block that stand in links."""
    parent = block.getparent()
    if parent is not None and parent.tag == "a":
        return text_words(block)
    return sum(map(text_words, block.iter("a")))
