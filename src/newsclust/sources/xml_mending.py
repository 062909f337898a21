"""XML of feeds, mended before it is parsed: what many write wrong, and what would be taken for an item's own.

One pass over the text, in time linear in its length. feedparser takes any `title`, `link` or `description` within an
item for the item's, whatever element and namespace it stands in, and the last one counts.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from html import escape, unescape
from html.entities import html5

_TAG = re.compile(r"""<(/?)(?:([\w.-]+):)?([\w.-]+)((?:[^<>"']|"[^"<]*"|'[^'<]*')*+)>""")
_ATTRIBUTE = re.compile(r"""([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_AMPERSAND = re.compile(r"&(?:(#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9._-]{0,31});)?")
_OF_XML = frozenset(("lt", "gt", "amp", "quot", "apos"))
_ENTITY = re.compile(r"""<!ENTITY\s+([A-Za-z][\w.-]{0,31})\s+(?:"([^"]*)"|'([^']*)')\s*>""")
_LONGEST_ENTITY = 200  # characters: an outlet's name
_MOST_EXPANDED = 100_000  # characters that entities may add to a document
# Sections that are copied as they stand, by what begins and what ends them.
_VERBATIM = (("<![CDATA[", "]]>"), ("<!--", "-->"), ("<?", "?>"))

_ITEMS = frozenset(("item", "entry"))
_TEXTS = frozenset(
    ("title", "description", "summary", "content", "encoded", "body", "div", "subtitle", "tagline", "rights", "info")
)
_OWN_TEXTS = frozenset(("description", "summary", "content", "encoded", "body", "div"))
_PERSONS = frozenset(("author", "contributor"))
_OF_PERSONS = frozenset(("name", "uri", "url", "email", "homepage"))
# The namespaces whose elements are an item's own, by a part of their address or by the usual prefix.
_OWN_NAMESPACES = re.compile(
    r"w3\.org/(?:2005/atom|1999/xhtml)|purl\.org/(?:atom|rss|dc|pie|echo|net/rss)|netscape\.com/(?:rdf|publish)|userland\.com"
    r"|law\.harvard\.edu|itunes\.com/dtds|rssboard\.org",
    re.IGNORECASE,
)
_OWN_PREFIXES = frozenset(("atom", "content", "dc", "dcterms", "itunes", "xhtml", "rss"))
_MEDIA = "search.yahoo.com/mrss"
_PICTURE = re.compile(r"\.(?:jpe?g|png|gif|webp|avif|svg)(?:[?#]|$)", re.IGNORECASE)


class _Kind(Enum):
    """What an open element is to the item around it."""

    PLAIN = auto()
    ITEM = auto()
    TEXT = auto()  # all that is in it is its text
    PERSON = auto()
    FOREIGN = auto()  # of no use to us; dropped when it holds elements, which are not the item's
    DROPPED = auto()
    MEDIA = auto()
    CAPTION = auto()


@dataclass(slots=True)
class _Element:
    """An element that is open, and what was seen in it."""

    name: str
    kind: _Kind
    start: int  # of its tag in the output
    attributes: str
    has_elements: bool = False
    has_text: bool = False  # an item of its own words
    pictures: int = 0
    other_media: int = 0
    captions: list[tuple[int, int, "_Element"]] = field(default_factory=list)


def declared_entities(doctype: str) -> dict[str, str]:
    """Return the entities that a DOCTYPE declares as a short text; never one that names others."""
    found: dict[str, str] = {}
    for match in _ENTITY.finditer(doctype):
        value = unescape(match[2] if match[2] is not None else match[3])
        if len(value) <= _LONGEST_ENTITY and not re.search(r"[<>%]|&[\w#]+;", value):
            found.setdefault(match[1], value)
    return found


def mended_xml(text: str, entities: Mapping[str, str]) -> str:
    """Return the document with each reference well-formed, and without what feedparser would mistake.

    A bare & is `&amp;`; named references of HTML are numbers; those of `entities` have their value; unknown ones are
    text. Within an item, elements of other namespaces that hold elements are gone (related stories with links
    of their own), so is what a person's element holds beside names and addresses, and so are captions of pictures:
    `media:description` stays where it describes something else than a picture and the item has no words of its own.
    An element that is not closed is left as it is.
    """
    references = _References(entities)
    pruning = _Pruning()
    for piece in _pieces(text):
        if isinstance(piece, str):
            pruning.text(piece)
        elif piece.re is _TAG:
            pruning.tag(piece, references.mended(piece[0]))
        else:
            pruning.text(references.mended(piece[0]))
    pruning.end()
    return "".join(pruning.out)


_TEXT = re.compile(r"[^<]+")


def _pieces(text: str) -> Iterator[str | re.Match[str]]:
    """Yield the document in pieces: what is copied as it stands, tags, and text."""
    position = 0
    while position < len(text):
        if match := _TEXT.match(text, position):
            yield match
            position = match.end()
            continue
        mark = next((ending for beginning, ending in _VERBATIM if text.startswith(beginning, position)), None)
        if mark is not None:
            end = text.find(mark, position)
            end = len(text) if end < 0 else end + len(mark)
            yield text[position:end]
            position = end
        elif match := _TAG.match(text, position):
            yield match
            position = match.end()
        else:  # a bare < is text; the rest of a broken tag is left to the parser
            following = text[position + 1 : position + 2]
            yield "<" if following.isalpha() or following in "/!_" else "&lt;"
            position += 1


class _References:
    """Mends the references of one document."""

    def __init__(self, entities: Mapping[str, str]) -> None:
        self._values = {name: escape(value) for name, value in entities.items()}
        self._left = _MOST_EXPANDED

    def mended(self, text: str) -> str:
        """Return the text with each reference well-formed."""
        return _AMPERSAND.sub(self._mended, text) if "&" in text else text

    def _mended(self, match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return "&amp;"
        if name[0] == "#" or name in _OF_XML:
            return match[0]
        value = self._values.get(name)
        if value is not None and len(value) <= self._left:
            self._left -= len(value)
            return value
        characters = html5.get(f"{name};")
        return f"&amp;{name};" if characters is None else "".join(f"&#{ord(one)};" for one in characters)


class _Pruning:
    """Writes a document without the elements that are no item's own."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self._open: list[_Element] = []
        self._names: Counter[str] = Counter()  # of the open elements
        self._namespaces: dict[str, str] = {}
        self._item: _Element | None = None
        self._text: _Element | None = None  # the outermost text that is open

    def text(self, piece: str) -> None:
        """Write what is no tag."""
        self.out.append(piece)

    def tag(self, tag: re.Match[str], written: str) -> None:
        """Write a tag, and drop its element when it is closed and is no item's own."""
        slash, prefix, name, attributes = tag[1], tag[2] or "", tag[3].lower(), tag[4]
        qualified = f"{prefix}:{name}".lower()
        if slash:
            self.out.append(written)
            self._close(qualified)
            return
        if "xmlns" in attributes:
            self._declare(attributes)
        parent = self._open[-1] if self._open else None
        if name in _ITEMS and parent is not None and parent.kind is _Kind.ITEM:  # the one before was not closed
            self._pop()
            parent = self._open[-1] if self._open else None
        kind = self._kind_of(prefix, name, attributes, parent)
        if parent is not None:
            parent.has_elements = True
        element = _Element(name=qualified, kind=kind, start=len(self.out), attributes=attributes)
        self.out.append(written)
        self._open.append(element)
        self._names[qualified] += 1
        if kind is _Kind.ITEM:
            self._item = element
        elif kind is _Kind.TEXT:
            self._text = element
        if attributes.endswith("/"):
            self._close(qualified)

    def end(self) -> None:
        """Finish a document whose elements may still be open."""
        while self._open:
            self._pop()

    def _declare(self, attributes: str) -> None:
        for match in _ATTRIBUTE.finditer(attributes):
            if match[1].startswith("xmlns:"):
                self._namespaces[match[1][6:]] = match[2] or match[3] or ""

    def _kind_of(self, prefix: str, name: str, attributes: str, parent: _Element | None) -> _Kind:
        if self._text is not None:
            return _Kind.PLAIN
        if name in _ITEMS and self._item is None:
            return _Kind.ITEM
        if parent is not None and parent.kind is _Kind.PERSON:
            return _Kind.PLAIN if name in _OF_PERSONS else _Kind.DROPPED
        if self._is_media(prefix):
            if self._item is None:
                return _Kind.PLAIN
            return _Kind.CAPTION if name in {"description", "text"} else _Kind.MEDIA
        is_own = self._is_own(prefix, attributes)
        if is_own and name in _PERSONS:
            return _Kind.PERSON
        if parent is None or parent.kind is not _Kind.ITEM:
            return _Kind.PLAIN
        if is_own and name in _TEXTS:
            return _Kind.TEXT
        return _Kind.PLAIN if is_own and name == "source" else _Kind.FOREIGN

    def _is_media(self, prefix: str) -> bool:
        return prefix != "" and (_MEDIA in self._namespaces.get(prefix, _MEDIA if prefix == "media" else ""))

    def _is_own(self, prefix: str, attributes: str) -> bool:
        """Tell whether the element may be an item's own: of no namespace, or one that feeds are written in."""
        if prefix:
            namespace = self._namespaces.get(prefix)
            return prefix.lower() in _OWN_PREFIXES if namespace is None else bool(_OWN_NAMESPACES.search(namespace))
        own = re.search(r"""\bxmlns\s*=\s*(?:"([^"]*)"|'([^']*)')""", attributes)
        return own is None or not (own[1] or own[2]) or bool(_OWN_NAMESPACES.search(own[1] or own[2]))

    def _close(self, name: str) -> None:
        if not self._names[name]:
            return  # an end without a beginning
        while self._open[-1].name != name:
            self._pop()
        element = self._pop()
        if element.kind is _Kind.DROPPED or (element.kind is _Kind.FOREIGN and element.has_elements):
            del self.out[element.start :]
            return
        parent = self._open[-1] if self._open else None
        if element.kind is _Kind.CAPTION and self._item is not None and parent is not None:
            self._item.captions.append((element.start, len(self.out), parent))
        elif element.kind is _Kind.MEDIA and parent is not None:
            _count_media(element, parent)
        elif element.kind is _Kind.TEXT and parent is not None and name.rpartition(":")[2] in _OWN_TEXTS:
            words = any(piece.strip() for piece in self.out[element.start + 1 : -1] if piece != "<![CDATA[]]>")
            parent.has_text = parent.has_text or words

    def _pop(self) -> _Element:
        element = self._open.pop()
        self._names[element.name] -= 1
        if element is self._text:
            self._text = None
        if element is self._item:
            self._item = None
            for start, end, medium in element.captions:
                if element.has_text or (medium.pictures and not medium.other_media):
                    self.out[start:end] = [""] * (end - start)
        return element


def _count_media(element: _Element, parent: _Element) -> None:
    """Note of a medium, and of what holds it, whether it is a picture; a group counts as what it holds."""
    written = {match[1].lower(): match[2] or match[3] or "" for match in _ATTRIBUTE.finditer(element.attributes)}
    kind = (written.get("medium") or written.get("type") or "").lower().partition("/")[0]
    if element.name.endswith((":content", ":thumbnail")):
        is_picture = kind == "image" or (not kind and bool(_PICTURE.search(written.get("url", ""))))
        if element.name.endswith(":content") or is_picture:
            element.pictures, element.other_media = int(is_picture), int(not is_picture)
    parent.pictures += element.pictures if element.name.endswith(":content") else 0
    parent.other_media += element.other_media
