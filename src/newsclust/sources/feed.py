"""RSS, Atom and RDF, read by feedparser; the same addresses may answer with JSON Feed or a shared stream."""

import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from typing import Any

from newsclust.errors import ParseError, Reason
from newsclust.model import Feed, Fetch, Page, Request
from newsclust.polling.update_hints import read_update_hints
from newsclust.sources import freshrss
from newsclust.sources.document import XML_FORBIDDEN, SourceDocument, SourceItem
from newsclust.sources.greader import is_shared_stream, read_stream
from newsclust.sources.html import (
    plain_address,
    plain_html,
    plain_text,
    resolved_again,
    sanitize_html,
    single_spaced,
    title_text,
    unescaped_again,
)
from newsclust.sources.jsonfeed import read_json_feed
from newsclust.sources.xml_mending import declared_entities, mended_xml
from newsclust.text.charset import decode

_BLANK_OR_COMMENT = r"(?:\s++|<\?.*?\?>|<!--.*?-->)*+"
# A whole DOCTYPE, internal subset included; quotes and brackets are skipped over, not matched in pairs.
_DOCTYPE = re.compile(
    rf"""({_BLANK_OR_COMMENT})<!DOCTYPE((?:[^\[>"']|"[^"]*"|'[^']*')*+)(?:\[(?:[^\]"']|"[^"]*"|'[^']*')*+\]\s*)?>""",
    re.DOTALL | re.IGNORECASE,
)
_XML_DECLARATION = re.compile(r"<\?xml\b[^<>]*>")
_ROOT = re.compile(rf"{_BLANK_OR_COMMENT}<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)", re.DOTALL)
_FEED_TAG = re.compile(r"<(?:rss|feed|rdf:RDF)[\s>]", re.IGNORECASE)  # some servers wrap a feed into a page
_HTML = re.compile(r"<!doctype\s+html|<html\b|<body\b|<head>", re.IGNORECASE)
_REFERENCE = re.compile(r"&#(?:x([0-9a-f]+)|([0-9]+));", re.IGNORECASE)
_FEED_MEDIA_TYPES = re.compile(r"(?:application|text)/(?:[\w.-]+\+)?(?:xml|json)", re.IGNORECASE)

_PAGE_TYPES = {"text/html", "application/xhtml+xml", "text/plain", "html", ""}
_SCHEME = re.compile(r"(?!https?:)[a-z][a-z0-9+.-]*:.*", re.IGNORECASE | re.DOTALL)  # an address of no page
_LINK_BEFORE_ITS_TEXT = re.compile(r"<link\s*/>\s*(https?://[^\s<>]{1,2000})", re.IGNORECASE)  # written as HTML
_MAILBOX = re.compile(r"\s*(?:\S+@\S+\s+\((.+)\)|([^<@]+)<\S+@\S+>|([^\s@]+@\S+))\s*")


class FeedSource:
    """RSS, Atom, RDF or JSON Feed at one address; FreshRSS's pages are polled for their RSS."""

    description = "a feed"
    options: Mapping[str, Callable[[str], str]] = {}

    def poll_url(self, url: str) -> str:
        """Return the address that gives as RSS what FreshRSS shows at `url`; any other address as it is."""
        return freshrss.rss_url(url)

    def matches(self, url: str, page: Page | None = None) -> bool:
        """Return False: an address is taken for a feed when it is of no other kind."""
        return False

    def fetch(
        self, request: Request, feed: Feed, *, now: datetime, environment: Mapping[str, str]
    ) -> Generator[Request, Fetch, Fetch]:
        """Make one request; several of a FreshRSS query or view, which answers with a page of what it holds."""
        secret_url = None if request.secret_url is None else freshrss.rss_url(request.secret_url)
        request = replace(request, url=freshrss.rss_url(request.url), secret_url=secret_url)
        if freshrss.is_cut_unasked(request.url):
            return (yield from freshrss.all_answers(request))
        return (yield request)

    def parse(self, feed: Feed, page: Page) -> SourceDocument:
        """Return what the document says; ParseError with EMPTY, HTML_NOT_FEED or NOT_A_FEED for what is no feed."""
        document = read_stream(feed, page) if is_shared_stream(page.body) else _read_document(feed.url, page)
        warning = freshrss.left_out_warning(page)
        return document if warning is None else replace(document, warnings=(*document.warnings, warning))


def _read_document(url: str, page: Page) -> SourceDocument:
    """Return what the feed document says, in its order, without judging dates, addresses or repeated items.

    Nothing is fetched and no entity is declared (the DOCTYPE is dropped, so nothing can expand). HTML is sanitised,
    its links stay as they are. Oddities are warnings: a content type that is no feed's, a wrong charset, forbidden
    characters, `bozo` with the name of feedparser's exception. ParseError(url) with EMPTY, HTML_NOT_FEED or
    NOT_A_FEED for what is no feed.
    """
    if not page.body.strip():
        raise ParseError(url, Reason.EMPTY, f"{len(page.body)} bytes")
    content_type = page.headers.get("content-type", "")
    decoded = decode(page.body, content_type, document="xml")
    warnings = list(decoded.warnings)
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type and not _FEED_MEDIA_TYPES.fullmatch(media_type):
        warnings.insert(0, f"content type: {media_type[:60]}")
    text = decoded.text.removeprefix("\ufeff").lstrip()
    if text.startswith("{"):
        return read_json_feed(url, text, warnings)
    return _read_xml(url, text, warnings)


def _read_xml(url: str, text: str, warnings: list[str]) -> SourceDocument:
    import feedparser

    text = _XML_DECLARATION.sub("", text, count=1)
    doctype = _DOCTYPE.match(text)
    entities: dict[str, str] = {}
    if doctype:
        text = doctype[1] + text[doctype.end() :]
        entities = declared_entities(doctype[0])
        if doctype[0].upper().count("<!ENTITY") > len(entities):
            warnings.append("entity declarations dropped")
    root = _ROOT.match(text)
    is_html_page = root is not None and root[1].lower() == "html"
    if is_html_page and not _FEED_TAG.search(text):
        raise ParseError(url, Reason.HTML_NOT_FEED, _excerpt(text))
    text, dropped = _without_forbidden(text)
    if dropped:
        warnings.append("characters that XML forbids dropped")
    text = mended_xml(_LINK_BEFORE_ITS_TEXT.sub(r"<link>\1</link>", text), entities)
    try:
        parsed = feedparser.parse(
            BytesIO(text.encode("utf-8", "replace")),  # a stream: feedparser opens bytes as a file's name
            response_headers={"content-type": "application/xml; charset=utf-8"},
            resolve_relative_uris=False,
            sanitize_html=False,  # three times as fast; texts are sanitised below
        )
    except Exception as error:  # its loose parser lets out any builtin error on hostile bytes
        raise ParseError(url, Reason.NOT_A_FEED, f"feedparser: {type(error).__name__}: {error}") from error
    if not parsed.entries and (is_html_page or not parsed.get("version")):
        reason = Reason.HTML_NOT_FEED if _HTML.search(text[:5000]) else Reason.NOT_A_FEED
        raise ParseError(url, reason, _excerpt(text))
    if parsed.bozo:
        warnings.append(f"bozo: {type(parsed.bozo_exception).__name__}")
        # feedparser's other reader takes an & of the site's address apart.
        site_url = re.sub("&amp;?", "&", parsed.feed.get("link") or "")
    else:
        site_url = parsed.feed.get("link") or ""
    language = parsed.feed.get("language")
    is_atom = str(parsed.get("version")).startswith("atom")
    return SourceDocument(
        title=_title(parsed.feed) or None,
        site_url=site_url or None,
        language=language,
        items=tuple(_item(entry, language, is_atom=is_atom) for entry in parsed.entries),
        warnings=tuple(warnings),
        update_hints=read_update_hints(text, parsed.feed),
        relative_to_site=not is_atom,  # RSS knows no base
    )


def _without_forbidden(text: str) -> tuple[str, int]:
    """Return the text without characters that XML forbids, raw or as references, and how many were dropped."""
    dropped = 0

    def allowed(reference: re.Match[str]) -> str:
        nonlocal dropped
        digits, base = (reference[1], 16) if reference[1] else (reference[2], 10)
        code = int(digits, base) if len(digits) <= 8 else 0x110000
        if code <= 0x10FFFF and not XML_FORBIDDEN.match(chr(code)):
            return reference[0]
        dropped += 1
        return ""

    text, raw = XML_FORBIDDEN.subn("", text)
    return _REFERENCE.sub(allowed, text), dropped + raw


def _item(entry: Any, document_language: str | None, *, is_atom: bool) -> SourceItem:
    updated = dict.get(entry, "updated") or None  # the entry's own `get` would fall back on `published`
    published = entry.get("published") or None
    if not is_atom and published is None:
        # RSS has no date of change: this is dc:date, which is when the item was published (RSS 1.0 knows no other).
        published, updated = updated, None
    summary = _html(entry.get("summary_detail"))
    contents = [_html(content) for content in entry.get("content", ())]
    source = entry.get("source") or {}  # of RSS 2.0 and Atom: the feed that the item was taken from
    content = max((c for c in contents if c), key=len, default=None)
    return SourceItem(
        guid=single_spaced(entry.get("id") or "") or None,
        link=_link(entry, document_language),
        title=_title(entry) or plain_text(entry.get("itunes_title") or ""),
        summary=summary,
        content=None if content == summary else content,
        author=_author(entry),
        language=_language(entry, document_language),
        published=published,
        updated=updated,
        enclosure=next((str(link["href"]) for link in entry.get("enclosures", ()) if link.get("href")), None),
        source_title=plain_text(source.get("title") or "") or None,
        source_url=source.get("href") or _self_link(source) or source.get("link") or None,
    )


def _self_link(source: Any) -> str | None:
    """Return the feed's own address in Atom's `source`; RSS has it in an attribute."""
    own = (link.get("href") for link in source.get("links", ()) if link.get("rel") == "self")
    return next((str(address) for address in own if address), None)


def _title(element: Any) -> str:
    detail = element.get("title_detail") or {}
    title = element.get("title") or detail.get("value") or ""
    return resolved_again(title_text(title) if detail.get("type") == "text/plain" else plain_text(title))


def _html(detail: Any) -> str | None:
    """Return the sanitised HTML of a text construct; None when it is empty or no text (Atom allows images)."""
    value = str((detail or {}).get("value") or "").strip()
    media_type = detail.get("type", "text/html") if value else ""
    if media_type in {"text/html", "application/xhtml+xml"}:
        return sanitize_html(unescaped_again(value)) or None
    if media_type != "text/plain":
        return None
    return plain_html(value)


def _link(entry: Any, document_language: str | None) -> str | None:
    """Return FeedBurner's note of the true address, else the best alternate, else the link, else Atom's own address.

    Of several alternates pages go before other documents, those for every screen before those for some, those in the
    document's language or none before translations; then the first counts. feedparser's `link` is the last one, or
    the id.
    """

    def rank(link: Any) -> tuple[bool, bool, bool]:
        language = (link.get("hreflang") or "").lower().partition("-")[0]
        own = (document_language or language).lower().replace("_", "-").partition("-")[0]
        return link.get("type", "text/html") not in _PAGE_TYPES, bool(link.get("media")), language not in {"", own}

    links = [link for link in entry.get("links", ()) if link.get("href") and _SCHEME.sub("", link["href"]).strip()]
    pages = sorted((link for link in links if link.get("rel", "alternate") == "alternate"), key=rank)
    own = [link for link in links if link.get("rel") == "self"]
    mark = entry.get("link")  # feedparser takes a guid for the link where there is none, even one without a slash
    page = mark if mark != entry.get("id") or "/" in (mark or "") else None
    best = next((str(link["href"]) for link in pages), None) or page
    written = entry.get("feedburner_origlink") or best or next((link["href"] for link in own), None)
    return plain_address(written) if isinstance(written, str) else None


def _author(entry: Any) -> str | None:
    """Return the names in plain text, or the e-mail address when there is no name.

    RSS writes "address (name)" in one line, which feedparser only takes apart for top-level domains of up to
    four letters.
    """
    written = entry.get("author") or ""
    if match := _MAILBOX.fullmatch(written[:200]):
        return plain_text(match[1] or match[2] or match[3])
    names = (plain_text(author.get("name") or "") for author in entry.get("authors", ()))
    return ", ".join(dict.fromkeys(name for name in names if name)) or plain_text(written) or None


def _language(entry: Any, document_language: str | None) -> str | None:
    """Return the entry's own language: its dc:language, or an xml:lang that is not inherited from the document."""
    details = [*entry.get("content", ()), entry.get("summary_detail") or {}, entry.get("title_detail") or {}]
    candidates = [entry.get("language"), *(detail.get("language") for detail in details)]
    return next((language for language in candidates if language and language != document_language), None)


def _excerpt(text: str) -> str:
    """Return the beginning of a document, which shows a person what came instead of a feed."""
    return plain_text(text[:2000])[:80]
