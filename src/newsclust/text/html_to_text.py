"""HTML -> the text that a reader sees: no scripts, no forms, no media, blocks on lines of their own."""

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import TYPE_CHECKING

from newsclust.text.normalize import normalize_text

if TYPE_CHECKING:
    from lxml.html import HtmlElement

# Elements that hold no running text. A caption is one: it names a picture that we do not have.
# fmt: off
_WITHOUT_TEXT = frozenset((
    "audio", "button", "canvas", "embed", "figcaption", "form", "head", "iframe", "math", "nav",
    "noscript", "object", "script", "select", "style", "svg", "template", "textarea", "title", "video",
))
# fmt: on
# What WordPress and FeedBurner plugins put into feed content beside the text: share bars, "related posts".
_WIDGETS = frozenset(("feedflare", "jp-relatedposts", "sd-sharing", "sharedaddy", "yarpp-related"))
# Captions that are written as paragraphs.
_CAPTIONS = frozenset(("wp-caption-text", "gallery-caption", "image-caption", "media-caption", "photo-caption"))
_UNREAD_CLASSES = _WIDGETS | _CAPTIONS
# Elements that begin and end a paragraph. `br` is one: whoever writes it wants another line.
# fmt: off
_BLOCKS = frozenset((
    "address", "article", "aside", "blockquote", "body", "br", "caption", "center", "dd", "details",
    "dir", "div", "dl", "dt", "fieldset", "figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6",
    "header", "hr", "html", "li", "main", "menu", "ol", "p", "pre", "section", "summary", "table",
    "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
))
# fmt: on
_TAG = re.compile(r"<[A-Za-z/!?]")
_LONG_TAG = re.compile(r"<([A-Za-z][\w:-]*)[^<>]{4000,}+>")  # libxml2 compares each attribute with all before it
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
# Control characters and surrogates: lxml reads neither.
_UNREADABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def html_to_text(html: str) -> str:
    """Return the visible words of an HTML fragment in normal form, entities decoded.

    Blocks and line breaks part paragraphs. A fragment without any tag is plain text: its empty lines do.
    """
    if not _TAG.search(html):
        return normalize_text("\n".join(_collapse_spaces(part) for part in _BLANK_LINE.split(unescape(html))))
    from lxml.html import HTMLParser, document_fromstring

    readable = _LONG_TAG.sub(r"<\1>", _UNREADABLE.sub("", html))
    parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    document = document_fromstring(f"<html><body>{readable}".encode(), parser=parser)
    return normalize_text("".join(_text_pieces(document, _collapse_spaces)))


def element_lines(element: "HtmlElement") -> list[str]:
    """Return the non-empty lines of an element; line breaks of its source part lines, too, as in forum posts."""
    lines = "".join(_text_pieces(element, str)).split("\n")
    return [line.strip() for line in lines if line.strip()]


def _text_pieces(root: "HtmlElement", spacing: Callable[[str], str]) -> Iterator[str]:
    """Yield the text under an element, blocks parted by line feeds; without recursion, since pages nest deeply."""
    from lxml.etree import iterwalk

    skipped: HtmlElement | None = None
    for event, element in iterwalk(root, events=("start", "end")):
        border = "\n" if element.tag in _BLOCKS else ""
        if event == "start" and skipped is None:
            if element.tag in _WITHOUT_TEXT or not _UNREAD_CLASSES.isdisjoint(element.get("class", "").split()):
                skipped = element
            else:
                yield border + spacing(element.text or "")
        elif event == "end" and skipped in {None, element}:
            skipped = None
            yield border + spacing(element.tail or "" if element is not root else "")


def _collapse_spaces(text: str) -> str:
    """Make each run of white space one space: so a reader sees it (HTML, section 13.1)."""
    return re.sub(r"\s+", " ", text)
