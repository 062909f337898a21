"""The lists of feeds that people keep: `feeds.toml` and OPML <-> `Feed`."""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from newsclust.errors import SettingsError
from newsclust.feeds.languages import language_code
from newsclust.feeds.selection import check_selector
from newsclust.model import Feed, FeedKind, FeedList, PagePolicy, id_of
from newsclust.urls import canonical, redacted

# No line breaks or controls: a title is one line, and XML could not carry them back.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def _address(text: str) -> str:
    try:
        canonical(text)
    except ValueError as error:
        if redacted(text) != text:  # the reason may quote a password that ends at a slash of its own
            raise ValueError(
                "no address of a page; in user and password write / as %2F, ? as %3F, # as %23"
            ) from error
        raise
    if text != text.strip() or _UNPRINTABLE.search(text):
        raise ValueError("an address has no blanks around it and no control characters")
    return text


def _shown_address(text: str) -> str:
    return redacted(_address(text))


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


def check_variable(text: str) -> str:
    """The name itself; ValueError, which does not repeat it, when it can be none of an environment variable."""
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", text):
        raise ValueError("the name of an environment variable is needed, never the token itself")
    return text


def _distinct(tags: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(tags)) < len(tags):
        raise ValueError("a tag stands here twice")
    return tags


_Tags = Annotated[tuple[Annotated[str, AfterValidator(_tag)], ...], AfterValidator(_distinct)]


class _Row(BaseModel):
    """One [[feed]] of feeds.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, AfterValidator(_address)]
    title: Annotated[str, AfterValidator(_one_line)]
    site_url: Annotated[str, AfterValidator(_address)] | None = None
    language: Annotated[str, AfterValidator(_language)] | None = None
    tags: _Tags = ()
    pages: PagePolicy = PagePolicy.AUTO
    priority: Annotated[int, Field(strict=True, ge=-100, le=100)] = 0  # neither true nor "1" nor 1.0 is a number here
    kind: FeedKind = FeedKind.FEED
    select: Annotated[str, AfterValidator(check_selector)] | None = None
    token_env: Annotated[str, AfterValidator(check_variable)] | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for key, kind, given in (
            ("select", FeedKind.PAGE, self.select),
            ("token_env", FeedKind.ACCOUNT, self.token_env),
        ):
            if (self.kind is kind) is not (given is not None):
                raise ValueError(f'{key} is what kind = "{kind}" needs, and no other kind')
        return self


class _ListRow(BaseModel):
    """One [[list]] of feeds.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, AfterValidator(_address)] | None = None
    path: Annotated[str, AfterValidator(_one_line)] | None = None
    tags: _Tags = ()

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.url is None) is (self.path is None):
            raise ValueError("either a url or a path is needed")
        return self


_AnyRow = TypeVar("_AnyRow", _Row, _ListRow)


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
    return _parsed(path, _text(path))[0]


def read_lists(path: Path) -> list[FeedList]:
    """The living lists of a `feeds.toml`, in its order; SettingsError as in `read_feeds`."""
    return _parsed(path, _text(path))[1]


def add_to(path: Path, feeds: Sequence[Feed] = (), lists: Sequence[FeedList] = ()) -> None:
    """Append to a `feeds.toml`, which is made when there is none; what a person wrote stays as it is.

    SettingsError, and nothing is written, when the file is or would be wrong.
    """
    before = _text(path).rstrip() + "\n\n" if path.exists() else ""
    after = before + "\n".join([*map(_list_table, lists), *map(_table, feeds)])
    _parsed(path, after)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_bytes(after.encode())
    partial.replace(path)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")  # not as text: the ends of its lines stay
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"{path}: {error}") from error


def _parsed(path: Path, text: str) -> tuple[list[Feed], list[FeedList]]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: {error}") from error
    problems = [
        f"{path}: {key}: unknown, only [[feed]] and [[list]] stand at the top"
        for key in document
        if key not in {"feed", "list"}
    ]
    feeds: dict[str, Feed] = {}
    for name, row in _rows(path, document, "feed", _Row, problems):
        feed = _feed(row)
        if feed.id in feeds:
            problems.append(f"{name} ({feed.url}): url: the same feed as {feeds[feed.id].url}")
        feeds.setdefault(feed.id, feed)
    lists: dict[str, FeedList] = {}
    for name, written in _rows(path, document, "list", _ListRow, problems):
        one = _feed_list(written, path.parent)
        if one.id in lists:
            problems.append(f"{name}: the same list as {lists[one.id].url}")
        lists.setdefault(one.id, one)
    if problems:
        raise SettingsError("\n".join(problems))
    return list(feeds.values()), list(lists.values())


def _rows(
    path: Path, document: dict[str, Any], key: str, model: type[_AnyRow], problems: list[str]
) -> Iterator[tuple[str, _AnyRow]]:
    """Each sound row of an array of tables with the name it is told by; `problems` gets the others'."""
    tables = document.get(key, [])
    if not isinstance(tables, list):
        raise SettingsError(f"{path}: {key}: write [[{key}]], with two brackets")
    for position, table in enumerate(tables, start=1):
        name = f"{path}: {key} {position}"
        try:
            yield name, model.model_validate(table)
        except ValidationError as error:
            problems.extend(_told(name, table, error))


def _told(name: str, table: Any, error: ValidationError) -> Iterator[str]:
    url = table.get("url") if isinstance(table, dict) else None
    named = f"{name} ({url})" if isinstance(url, str) else name
    for problem in error.errors(include_url=False):
        key = ".".join(str(part) for part in problem["loc"]) or "table"
        yield redacted(f"{named}: {key}: {problem['msg'].removeprefix('Value error, ')}")


def _feed(row: _Row) -> Feed:
    return Feed(
        id=id_of(canonical(row.url)),
        url=redacted(row.url),
        written_url=_if_hidden(row.url),
        title=row.title,
        site_url=None if row.site_url is None else redacted(row.site_url),
        language=row.language,
        tags=row.tags,
        pages=row.pages,
        priority=row.priority,
        kind=row.kind,
        select=row.select,
        token_env=row.token_env,
    )


def _if_hidden(written: str) -> str | None:
    return written if redacted(written) != written else None


def _feed_list(row: _ListRow, folder: Path) -> FeedList:
    if row.url is not None:
        return FeedList(
            id=id_of("list", canonical(row.url)),
            url=redacted(row.url),
            written_url=_if_hidden(row.url),
            tags=row.tags,
        )
    path = row.path or ""
    return FeedList(id=id_of("list", path), url=path, file=folder / path, tags=row.tags)


def write_feeds(feeds: Iterable[Feed]) -> str:
    """TOML that `read_feeds` reads back to equal feeds in the same order; what is default is left out."""
    return "\n".join(_table(feed) for feed in feeds)


def _table(feed: Feed) -> str:
    lines = ["[[feed]]", f"url = {_quoted(feed.written_url or feed.url)}", f"title = {_quoted(feed.title)}"]
    lines += [
        f"{key} = {_quoted(value)}"
        for key, value in (
            ("kind", None if feed.kind is FeedKind.FEED else feed.kind),
            ("select", feed.select),
            ("token_env", feed.token_env),
            ("site_url", feed.site_url),
            ("language", feed.language),
            ("pages", None if feed.pages is PagePolicy.AUTO else feed.pages),
        )
        if value is not None
    ]
    lines += _tags_line(feed.tags)
    if feed.priority:
        lines.append(f"priority = {feed.priority}")
    return "\n".join(lines) + "\n"


def _list_table(one: FeedList) -> str:
    lines = [
        "[[list]]",
        f"{'url' if one.file is None else 'path'} = {_quoted(one.written_url or one.url)}",
        *_tags_line(one.tags),
    ]
    return "\n".join(lines) + "\n"


def _tags_line(tags: tuple[str, ...]) -> list[str]:
    return [f"tags = [{', '.join(_quoted(tag) for tag in tags)}]"] if tags else []


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
        problems.append(redacted(f"{name}: left out, it has no xmlUrl"))
        return None
    if "${" in url:  # a list that others write must not be sent what our environment holds
        problems.append(redacted(f"{name}: left out, xmlUrl: it names an environment variable"))
        return None
    try:
        feed_id = id_of(canonical(_address(url)))
    except ValueError as error:
        problems.append(redacted(f"{name}: left out, xmlUrl: {error}"))
        return None
    return Feed(
        id=feed_id,
        url=redacted(url),
        written_url=_if_hidden(url),
        title=redacted(_name(outline)) or urlsplit(url).netloc.rpartition("@")[2],
        site_url=_optional(written, "htmlurl", _shown_address, name, problems),
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
        problems.append(redacted(f"{name}: {key} dropped: {error}"))
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
    categories. What OPML has no word for is left out: when to download pages, which feed is preferred, and whole
    the feeds that no other reader could ask (sitemaps, pages, accounts).
    """
    from lxml import etree

    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = "newsclust"
    body = etree.SubElement(root, "body")
    folders: dict[str, Any] = {}
    for feed in feeds:
        if feed.kind is not FeedKind.FEED:
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
