"""A page whose links are the entries, for sites without a feed: a CSS selector says which links."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

from newsclust.errors import ParseError, Reason
from newsclust.model import Feed, Fetch, Page, Request
from newsclust.sources.document import SourceDocument, SourceItem
from newsclust.sources.html import base_url, element_label, html_root


def check_selector(selector: str) -> str:
    """Return the selector itself; ValueError, saying why, when it is no CSS."""
    from cssselect import SelectorError
    from lxml.cssselect import CSSSelector

    try:
        CSSSelector(selector, translator="html")
    except SelectorError as error:
        raise ValueError(f"{selector!r} is no CSS selector: {error}") from error
    return selector


class WebPageSource:
    """A page whose links are the entries; the option `select` is a CSS selector of these links."""

    description = "a page whose links are read as entries"
    options: Mapping[str, Callable[[str], str]] = {"select": check_selector}

    def poll_url(self, url: str) -> str:
        """Return the address itself."""
        return url

    def matches(self, url: str, page: Page | None = None) -> bool:
        """Return False: only a person can say that a page's links are news, and which."""
        return False

    def fetch(
        self, request: Request, feed: Feed, *, now: datetime, environment: Mapping[str, str]
    ) -> Generator[Request, Fetch, Fetch]:
        """Make one request."""
        return (yield request)

    def parse(self, feed: Feed, page: Page) -> SourceDocument:
        """Return one item for each address that a selected link, or the first link in a selected element, leads to.

        Its title is the longest text of its links (or what a link without text is labelled), its date that of a
        <time datetime> in the largest element around it that holds links to no other item. ParseError with EMPTY or,
        when no link is selected, NOTHING_SELECTED.
        """
        return _read_selection(feed, page)


def _read_selection(feed: Feed, page: Page) -> SourceDocument:
    from lxml.cssselect import CSSSelector

    root = html_root(page)
    if root is None:
        raise ParseError(feed.url, Reason.EMPTY, f"{len(page.body)} bytes")
    base = base_url(root, page.final_url)
    selected = CSSSelector(feed.select, translator="html")(root)
    found = [(link, _address(link, base)) for link in dict.fromkeys(map(_link, selected)) if link is not None]
    if not found:
        raise ParseError(feed.url, Reason.NOTHING_SELECTED, f"no link matches {feed.select!r}")
    owners = _owners(found)
    items: dict[str, SourceItem] = {}
    for link, address in found:
        item = SourceItem(link=address, title=element_label(link), published=_date(link, owners))
        known = items.get(address, item)
        items[address] = replace(
            max(known, item, key=lambda candidate: len(candidate.title)), published=known.published
        )
    return SourceDocument(
        title=" ".join((root.findtext(".//title") or "").split()) or None,
        language=root.get("lang"),
        items=tuple(items.values()),
    )


def _link(element: Any) -> Any:
    """Return the selected link, else the first link inside the selected element; None when it has neither."""
    links = element.iter("a")
    return next((link for link in links if link.get("href", "").strip(" #")), None)


def _address(link: Any, base: str) -> str:
    written = str(link.get("href")).strip()
    try:
        return urljoin(base, written).partition("#")[0]
    except ValueError:  # reported as an entry without an address
        return written


def _owners(found: Sequence[tuple[Any, str]]) -> dict[Any, str | None]:
    """Return, for each element around a link, the address of its one item; None where it holds several."""
    owners: dict[Any, str | None] = {}
    for link, address in found:
        for element in (link, *link.iterancestors()):
            owners[element] = address if owners.get(element, address) == address else None
    return owners


def _date(link: Any, owners: dict[Any, str | None]) -> str | None:
    """Return the <time datetime> of the largest element around the link that belongs to its item alone."""
    around = link
    for element in link.iterancestors():
        if owners[element] is None:
            break
        around = element
    return next((time.get("datetime") for time in around.iter("time") if time.get("datetime")), None)
