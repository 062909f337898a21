"""JSON Feed 1.0 and 1.1 (jsonfeed.org/version/1.1), which feedparser does not read."""

import json
import re
from typing import Any

from newsclust.errors import ParseError, Reason
from newsclust.sources.document import XML_FORBIDDEN, SourceDocument, SourceItem
from newsclust.sources.html import plain_html, sanitize_html, single_spaced, title_text, unescaped_again

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_VERSION = re.compile(r"jsonfeed\.org/version/|^1(?:\.[01])?$")  # the bare number is a common slip


def read_json_feed(url: str, text: str, warnings: list[str]) -> SourceDocument:
    """Return the items of a JSON Feed, in order; ParseError(url) with NOT_A_FEED for other JSON."""
    try:
        # Line breaks and other control characters stand unescaped in the strings of many.
        document = json.loads(_CONTROLS.sub("", text), strict=False)
    except (ValueError, RecursionError) as error:
        raise ParseError(url, Reason.NOT_A_FEED, f"JSON: {str(error)[:80]}") from error
    items = document.get("items") if isinstance(document, dict) else None
    if (
        not isinstance(document, dict)
        or not _VERSION.search(json_text(document, "version"))
        or not isinstance(items, list)
    ):
        raise ParseError(url, Reason.NOT_A_FEED, f"JSON without version or items: {single_spaced(text)[:60]}")
    objects = [item for item in items if isinstance(item, dict)]
    if len(objects) < len(items):
        warnings.append(f"items that are no objects: {len(items) - len(objects)}")
    return SourceDocument(
        title=title_text(json_text(document, "title")) or None,
        site_url=json_text(document, "home_page_url") or None,
        language=json_text(document, "language") or None,
        items=tuple(_item(item) for item in objects),
        warnings=tuple(warnings),
    )


def json_text(item: dict[str, Any], key: str) -> str:
    """Return a value as text; numbers, which version 1.0 allowed for ids, too; any other value as ""."""
    value = item.get(key)
    if isinstance(value, str):
        return XML_FORBIDDEN.sub("", value).strip()
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _item(item: dict[str, Any]) -> SourceItem:
    summary = plain_html(json_text(item, "summary"))
    texts = (
        sanitize_html(unescaped_again(json_text(item, "content_html"))),
        plain_html(json_text(item, "content_text")),
    )
    content = max((text for text in texts if text), key=len, default=None)
    return SourceItem(
        guid=json_text(item, "id") or None,
        link=json_text(item, "url") or json_text(item, "external_url") or None,
        title=title_text(json_text(item, "title")),
        summary=summary,
        content=None if content == summary else content,
        author=_author(item),
        language=json_text(item, "language") or None,
        published=json_text(item, "date_published") or None,
        updated=json_text(item, "date_modified") or None,
        enclosure=_attachment(item),
    )


def _attachment(item: dict[str, Any]) -> str | None:
    """Return the address of the first file that comes with the item."""
    written = item.get("attachments")
    attachments = written if isinstance(written, list) else []
    return next((url for one in attachments if isinstance(one, dict) and (url := json_text(one, "url"))), None)


def _author(item: dict[str, Any]) -> str | None:
    authors = item.get("authors") or [item.get("author")]  # 1.1, 1.0
    if not isinstance(authors, list):
        return None
    names = (title_text(json_text(author, "name")) for author in authors if isinstance(author, dict))
    return ", ".join(dict.fromkeys(name for name in names if name)) or None
