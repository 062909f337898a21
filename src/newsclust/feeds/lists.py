"""The lists of feeds that people keep: `feeds.toml` and OPML <-> `Feed`."""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from newsclust.errors import SettingsError
from newsclust.feeds.languages import language_code
from newsclust.model import Feed, PagePolicy, id_of
from newsclust.urls import canonical

# No line breaks or controls: a title is one line, and XML could not carry them back.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def _address(text: str) -> str:
    canonical(text)
    if text != text.strip() or _UNPRINTABLE.search(text):
        raise ValueError("an address has no blanks around it and no control characters")
    return text


def _one_line(text: str) -> str:
    if not text.strip() or _UNPRINTABLE.search(text):
        raise ValueError("one line of text is needed")
    return text


def _language(text: str) -> str:
    code = language_code(text)
    if code != text:
        raise ValueError(f'write it with two letters: "{code}"')
    return text


def _tag(text: str) -> str:
    # As OPML can hold it: a folder's name, and one of a list parted by commas.
    if text != _tag_of(text) or "," in text or not text:
        raise ValueError("a tag is one line without commas, outer slashes, and blanks but single spaces")
    return _one_line(text)


def _distinct(tags: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(tags)) < len(tags):
        raise ValueError("a tag stands here twice")
    return tags


class _Row(BaseModel):
    """One [[feed]] of feeds.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, AfterValidator(_address)]
    title: Annotated[str, AfterValidator(_one_line)]
    site_url: Annotated[str, AfterValidator(_address)] | None = None
    language: Annotated[str, AfterValidator(_language)] | None = None
    tags: Annotated[tuple[Annotated[str, AfterValidator(_tag)], ...], AfterValidator(_distinct)] = ()
    pages: PagePolicy = PagePolicy.AUTO
    priority: Annotated[int, Field(strict=True, ge=-100, le=100)] = 0  # neither true nor "1" nor 1.0 is a number here


@dataclass(frozen=True, slots=True, kw_only=True)
class OpmlImport:
    """The feeds of an OPML file, and one sentence for each thing that could not be taken as it stands."""

    feeds: tuple[Feed, ...]
    problems: tuple[str, ...]


# --- feeds.toml


def read_feeds(path: Path) -> list[Feed]:
    """The feeds of a `feeds.toml`, in its order; each id is made of the canonical address.

    SettingsError, one line for every problem with file, feed and key, when any of it is wrong: the TOML, an
    unknown key, a value that does not fit, an address that stands there twice in whatever spelling.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    except ValueError as error:  # TOML and UTF-8 alike
        raise SettingsError(f"{path}: {error}") from error
    problems = [f"{path}: {key}: unknown, only [[feed]] stands at the top" for key in document if key != "feed"]
    tables = document.get("feed", [])
    if not isinstance(tables, list):
        raise SettingsError(f"{path}: feed: write [[feed]], with two brackets")
    feeds: dict[str, Feed] = {}
    for position, table in enumerate(tables, start=1):
        name = f"{path}: feed {position}"
        try:
            row = _Row.model_validate(table)
        except ValidationError as error:
            problems.extend(_told(name, table, error))
            continue  # its problems are told above, together with all others
        feed = _feed(row)
        if feed.id in feeds:
            problems.append(f"{name} ({feed.url}): url: the same feed as {feeds[feed.id].url}")
        feeds.setdefault(feed.id, feed)
    if problems:
        raise SettingsError("\n".join(problems))
    return list(feeds.values())


def _told(name: str, table: Any, error: ValidationError) -> Iterator[str]:
    url = table.get("url") if isinstance(table, dict) else None
    named = f"{name} ({url})" if isinstance(url, str) else name
    for problem in error.errors(include_url=False):
        key = ".".join(str(part) for part in problem["loc"]) or "table"
        yield f"{named}: {key}: {problem['msg'].removeprefix('Value error, ')}"


def _feed(row: _Row) -> Feed:
    return Feed(
        id=id_of(canonical(row.url)),
        url=row.url,
        title=row.title,
        site_url=row.site_url,
        language=row.language,
        tags=row.tags,
        pages=row.pages,
        priority=row.priority,
    )


def write_feeds(feeds: Iterable[Feed]) -> str:
    """TOML that `read_feeds` reads back to equal feeds in the same order; what is default is left out."""
    return "\n".join(_table(feed) for feed in feeds)


def _table(feed: Feed) -> str:
    lines = ["[[feed]]", f"url = {_quoted(feed.url)}", f"title = {_quoted(feed.title)}"]
    if feed.site_url is not None:
        lines.append(f"site_url = {_quoted(feed.site_url)}")
    if feed.language is not None:
        lines.append(f"language = {_quoted(feed.language)}")
    if feed.tags:
        lines.append(f"tags = [{', '.join(_quoted(tag) for tag in feed.tags)}]")
    if feed.pages is not PagePolicy.AUTO:
        lines.append(f"pages = {_quoted(feed.pages)}")
    if feed.priority:
        lines.append(f"priority = {feed.priority}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes are a subset of TOML's, which also wants DEL escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


# --- OPML 2.0 (opml.org/spec2.opml)

_BARE_AMPERSAND = re.compile(rb"&(?!#?\w+;)")  # in addresses; the most common fault of exported lists


def read_opml(text: bytes) -> OpmlImport:
    """The feeds of an OPML file, with a sentence for each outline that could not be taken as it stands.

    Folders, from the outermost, and `category` attributes become tags. A feed in several folders is one feed
    with the tags of all. Of a file that is not well-formed, as many public lists are, what can be saved is.
    SettingsError when the bytes are no OPML, or declare entities, which no reader exports and a bomb needs.
    """
    problems: list[str] = []
    root = _opml_root(text, problems)
    declared = root.getroottree().docinfo.internalDTD
    if declared is not None and any(True for _ in declared.iterentities()):
        raise SettingsError("OPML: it declares entities, which is refused")
    body = root.find("body")
    if root.tag != "opml" or body is None:
        raise SettingsError(f"OPML: an <opml> with a <body> is needed, this is <{root.tag}>")
    feeds: dict[str, Feed] = {}
    for outline, folders in _outlines(body, ()):
        feed = _outlined(outline, folders, problems)
        if feed is not None:
            known = feeds.get(feed.id, feed)
            feeds[feed.id] = replace(known, tags=tuple(dict.fromkeys(known.tags + feed.tags)))
    return OpmlImport(feeds=tuple(feeds.values()), problems=tuple(problems))


def _opml_root(text: bytes, problems: list[str]) -> Any:
    """The root element; of a document that is not well-formed what can be saved, and `problems` by line."""
    from lxml import etree

    safe = {"resolve_entities": False, "no_network": True, "huge_tree": False, "load_dtd": False}
    try:
        return etree.fromstring(text, etree.XMLParser(**safe))
    except etree.XMLSyntaxError as error:
        if b"\x00" not in text:  # else UTF-16, where the pattern would tear characters apart
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
    """Every outline without outlines in it or with an address, and the tags of the folders around it."""
    for outline in parent.iterchildren("outline"):
        is_feed = "xmlurl" in _attributes(outline)
        inner = outline.find("outline") is not None
        if is_feed or not inner:
            yield outline, folders
        if inner:
            yield from _outlines(outline, folders if is_feed else (*folders, *_tags(_name(outline))))


def _outlined(outline: Any, folders: tuple[str, ...], problems: list[str]) -> Feed | None:
    """The feed of an outline; None when `problems` got the sentence why there is none."""
    written = _attributes(outline)
    name = _name(outline) or f"line {outline.sourceline}"
    url = written.get("xmlurl", "")
    if not url:
        problems.append(f"{name}: left out, it has no xmlUrl")
        return None
    try:
        feed_id = id_of(canonical(_address(url)))
    except ValueError as error:
        problems.append(f"{name}: left out, xmlUrl: {error}")
        return None
    return Feed(
        id=feed_id,
        url=url,
        title=_name(outline) or urlsplit(url).netloc,
        site_url=_optional(written, "htmlurl", _address, name, problems),
        language=_optional(written, "language", language_code, name, problems),
        tags=tuple(dict.fromkeys((*folders, *_tags(written.get("category", ""))))),
    )


def _optional(written: dict[str, str], key: str, checked: Any, name: str, problems: list[str]) -> str | None:
    """An attribute as `checked` returns it; None when it is absent or `problems` got the sentence why."""
    if not written.get(key):
        return None
    try:
        return str(checked(written[key]))
    except ValueError as error:
        problems.append(f"{name}: {key} dropped: {error}")
        return None


def _attributes(outline: Any) -> dict[str, str]:
    """The attributes with lower-case names (many exports write xmlurl or xmlURL) and outer blanks gone."""
    return {str(key).lower(): str(value).strip() for key, value in outline.attrib.items()}


def _name(outline: Any) -> str:
    written = _attributes(outline)
    return " ".join(_UNPRINTABLE.sub(" ", written.get("title") or written.get("text") or "").split())


def _tags(categories: str) -> tuple[str, ...]:
    """The tags of a list parted by commas ("/Tech/Linux, /News": a slash in front says it is a path)."""
    tags = (_tag_of(_UNPRINTABLE.sub(" ", category)) for category in categories.split(","))
    return tuple(dict.fromkeys(tag for tag in tags if tag))


def _tag_of(text: str) -> str:
    """The tag without outer slashes, its blanks one space each: a folder's name is read so, too."""
    return " ".join(text.split()).strip(" /")


def write_opml(feeds: Sequence[Feed]) -> str:
    """OPML 2.0 that any reader imports and `read_opml` reads back, in the order of the folders.

    A feed stands in the folder of its first tag, which is all that most readers look at; all its tags are its
    categories. What OPML has no word for is left out: when to download pages, and which feed is preferred.
    """
    from lxml import etree

    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = "newsclust"
    body = etree.SubElement(root, "body")
    folders: dict[str, Any] = {}
    for feed in feeds:
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
