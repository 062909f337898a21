"""The form in which every text is kept: plain, NFC, paragraphs parted by one empty line."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from html import unescape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.html import HtmlElement

# Elements that hold no running text. A caption is one: it names a picture that we do not have.
# fmt: off
_SILENT = frozenset((
    "audio", "button", "canvas", "embed", "figcaption", "form", "head", "iframe", "math", "nav",
    "noscript", "object", "script", "select", "style", "svg", "template", "textarea", "title", "video",
))
# fmt: on
# What WordPress and FeedBurner plugins put into feed content beside the text: share bars, "related posts".
_WIDGETS = frozenset(("feedflare", "jp-relatedposts", "sd-sharing", "sharedaddy", "yarpp-related"))
# Elements that begin and end a paragraph. `br` is one: whoever writes it wants another line.
# fmt: off
_BLOCKS = frozenset((
    "address", "article", "aside", "blockquote", "body", "br", "caption", "center", "dd", "details",
    "dir", "div", "dl", "dt", "fieldset", "figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6",
    "header", "hr", "html", "li", "main", "menu", "ol", "p", "pre", "section", "summary", "table",
    "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
))
# fmt: on
_LINE_BREAK = re.compile(r"\r\n?|[\n\v\f\x1c-\x1e\x85\u2028\u2029]")
_MARKUP = re.compile(r"<[A-Za-z/!?]")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
# Control characters and surrogates: lxml reads neither.
_UNREADABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
# More marks on one letter are no writing, and to sort them takes the square of their number. UAX #15, section 13.
MOST_MARKS = 30
# A letter may bring three of its own. Marks are neither letters nor spaces, and none comes before U+0300.
_STACK = re.compile(rf"\w?[^\w\s\x00-\u02ff]{{{MOST_MARKS - 2},}}")
# Control, format (zero-width, soft hyphen, direction), surrogate and private (icon fonts) characters.
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Co"))


def html_text(html: str) -> str:
    """The words of an HTML fragment as a reader sees them: entities decoded, in normal form, no scripts.

    Blocks and line breaks part paragraphs. A fragment without any tag is plain text: its empty lines do.
    """
    if not _MARKUP.search(html):
        return normal_text("\n".join(_flat(part) for part in _BLANK_LINE.split(unescape(html))))
    from lxml.html import HTMLParser, document_fromstring

    visible = _UNREADABLE.sub("", html)
    parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    document = document_fromstring(f"<html><body>{visible}".encode(), parser=parser)
    return normal_text("".join(_pieces(document, _flat)))


def element_lines(element: "HtmlElement") -> list[str]:
    """The lines of an element that writes its lines as such: line breaks of the source part them too."""
    lines = "".join(_pieces(element, str)).split("\n")
    return [line.strip() for line in lines if line.strip()]


def _pieces(root: "HtmlElement", spaced: Callable[[str], str]) -> Iterator[str]:
    """The words under an element, blocks parted by line feeds; without recursion, since pages nest deeply."""
    from lxml.etree import iterwalk

    silent: HtmlElement | None = None
    for event, element in iterwalk(root, events=("start", "end")):
        border = "\n" if element.tag in _BLOCKS else ""
        if event == "start" and silent is None:
            if element.tag in _SILENT or not _WIDGETS.isdisjoint(element.get("class", "").split()):
                silent = element
            else:
                yield border + spaced(element.text or "")
        elif event == "end" and silent in {None, element}:
            silent = None
            yield border + spaced(element.tail or "" if element is not root else "")


def _flat(text: str) -> str:
    """Line breaks of the source are spaces to a reader (HTML, section 13.1: inter-element whitespace)."""
    return re.sub(r"\s+", " ", text)


def normal_text(text: str, *, title: str = "") -> str:
    """The same words as NFC, every line of `text` a paragraph, spaces collapsed, nothing invisible.

    Of more than 30 marks on one letter only the first stay.
    A paragraph that repeats the one before it is gone, and so are leading ones that only repeat `title`.
    normal_text(normal_text(t, title=x), title=x) == normal_text(t, title=x).
    """
    lines = _LINE_BREAK.sub("\n", text).replace("\t", " ")
    seen = _STACK.sub(_with_few_marks, "\n".join(map(_seen, lines.split("\n"))))
    paragraphs = unrepeated([" ".join(line.split()) for line in unicodedata.normalize("NFC", seen).split("\n")])
    name = letters(title)
    while name and paragraphs and letters(paragraphs[0]) == name:
        paragraphs = paragraphs[1:]
    return "\n\n".join(paragraphs)


def _seen(line: str) -> str:
    """The line without what is not seen; a printable one has nothing of that, and most lines are."""
    if line.isprintable():
        return line
    return "".join(c for c in line if unicodedata.category(c) not in _UNSEEN)


def _with_few_marks(stack: re.Match[str]) -> str:
    """The characters without the marks that are too many on one letter, counted as they are when taken apart."""
    kept, marks = [], 0
    for character in stack[0]:
        parts = unicodedata.normalize("NFD", character)
        marks = marks + len(parts) if unicodedata.combining(parts[0]) else len(parts) - 1
        if marks <= MOST_MARKS:
            kept.append(character)
    return "".join(kept)


def unrepeated(paragraphs: list[str]) -> list[str]:
    """The paragraphs without empty ones and without those that repeat their neighbour."""
    kept: list[str] = []
    for paragraph in paragraphs:
        if paragraph and (not kept or paragraph != kept[-1]):
            kept.append(paragraph)
    return kept


def letters(text: str) -> str:
    """Only the letters and digits, without case: equal for two spellings of one line."""
    return "".join(c for c in text.casefold() if c.isalnum())


def word_count(text: str) -> int:
    return len(text.split())
