"""HTML of strangers: sanitised, read as plain words, or parsed into an lxml tree."""

import html
import re
from html.entities import html5
from itertools import pairwise
from typing import Any
from urllib.parse import urljoin

from newsclust.model import Page
from newsclust.text.charset import decode

_BLOCK_TAG = re.compile(
    r"</?(?:address|article|blockquote|br|d[dlt]|div|fig\w+|h[1-6r]|img|li|[ou]l|p|pre|section|t[dhr]|table)\b[^<>]*>",
    re.IGNORECASE,
)
_TAG = re.compile(r"</?[a-z!][^<>]*>", re.IGNORECASE)
_UNSEEN = re.compile(r"<!--.*?(?:-->|\Z)|<(script|style|applet)\b.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
# "The <video> element" is a title; "<em>The</em> element" is markup that should have been declared as such.
_CLOSED_MARKUP = re.compile(
    r"</(?:a|abbr|b|blockquote|cite|code|div|em|figure|h[1-6]|i|li|p|q|s|small|span|strong|su[bp]|table|u|ul)\s*>"
    r"|<(?:br|hr)\s*/?>|<img\s[^<>]*>",
    re.IGNORECASE,
)

# What feedparser's sanitiser let through, less what is no text and can act: forms, styles, embedded documents.
_ALLOWED_TAGS = {
    "a", "abbr", "acronym", "address", "article", "aside", "audio", "b", "big", "blockquote", "br", "caption",
    "center", "cite", "code", "col", "colgroup", "dd", "del", "details", "dfn", "dir", "div", "dl", "dt", "em",
    "figcaption", "figure", "font", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "i", "img", "ins",
    "kbd", "li", "menu", "nav", "ol", "p", "picture", "pre", "q", "s", "samp", "section", "small", "source", "span",
    "strike", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "time", "tr", "tt",
    "u", "ul", "var", "video",
}  # fmt: skip
# `class` stays: extraction knows share bars and "related posts" by it.
_ALLOWED_ATTRIBUTES = {
    "*": {"class", "dir", "lang", "title"},
    "a": {"href", "hreflang", "rel"},
    "audio": {"controls", "src"},
    "blockquote": {"cite"},
    "del": {"cite", "datetime"},
    "img": {"alt", "height", "src", "width"},
    "ins": {"cite", "datetime"},
    "li": {"value"},
    "ol": {"start"},
    "q": {"cite"},
    "source": {"src", "type"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "time": {"datetime"},
    "video": {"controls", "height", "poster", "src", "width"},
}
_ALLOWED_SCHEMES = {"http", "https", "mailto"}
# These go with all that is in them. None but the first three holds text for text extraction, either.
_DROPPED_WITH_CONTENT = {
    "applet", "script", "style", "button", "canvas", "form", "math", "noscript", "select", "svg", "template",
    "textarea",
}  # fmt: skip
# An HTML5 parser takes all that follows an unclosed one of these for its text: feeds cut their markup anywhere.
_BLANK_LINE = re.compile(r"\n[ \t\r]*\n")
_LIST_ITEM = re.compile(r"\s*(?:[-*+\u2022\u2013]|\d{1,3}[.)])\s")
_WRAPPED_FROM = 50  # characters of a line that goes on in the next one
_MOST_ESCAPES = 3
_ESCAPED_REFERENCE = re.compile(r"&amp;(#\d{2,6}|#x[0-9a-f]{2,5}|[a-z][a-z0-9]{1,30});", re.IGNORECASE)
_LEFT_REFERENCE = re.compile(r"&(?:amp|quot|apos|nbsp|hellip|[lr][sd]quo|[mn]dash|#0*(?!60;|62;)\d{2,6});")
_RAW_TEXT_TAG = re.compile(r"</?(?:embed|iframe|noembed|noframes|object|plaintext|title|xmp)\b[^<>]*>", re.IGNORECASE)
_REFERENCE = re.compile(r"&([A-Za-z][A-Za-z0-9]*+)(;?)")
_ENTITY = re.compile(r"&(?:amp|#0*38|#x0*26);", re.IGNORECASE)
_SELF_CLOSED = re.compile(r"<(button|form|math|noscript|script|select|style|svg|textarea)\b([^<>]*)/>", re.IGNORECASE)


def sanitize_html(markup: str) -> str:
    """Return the HTML without whatever could act: scripts, handlers, styles, forms, frames, javascript: links.

    Tags that are not allowed are gone, their text stays. Source: nh3, an allow list over an HTML5 parser.
    """
    import nh3

    prepared = _known_references(markup)
    prepared = _SELF_CLOSED.sub(r"<\1\2></\1>", _RAW_TEXT_TAG.sub("", prepared))
    return nh3.clean(
        prepared,
        tags=_ALLOWED_TAGS,
        clean_content_tags=_DROPPED_WITH_CONTENT,
        attributes=_ALLOWED_ATTRIBUTES,
        url_schemes=_ALLOWED_SCHEMES,
        link_rel=None,
    ).strip()


def _known_references(markup: str) -> str:
    """Return the HTML with & escaped where it begins no reference.

    A reference without its semicolon is one that browsers know so, and only where its name ends there: "caf&eacute"
    is a word, "R&notice" and "?id=7&copy=2" are none.
    """
    return _REFERENCE.sub(_known_reference, markup) if "&" in markup else markup


def _known_reference(reference: re.Match[str]) -> str:
    name, semicolon = reference[1], reference[2]
    if semicolon:
        return reference[0] if f"{name};" in html5 else f"&amp;{name};"
    follows = reference.string[reference.end() : reference.end() + 1]
    return reference[0] if name in html5 and follows != "=" else f"&amp;{name}"


def _unescaped(text: str) -> str:
    return html.unescape(_known_references(text))


def plain_address(written: str) -> str:
    """Return an address in which an & was escaped once or twice too often as it was meant."""
    return _ENTITY.sub("&", _ENTITY.sub("&", written.strip()))


def plain_text(markup: str) -> str:
    """Return the words of HTML on one line: tags stripped (blocks part words), references resolved once."""
    return single_spaced(_unescaped(_TAG.sub("", _BLOCK_TAG.sub(" ", _UNSEEN.sub("", markup)))))


def resolved_again(text: str) -> str:
    """Return plain text in which references that were escaped once too often have their value."""
    return _LEFT_REFERENCE.sub(lambda reference: html.unescape(reference[0]), text) if "&" in text else text


def title_text(text: str) -> str:
    """Return a title that ought to be plain, on one line; closed markup was meant as such and is stripped."""
    return plain_text(text) if has_closed_markup(text) else single_spaced(_unescaped(text))


def has_closed_markup(text: str) -> bool:
    """Return whether the text holds an end tag, a line break or a picture, and so is HTML whatever it is declared."""
    return _CLOSED_MARKUP.search(text) is not None


def paragraphs(text: str) -> str:
    """Return plain text as HTML: empty lines part paragraphs, list items and short lines stay on their own."""
    parts = [part.strip() for part in _BLANK_LINE.split(text)]
    return "".join(f"<p>{_lines(html.escape(part, quote=False))}</p>" for part in parts if part)


def _lines(text: str) -> str:
    """Return the text with `<br>` for each line end that is no wrapping of a long line."""
    lines = text.splitlines()
    joined = lines[:1]
    for before, line in pairwise(lines):
        wraps = len(before) >= _WRAPPED_FROM and not before.rstrip().endswith((".", "!", "?", ":", ";"))
        joined.append(f"{' ' if wraps and not _LIST_ITEM.match(line) else '<br>'}{line.strip()}")
    return "".join(joined)


def plain_html(text: str) -> str | None:
    """Return what ought to be plain text as HTML; closed markup was meant as such, references have their value."""
    return (sanitize_html(text) if has_closed_markup(text) else paragraphs(_unescaped(text))) or None


def unescaped_again(markup: str) -> str:
    """Return HTML that was escaped once too often as it was meant: tags and references that are all of its markup."""
    text = markup
    for _ in range(0 if _TAG.search(markup) else _MOST_ESCAPES):
        text = _unescaped(text)
        if has_closed_markup(text):
            markup = text
            break
    return markup if "<code" in markup or "<pre" in markup else _ESCAPED_REFERENCE.sub(_known_twice, markup)


def _known_twice(reference: re.Match[str]) -> str:
    name = reference[1]
    is_text = name[0] == "#" or (f"{name};" in html5 and name.lower() not in {"lt", "gt", "amp"})
    return f"&{name};" if is_text else reference[0]


def single_spaced(text: str) -> str:
    """Return the text on one line, its words parted by one space each."""
    return " ".join(text.split())


def html_root(page: Page) -> Any:
    """Return the page's tree; None when there is no element in it."""
    from lxml import etree
    from lxml import html as lxml_html

    markup = decode(page.body, page.headers.get("content-type", ""), document="html").text
    parser = lxml_html.HTMLParser(encoding="utf-8", remove_comments=True, no_network=True, huge_tree=False)
    try:  # as bytes: lxml refuses a str that begins with an XML declaration
        return lxml_html.document_fromstring(markup.encode("utf-8", "replace"), parser=parser, ensure_head_body=True)
    except etree.ParserError:  # blank
        return None


def base_url(root: Any, url: str) -> str:
    """Return the address from which the page's relative links count: its <base>, else its own."""
    written = next((str(base.get("href")) for base in root.iter("base") if base.get("href")), "")
    try:
        return urljoin(url, written.strip())
    except ValueError:  # such as http://[
        return url


def element_label(element: Any) -> str:
    """Return the element's text on one line; without text, the label or picture description that stands for it."""
    text = single_spaced(str(element.text_content()))
    labels = (element.get("aria-label"), element.get("title"), *(image.get("alt") for image in element.iter("img")))
    return text or next((single_spaced(label) for label in labels if label and label.strip()), "")
