"""A page whose links are the entries, for sites without a feed: a CSS selector says which links."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urljoin

from newsclust.errors import ParseError, Reason
from newsclust.model import Feed, Page
from newsclust.sources.feed import Document, Item
from newsclust.sources.html import base_of, html_root, words


def check_selector(selector: str) -> str:
    """The selector itself; ValueError, saying why, when it is no CSS."""
    from cssselect import SelectorError
    from lxml.cssselect import CSSSelector

    try:
        CSSSelector(selector, translator="html")
    except SelectorError as error:
        raise ValueError(f"{selector!r} is no CSS selector: {error}") from error
    return selector


def read_selection(feed: Feed, page: Page) -> Document:
    """One item for each address that a selected link, or the first link in a selected element, leads to.

    Its title is the longest text of its links (or what a link without text is labelled), its date that of a
    <time datetime> in the largest element around it that holds links to no other item. ParseError with EMPTY or,
    when no link is selected, NOTHING_SELECTED.
    """
    from lxml.cssselect import CSSSelector

    root = html_root(page)
    if root is None:
        raise ParseError(feed.url, Reason.EMPTY, f"{len(page.body)} bytes")
    base = base_of(root, page.final_url)
    selected = CSSSelector(feed.select, translator="html")(root)
    found = [(link, _address(link, base)) for link in dict.fromkeys(map(_link, selected)) if link is not None]
    if not found:
        raise ParseError(feed.url, Reason.NOTHING_SELECTED, f"no link matches {feed.select!r}")
    owners = _owners(found)
    items: dict[str, Item] = {}
    for link, address in found:
        item = _item(address, words(link), _date(link, owners))
        known = items.get(address, item)
        items[address] = replace(max(known, item, key=lambda one: len(one.title)), published=known.published)
    return Document(
        kind="page",
        title=" ".join((root.findtext(".//title") or "").split()) or None,
        home=None,
        language=root.get("lang"),
        items=tuple(items.values()),
        warnings=(),
    )


def _link(element: Any) -> Any:
    """The selected link, else the first link inside the selected element; None when it has neither."""
    links = element.iter("a")
    return next((link for link in links if link.get("href", "").strip(" #")), None)


def _address(link: Any, base: str) -> str:
    written = str(link.get("href")).strip()
    try:
        return urljoin(base, written).partition("#")[0]
    except ValueError:  # told of as an entry without an address
        return written


def _owners(found: Sequence[tuple[Any, str]]) -> dict[Any, str | None]:
    """For each element around a link the one item that it belongs to, None where it holds several."""
    owners: dict[Any, str | None] = {}
    for link, address in found:
        for element in (link, *link.iterancestors()):
            owners[element] = address if owners.get(element, address) == address else None
    return owners


def _date(link: Any, owners: dict[Any, str | None]) -> str | None:
    around = link
    for element in link.iterancestors():
        if owners[element] is None:
            break
        around = element
    return next((time.get("datetime") for time in around.iter("time") if time.get("datetime")), None)


def _item(address: str, title: str, published: str | None) -> Item:
    return Item(
        guid=None,
        link=address,
        title=title,
        summary=None,
        content=None,
        author=None,
        language=None,
        published=published,
        updated=None,
    )
