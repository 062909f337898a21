"""Feed documents -> one plain shape: feedparser reads RSS, Atom and RDF, a small reader of ours JSON Feed."""

import html
import json
import re
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Literal

from newsclust.errors import ParseError, Reason
from newsclust.model import Page, Wishes
from newsclust.polling.update_hints import read_wishes
from newsclust.text.charset import decode

_BLANK_OR_COMMENT = r"(?:\s++|<\?.*?\?>|<!--.*?-->)*+"
# A whole DOCTYPE, internal subset included; quotes and brackets are skipped over, not matched in pairs.
_DOCTYPE = re.compile(
    rf"""({_BLANK_OR_COMMENT})<!DOCTYPE((?:[^\[>"']|"[^"]*"|'[^']*')*+)(?:\[(?:[^\]"']|"[^"]*"|'[^']*')*+\]\s*)?>""",
    re.DOTALL | re.IGNORECASE,
)
_DECLARATION = re.compile(r"<\?xml\b[^<>]*>")
_ROOT = re.compile(rf"{_BLANK_OR_COMMENT}<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)", re.DOTALL)
_FEED_TAG = re.compile(r"<(?:rss|feed|rdf:RDF)[\s>]", re.IGNORECASE)  # some servers wrap a feed into a page
_HTML = re.compile(r"<!doctype\s+html|<html\b|<body\b|<head>", re.IGNORECASE)
# XML 1.0, section 2.2; a reference to such a character is as fatal as the character.
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REFERENCE = re.compile(r"&#(?:x([0-9a-f]+)|([0-9]+));", re.IGNORECASE)
_JSON_VERSION = re.compile(r"jsonfeed\.org/version/|^1(?:\.[01])?$")  # the bare number is a common slip
_FEED_TYPES = re.compile(r"(?:application|text)/(?:[\w.-]+\+)?(?:xml|json)", re.IGNORECASE)

_MAILBOX = re.compile(r"\s*(?:\S+@\S+\s+\((.+)\)|([^<@]+)<\S+@\S+>|([^\s@]+@\S+))\s*")
_BLOCK_TAG = re.compile(
    r"</?(?:address|article|blockquote|br|d[dlt]|div|fig\w+|h[1-6r]|img|li|[ou]l|p|pre|section|t[dhr]|table)\b[^<>]*>",
    re.IGNORECASE,
)
_TAG = re.compile(r"</?[a-z!][^<>]*>", re.IGNORECASE)
# "The <video> element" is a title; "<em>The</em> element" is markup that should have been declared as such.
_CLOSED_MARKUP = re.compile(
    r"</(?:a|abbr|b|blockquote|cite|code|div|em|figure|h[1-6]|i|li|p|q|s|small|span|strong|su[bp]|table|u|ul)\s*>"
    r"|<(?:br|hr)\s*/?>|<img\s[^<>]*>",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item as written: addresses may be relative, dates are text."""

    guid: str | None
    link: str | None
    title: str  # plain text, empty when there is none
    summary: str | None  # HTML
    content: str | None  # HTML
    author: str | None
    language: str | None  # where it differs from the document's
    published: str | None
    updated: str | None
    source_title: str | None = None  # of the feed that this item was taken from
    source_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    kind: Literal["atom", "json", "rss", "sitemap", "page", "account"]
    title: str | None
    home: str | None  # the site's own address, as written
    language: str | None
    items: tuple[Item, ...]
    warnings: tuple[str, ...]
    wishes: Wishes = field(default_factory=Wishes)


def read_document(url: str, page: Page) -> Document:
    """What the feed document says, in its order, without judging dates, addresses or doubles.

    Nothing is fetched and no entity is declared (the DOCTYPE is dropped, so nothing can expand). HTML is
    sanitised by feedparser, its links stay as they are. Oddities are warnings: a content type that is no
    feed's, a wrong charset, forbidden characters, `bozo` with feedparser's word for it. ParseError(url) with
    EMPTY, HTML_NOT_FEED or NOT_A_FEED for what is no feed.
    """
    if not page.body.strip():
        raise ParseError(url, Reason.EMPTY, f"{len(page.body)} bytes")
    content_type = page.headers.get("content-type", "")
    decoded = decode(page.body, content_type, document="xml")
    warnings = list(decoded.warnings)
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type and not _FEED_TYPES.fullmatch(media_type):
        warnings.insert(0, f"content type: {media_type[:60]}")
    text = decoded.text.removeprefix("\ufeff").lstrip()
    if text.startswith("{"):
        return _json_document(url, text, warnings)
    return _xml_document(url, text, warnings)


def plain(markup: str) -> str:
    """HTML -> its words on one line: tags stripped (blocks part words), references resolved once."""
    return _line(html.unescape(_TAG.sub("", _BLOCK_TAG.sub(" ", markup))))


def _line(text: str) -> str:
    return " ".join(text.split())


def _paragraph(text: str) -> str:
    return f"<p>{html.escape(text, quote=False)}</p>"


def sanitised(markup: str) -> str:
    """The HTML without scripts, as feedparser leaves what it sanitises by itself."""
    from feedparser.sanitizer import _sanitize_html  # its only entrance; feedparser is held below 7

    return str(_sanitize_html(markup, "utf-8", "text/html"))


# --- XML


def _xml_document(url: str, text: str, warnings: list[str]) -> Document:
    import feedparser

    text = _DECLARATION.sub("", text, count=1)
    doctype = _DOCTYPE.match(text)
    if doctype:
        text = doctype[1] + text[doctype.end() :]
        if "<!ENTITY" in doctype[0].upper():
            warnings.append("entity declarations dropped")
    root = _ROOT.match(text)
    page_of_html = root is not None and root[1].lower() == "html"
    if page_of_html and not _FEED_TAG.search(text):
        raise ParseError(url, Reason.HTML_NOT_FEED, _shown(text))
    text, dropped = _without_forbidden(text)
    if dropped:
        warnings.append("characters that XML forbids dropped")
    try:
        parsed = feedparser.parse(
            BytesIO(text.encode("utf-8", "replace")),  # a stream: feedparser opens bytes as a file's name
            response_headers={"content-type": "application/xml; charset=utf-8"},
            resolve_relative_uris=False,
            sanitize_html=True,
        )
    except Exception as error:  # its loose parser lets out any builtin error on hostile bytes
        raise ParseError(url, Reason.NOT_A_FEED, f"feedparser: {type(error).__name__}: {error}") from error
    if not parsed.entries and (page_of_html or not parsed.get("version")):
        reason = Reason.HTML_NOT_FEED if _HTML.search(text[:5000]) else Reason.NOT_A_FEED
        raise ParseError(url, reason, _shown(text))
    if parsed.bozo:
        warnings.append(f"bozo: {type(parsed.bozo_exception).__name__}")
    language = parsed.feed.get("language")
    kind: Literal["atom", "rss"] = "atom" if str(parsed.get("version")).startswith("atom") else "rss"
    return Document(
        kind=kind,
        title=_title(parsed.feed) or None,
        home=parsed.feed.get("link") or None,
        language=language,
        items=tuple(_xml_item(entry, language, kind) for entry in parsed.entries),
        warnings=tuple(warnings),
        wishes=read_wishes(text, parsed.feed),
    )


def _without_forbidden(text: str) -> tuple[str, int]:
    """The text without characters that XML forbids, raw or as references, and how many went."""
    dropped = 0

    def kept(reference: re.Match[str]) -> str:
        nonlocal dropped
        digits, base = (reference[1], 16) if reference[1] else (reference[2], 10)
        code = int(digits, base) if len(digits) <= 8 else 0x110000
        if code <= 0x10FFFF and not _FORBIDDEN.match(chr(code)):
            return reference[0]
        dropped += 1
        return ""

    text, raw = _FORBIDDEN.subn("", text)
    return _REFERENCE.sub(kept, text), dropped + raw


def _xml_item(entry: Any, document_language: str | None, kind: Literal["atom", "rss"]) -> Item:
    updated = dict.get(entry, "updated") or None  # the entry's own `get` would fall back on `published`
    published = entry.get("published") or None
    if kind == "rss" and published is None:
        # RSS has no date of change: this is dc:date, which is when the item was published (RSS 1.0 knows no other).
        published, updated = updated, None
    summary = _html(entry.get("summary_detail"))
    contents = [_html(content) for content in entry.get("content", ())]
    source = entry.get("source") or {}  # of RSS 2.0 and Atom: the feed that the item was taken from
    content = max((c for c in contents if c), key=len, default=None)
    return Item(
        guid=_line(entry.get("id") or "") or None,
        link=_xml_link(entry),
        title=_title(entry) or plain(entry.get("itunes_title") or ""),
        summary=summary,
        content=None if content == summary else content,
        author=_xml_author(entry),
        language=_xml_language(entry, document_language),
        published=published,
        updated=updated,
        source_title=plain(source.get("title") or "") or None,
        source_url=source.get("href") or _own_address(source) or source.get("link") or None,
    )


def _own_address(source: Any) -> str | None:
    """The feed's own address in Atom's `source`; RSS has it in an attribute."""
    own = (link.get("href") for link in source.get("links", ()) if link.get("rel") == "self")
    return next((str(address) for address in own if address), None)


def _title(element: Any) -> str:
    detail = element.get("title_detail") or {}
    title = element.get("title") or detail.get("value") or ""
    return title_of(title) if detail.get("type") == "text/plain" else plain(title)


def title_of(text: str) -> str:
    """Text that ought to be plain, on one line; without its markup when that is closed, and so was meant."""
    return plain(text) if _CLOSED_MARKUP.search(text) else _line(html.unescape(text))


def _html(detail: Any) -> str | None:
    """The HTML of a text construct, None when it is empty or no text (Atom allows images in `content`)."""
    value = str((detail or {}).get("value") or "").strip()
    media_type = detail.get("type", "text/html") if value else ""
    if media_type in {"text/html", "application/xhtml+xml"}:
        return value
    if media_type != "text/plain":
        return None
    return sanitised(value) if _CLOSED_MARKUP.search(value) else _paragraph(value)


def _xml_link(entry: Any) -> str | None:
    """FeedBurner's note of the true address, else the link, else any alternate, else Atom's own address.

    feedparser gives the id for a link where the only alternate is no HTML (a PDF): then the alternate counts.
    """
    by_rel: dict[str, str] = {}
    for link in entry.get("links", ()):
        if link.get("href"):
            by_rel.setdefault(link.get("rel", "alternate"), link["href"])
    link = entry.get("link")
    if link == entry.get("id"):
        link = by_rel.get("alternate") or link
    written = entry.get("feedburner_origlink") or link or by_rel.get("alternate") or by_rel.get("self")
    return written.strip() if isinstance(written, str) else None


def _xml_author(entry: Any) -> str | None:
    """The names in plain text, or the e-mail address when it is all there is.

    RSS writes "address (name)" in one line, which feedparser only takes apart for top-level domains of up to
    four letters.
    """
    written = entry.get("author") or ""
    if match := _MAILBOX.fullmatch(written[:200]):
        return plain(match[1] or match[2] or match[3])
    names = (plain(author.get("name") or "") for author in entry.get("authors", ()))
    return ", ".join(dict.fromkeys(name for name in names if name)) or plain(written) or None


def _xml_language(entry: Any, document_language: str | None) -> str | None:
    """The entry's own word: its dc:language, or an xml:lang that is not the document's come down to it."""
    details = [*entry.get("content", ()), entry.get("summary_detail") or {}, entry.get("title_detail") or {}]
    written = [entry.get("language"), *(detail.get("language") for detail in details)]
    return next((word for word in written if word and word != document_language), None)


def _shown(text: str) -> str:
    """The beginning of a document, for a person to see what came instead of a feed."""
    return plain(text[:2000])[:80]


# --- JSON Feed 1.0 and 1.1 (jsonfeed.org/version/1.1)


def _json_document(url: str, text: str, warnings: list[str]) -> Document:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParseError(url, Reason.NOT_A_FEED, f"JSON: {str(error)[:80]}") from error
    items = document.get("items")
    if not _JSON_VERSION.search(text_of(document, "version")) or not isinstance(items, list):
        raise ParseError(url, Reason.NOT_A_FEED, f"JSON without version or items: {_line(text)[:60]}")
    objects = [item for item in items if isinstance(item, dict)]
    if len(objects) < len(items):
        warnings.append(f"items that are no objects: {len(items) - len(objects)}")
    return Document(
        kind="json",
        title=_line(text_of(document, "title")) or None,
        home=text_of(document, "home_page_url") or None,
        language=text_of(document, "language") or None,
        items=tuple(_json_item(item) for item in objects),
        warnings=tuple(warnings),
    )


def _json_item(item: dict[str, Any]) -> Item:
    summary = _paragraph(text_of(item, "summary")) if text_of(item, "summary") else None
    texts = (sanitised(text_of(item, "content_html")), _paragraph(text_of(item, "content_text")))
    content = max((text for text in texts if text not in {"", "<p></p>"}), key=len, default=None)
    return Item(
        guid=text_of(item, "id") or None,
        link=text_of(item, "url") or text_of(item, "external_url") or None,
        title=_line(text_of(item, "title")),
        summary=summary,
        content=None if content == summary else content,
        author=_json_author(item),
        language=text_of(item, "language") or None,
        published=text_of(item, "date_published") or None,
        updated=text_of(item, "date_modified") or None,
    )


def _json_author(item: dict[str, Any]) -> str | None:
    authors = item.get("authors") or [item.get("author")]  # 1.1, 1.0
    if not isinstance(authors, list):
        return None
    names = (_line(text_of(author, "name")) for author in authors if isinstance(author, dict))
    return ", ".join(dict.fromkeys(name for name in names if name)) or None


def text_of(item: dict[str, Any], key: str) -> str:
    """A value as text: numbers, which version 1.0 allowed for ids, too; empty when it is none of the two."""
    value = item.get(key)
    if isinstance(value, str):
        return _FORBIDDEN.sub("", value).strip()
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""
