"""What every kind of source reads its documents into: one shape, as written, before anything is judged."""

import re
from dataclasses import dataclass, field

from newsclust.model import UpdateHints

# XML 1.0, section 2.2; a reference to such a character is as fatal as the character.
XML_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


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
