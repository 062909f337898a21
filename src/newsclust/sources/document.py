"""What every kind of source reads its documents into: one shape, as written, before anything is judged."""

import re
from dataclasses import dataclass, field, replace

from newsclust.model import MAX_TEXT_CHARACTERS, UpdateHints

# XML 1.0, section 2.2; a reference to such a character is as fatal as the character.
XML_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


MAX_ITEMS = 5_000  # of one document; of 44 captured feed documents the longest holds 1,000


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceItem:
    """One item as written: addresses may be relative, dates are text."""

    guid: str | None = None
    link: str | None
    title: str  # plain text, empty when there is none
    summary: str | None = None  # sanitised HTML
    content: str | None = None  # sanitised HTML
    author: str | None = None
    language: str | None = None  # where it differs from the document's
    published: str | None = None
    updated: str | None = None
    enclosure: str | None = None  # address of a recording or film that comes with it
    source_title: str | None = None  # of the feed that this item was taken from
    source_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDocument:
    """One document of a source: its items in order, what it says of itself, and a warning for each oddity."""

    title: str | None
    site_url: str | None = None  # as written
    language: str | None = None
    items: tuple[SourceItem, ...]
    warnings: tuple[str, ...] = ()
    update_hints: UpdateHints = field(default_factory=UpdateHints)
    relative_to_site: bool = False  # relative links count from the site's address, not from the document's


def bounded(document: SourceDocument) -> SourceDocument:
    """Return the document with its first `MAX_ITEMS` items, texts cut to `MAX_TEXT_CHARACTERS`, with warnings."""
    warnings = list(document.warnings)
    if len(document.items) > MAX_ITEMS:
        warnings.append(f"items behind the first {MAX_ITEMS:,} left out: {len(document.items) - MAX_ITEMS:,}")
    items = []
    for item in document.items[:MAX_ITEMS]:
        if max(len(item.summary or ""), len(item.content or "")) > MAX_TEXT_CHARACTERS:
            warnings.append(f"text cut to its first {MAX_TEXT_CHARACTERS:,} characters: {item.title}")
            items.append(replace(item, summary=_beginning(item.summary), content=_beginning(item.content)))
        else:
            items.append(item)
    return replace(document, items=tuple(items), warnings=tuple(warnings))


def _beginning(markup: str | None) -> str | None:
    """Return the first characters of some HTML, no tag cut in two."""
    if markup is None or len(markup) <= MAX_TEXT_CHARACTERS:
        return markup
    cut = markup[:MAX_TEXT_CHARACTERS]
    return cut[: cut.rfind("<")] if cut.rfind("<") > cut.rfind(">") else cut
