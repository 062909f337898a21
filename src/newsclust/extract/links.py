"""Links in a page's tree: where they lead, and how many words they hold."""

import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from newsclust.text.normalize import word_count
from newsclust.urls import registered_domain

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


def site_of(url: str) -> str:
    """The registered domain of an address; ValueError when it has none."""
    return _site_of_host(urlsplit(url).netloc)


@lru_cache(maxsize=1024)
def _site_of_host(netloc: str) -> str:
    return registered_domain(f"http://{netloc}")


def leads_to(link: "HtmlElement", site: str) -> bool:
    """Whether a link of a page of `site` leads to a page of it, and not to a place in this one."""
    href = link.get("href", "").strip()
    if not href or href.startswith("#"):
        return False
    scheme = _SCHEME.match(href)
    if scheme is None:
        return not href.startswith("//") or _is_of(f"http:{href}", site)
    return scheme[1].lower() in {"http", "https"} and _is_of(href, site)


def _is_of(url: str, site: str) -> bool:
    try:
        return site_of(url) == site
    except ValueError:
        return False


def links_of(block: "HtmlElement") -> list["HtmlElement"]:
    """The links in a block, or the one that it stands in."""
    parent = block.getparent()
    return [parent] if parent is not None and parent.tag == "a" else list(block.iter("a"))


def words_of(element: "HtmlElement") -> int:
    return word_count(element.text_content())


def linked_words(block: "HtmlElement") -> int:
    """How many of a block's words stand in links."""
    parent = block.getparent()
    if parent is not None and parent.tag == "a":
        return words_of(block)
    return sum(map(words_of, block.iter("a")))
