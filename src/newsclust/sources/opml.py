"""OPML, as other readers write and read it (opml.org/spec2.opml), and subscriptions to such lists."""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from newsclust.errors import FetchError, Reason, SettingsError
from newsclust.fetch import Fetcher
from newsclust.model import DEFAULT_KIND, Feed, FeedList, Fetch, Page, Request, id_of
from newsclust.sources.validators import UNPRINTABLE, check_address, tag_of, url_with_secrets, without_feed_scheme
from newsclust.text.charset import decode
from newsclust.text.language import language_code
from newsclust.text.sanitize import one_line
from newsclust.urls import canonical, redacted

log = logging.getLogger("newsclust")

_MOST_TAGS = 50  # of one feed
_LONGEST_TITLE = 200  # characters
_MOST_ATTRIBUTES = 500  # of one outline: a parser compares each with all before it
_LONG_TAG = re.compile(rb"<(?:[^<=]*+=){%d}" % (_MOST_ATTRIBUTES + 1))
_XML_DECLARATION = re.compile(r"^\s*<\?xml\b[^<>]*>")
_BARE_AMPERSAND = re.compile(rb"&(?!#?\w+;)")  # in addresses; the most common fault of exported lists


@dataclass(frozen=True, slots=True, kw_only=True)
class OpmlFeeds:
    """The feeds of an OPML file, and one sentence for each thing that could not be taken as it stands."""

    feeds: tuple[Feed, ...]
    problems: tuple[str, ...]
    is_cut: bool = False  # it breaks off before its end: what stood behind is not known


def read_opml(text: bytes) -> OpmlFeeds:
    """Return the feeds of an OPML file, with a sentence for each outline that could not be taken as it stands.

    Folders, from the outermost, and `category` attributes become tags. A feed in several folders is one feed
    with the tags of all, of which the first 50 count; a title has 200 characters at most. Of a file that is not
    well-formed, as many public lists are, what can be saved is.
    SettingsError when the bytes are no OPML, hold a tag of over 500 attributes, or declare entities, which no reader
    exports and a bomb needs.
    """
    if _LONG_TAG.search(text):
        raise SettingsError(f"OPML: a tag of over {_MOST_ATTRIBUTES} attributes")
    problems: list[str] = []
    written = decode(text, "", document="xml").text.removeprefix("\ufeff")
    root = _opml_root(written, problems)
    declared = root.getroottree().docinfo.internalDTD
    if declared is not None and any(True for _ in declared.iterentities()):
        raise SettingsError("OPML: it declares entities, which is refused")
    for element in root.iter("*"):  # hand-made lists have capitals, some a namespace
        element.tag = element.tag.rpartition("}")[2].lower()
    body = root.find("body")
    if root.tag != "opml" or body is None:
        raise SettingsError(f"OPML: an <opml> with a <body> is needed, this is <{root.tag}>")
    feeds: dict[str, Feed] = {}
    for outline, folders in _outlines(body, ()):
        feed = _outlined(outline, folders, problems)
        if feed is not None:
            known = feeds.get(feed.id, feed)
            feeds[feed.id] = replace(known, tags=_first_tags((*known.tags, *feed.tags)))
    is_cut = "</opml" not in written.lower()
    if is_cut:
        lines = written.count("\n") + 1
        problems.append(f"it breaks off in line {lines}, without </opml>: whatever stood behind is missing")
    return OpmlFeeds(feeds=tuple(feeds.values()), problems=tuple(problems), is_cut=is_cut)


def _opml_root(written: str, problems: list[str]) -> Any:
    """Return the root element; of a document that is not well-formed what can be saved, with `problems` by line."""
    from lxml import etree

    # The declaration may name another encoding than this one.
    text = _XML_DECLARATION.sub("", written, count=1).lstrip(" \t").encode("utf-8", "replace")
    safe = {"encoding": "utf-8", "resolve_entities": False, "no_network": True, "huge_tree": False, "load_dtd": False}
    try:
        return etree.fromstring(text, etree.XMLParser(**safe))
    except etree.XMLSyntaxError as error:
        text = _BARE_AMPERSAND.sub(b"&amp;", text)
        parser = etree.XMLParser(recover=True, **safe)
        try:
            root = etree.fromstring(text, parser)
        except etree.XMLSyntaxError:
            root = None
        if root is None:
            raise SettingsError(f"OPML: not well-formed: {error.msg}") from error
        faults = {fault.line: fault.message for fault in reversed(parser.error_log)}  # the first of each line
        problems.extend(f"line {line}: {faults[line]}" for line in sorted(faults))
        if not faults:
            problems.append(f"{error.msg}: a bare & was read as &amp;")
        return root


def _outlines(parent: Any, folders: tuple[str, ...]) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Yield every outline without outlines in it or with an address, and the tags of the folders around it."""
    for outline in parent.iterchildren("outline"):
        is_feed = "xmlurl" in _attributes(outline)
        inner = outline.find("outline") is not None
        if is_feed or not inner:
            yield outline, folders
        if inner:
            yield from _outlines(outline, folders if is_feed else _first_tags((*folders, *_tags(_name(outline)))))


def _outlined(outline: Any, folders: tuple[str, ...], problems: list[str]) -> Feed | None:
    """Return the feed of an outline; None when `problems` got the sentence why there is none."""
    written = _attributes(outline)
    title = one_line(redacted(_name(outline)), _LONGEST_TITLE)
    name = title or f"line {outline.sourceline}"
    url = without_feed_scheme(written.get("xmlurl", ""))
    if not url:
        problems.append(redacted(f"{name}: left out, it has no xmlUrl"))
        return None
    if "${" in url:  # a list that others write must not be sent what our environment holds
        problems.append(redacted(f"{name}: left out, xmlUrl: it names an environment variable"))
        return None
    try:
        feed_id = id_of(canonical(check_address(url)))
    except ValueError as error:
        problems.append(redacted(f"{name}: left out, xmlUrl: {error}"))
        return None
    return Feed(
        id=feed_id,
        url=redacted(url),
        written_url=url_with_secrets(url),
        title=title or urlsplit(url).netloc.rpartition("@")[2],
        site_url=_optional(written, "htmlurl", _shown_address, name, problems),
        language=_optional(written, "language", language_code, name, problems),
        tags=_first_tags((*folders, *_tags(written.get("category", "")))),
    )


def _optional(written: dict[str, str], key: str, checked: Any, name: str, problems: list[str]) -> str | None:
    """Return an attribute as `checked` returns it; None when it is absent or `problems` got the sentence why."""
    if not written.get(key):
        return None
    try:
        return str(checked(written[key]))
    except ValueError as error:
        problems.append(redacted(f"{name}: {key} dropped: {error}"))
        return None


def _shown_address(text: str) -> str:
    return redacted(check_address(without_feed_scheme(text)))


def _attributes(outline: Any) -> dict[str, str]:
    """Return the attributes with lower-case names (many exports write xmlurl or xmlURL) and outer blanks gone."""
    return {str(key).lower(): str(value).strip() for key, value in outline.attrib.items()}


def _name(outline: Any) -> str:
    written = _attributes(outline)
    return " ".join(UNPRINTABLE.sub(" ", written.get("title") or written.get("text") or "").split())


def _tags(categories: str) -> tuple[str, ...]:
    """Return the tags of a list parted by commas ("/Tech/Linux, /News": a slash in front says it is a path)."""
    tags = (tag_of(UNPRINTABLE.sub(" ", category)) for category in categories.split(","))
    return _first_tags(tag for tag in tags if tag)


def _first_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return each tag once, and not more of them than a person gives: a list of others may hold any number."""
    return tuple(islice(dict.fromkeys(tags), _MOST_TAGS))


def write_opml(feeds: Sequence[Feed]) -> str:
    """Return OPML 2.0 that any reader imports and `read_opml` reads back, in the order of the folders.

    A feed stands in the folder of its first tag, which is all that most readers look at; all its tags are its
    categories. What OPML has no word for is left out: when to download pages, which feed is preferred, and whole
    the feeds that no other reader can poll (sitemaps, pages, accounts).
    """
    from lxml import etree

    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = "newsclust"
    body = etree.SubElement(root, "body")
    folders: dict[str, Any] = {}
    for feed in feeds:
        if feed.kind != DEFAULT_KIND:
            continue  # as the docstring says
        parent = body
        if feed.tags:
            tag = feed.tags[0]
            if tag not in folders:
                folders[tag] = etree.SubElement(body, "outline", text=tag)
            parent = folders[tag]
        outline = etree.SubElement(parent, "outline", type="rss", text=feed.title, title=feed.title, xmlUrl=feed.url)
        for attribute, value in (
            ("htmlUrl", feed.site_url),
            ("language", feed.language),
            ("category", ",".join(feed.tags)),
        ):
            if value:
                outline.set(attribute, value)
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="utf-8", pretty_print=True)
    return written.decode("utf-8")


class ListFetcher:
    """Fetches OPML subscriptions, from addresses and from files; a list without feeds in it is an error."""

    def __init__(self, fetcher: Fetcher, lists: Sequence[FeedList], clock: Callable[[], datetime]) -> None:
        self._fetcher = fetcher
        self._files = {feed_list.id: feed_list.file for feed_list in lists if feed_list.file is not None}
        self._clock = clock

    def fetch(self, requests: Sequence[Request]) -> Iterator[Fetch]:
        """One Fetch for each request; its page is OPML with feeds in it."""
        for request in requests:
            if request.item_id in self._files:
                yield _readable(self._read(request))
        others = [request for request in requests if request.item_id not in self._files]
        if others:
            yield from map(_readable, self._fetcher.fetch(others))

    def _read(self, request: Request) -> Fetch:
        now = self._clock()
        try:
            body = self._files[request.item_id].read_bytes()
        except OSError as error:
            unreadable = FetchError(request.url, Reason.NOT_FOUND, error.strerror or str(error))
            return Fetch.not_made(request, unreadable, now)
        page = Page(url=request.url, final_url=request.url, fetched_at=now, headers={}, body=body)
        return replace(Fetch.not_made(request, None, now), page=page, received_bytes=len(body))


def _readable(fetch: Fetch) -> Fetch:
    """Return the Fetch with its list as OPML of ours; an error in place of a page that names no feeds.

    So the list that was read before stays. A feed whose address holds credentials is left out, since they must not
    be stored: its place is feeds.toml.
    """
    if fetch.page is None:
        return fetch
    url = fetch.request.url
    try:
        opml = read_opml(fetch.page.body)
    except SettingsError as error:
        return replace(fetch, page=None, error=FetchError(url, Reason.NOT_A_LIST, str(error)))
    if opml.is_cut:
        return replace(fetch, page=None, error=FetchError(url, Reason.NOT_A_LIST, opml.problems[-1]))
    without_secrets = [feed for feed in opml.feeds if feed.written_url is None]
    dropped = [f"{feed.title}: left out, its address holds credentials" for feed in opml.feeds if feed.written_url]
    for problem in (*opml.problems, *dropped):
        log.warning("%s: %s", url, problem)
    if not without_secrets:
        return replace(fetch, page=None, error=FetchError(url, Reason.NOT_A_LIST, "there is no feed in it"))
    return replace(fetch, page=replace(fetch.page, body=write_opml(without_secrets).encode()))
