"""Feed documents that were read, and the entries that they show."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from newsclust.model import DateQuality, ParsedFeed, RequestKind, Run
from newsclust.sources.entry_identity import IdentityChange, StoredEntry, identity_changes, match_known_entries
from newsclust.sources.entry_updates import EntryState, is_changed, updated_state
from newsclust.store.database import Database
from newsclust.store.polling import save_update_hints

_KNOWN = "feed_id, entry_id, guid, link, title, published_at, date_quality, content_hash, changed_at, changed_run_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDocument:
    """What one feed document holds: None when it could not be read, and its failure is stored."""

    feed_id: str
    fetched_at: datetime
    parsed: ParsedFeed | None
    want_pages: frozenset[str] = frozenset()  # the entries whose pages are to be downloaded


def feeds_to_parse(db: Database) -> list[str]:
    """Return the ids of the feeds whose downloaded document has not been read."""
    return [row["feed_id"] for row in db.rows("SELECT feed_id FROM todo_parse")]


def save_parsed(db: Database, run: Run, documents: Sequence[ReadDocument]) -> tuple[int, int]:
    """Store what feed documents hold and that they were read; return (entries new or changed, entries as before).

    However many come together, each is stored whole or not at all, and what is stored is what one after the other
    would leave. An entry whose date was good once keeps it when the feed later shows it without; one that is shown at
    another address stays the entry of its first one.
    """
    changed = same = 0
    for together in _of_different_feeds(documents):
        more_changed, more_same = _save_together(db, run, together)
        changed, same = changed + more_changed, same + more_same
    return changed, same


def _of_different_feeds(documents: Sequence[ReadDocument]) -> Iterator[Sequence[ReadDocument]]:
    """The documents in their order, a feed's next one never with the one before: an entry is of one feed."""
    together: dict[str, ReadDocument] = {}
    for document in documents:
        if document.feed_id in together:
            yield list(together.values())
            together = {}
        together[document.feed_id] = document
    yield list(together.values())


def _save_together(db: Database, run: Run, documents: Sequence[ReadDocument]) -> tuple[int, int]:
    read = [document.parsed for document in documents if document.parsed]
    known, before = _stored_entries(db, read)
    kept = {parsed.feed_id: match_known_entries(parsed.entries, known.get(parsed.feed_id, ())) for parsed in read}
    changes = {feed_id: identity_changes(entries, known.get(feed_id, ())) for feed_id, entries in kept.items()}
    shown = [
        (entry, as_shown.id in document.want_pages, updated_state(before.get(entry.id), entry, run))
        for document in documents
        if document.parsed
        for as_shown, entry in zip(document.parsed.entries, kept[document.feed_id], strict=True)
    ]
    rows = [
        {
            "entry_id": entry.id,
            "feed_id": entry.feed_id,
            "article_id": entry.article_id,
            "guid": entry.guid,
            "link": entry.link,
            "url": entry.url,
            "title": entry.title,
            "summary": entry.summary,
            "content": entry.content,
            "author": entry.author,
            "language": entry.language,
            "published_at": state.published_at,
            "date_quality": state.date_quality.value,
            "updated_at": entry.updated_at,
            "source_title": entry.source_title,
            "source_url": entry.source_url,
            "warnings": list(entry.warnings),
            "wants_page": wants_page,
            "content_hash": state.content_hash,
            "first_seen_at": run.night_at,
            "changed_at": state.changed_at,
            "changed_run_id": state.changed_run_id,
            "last_seen_at": run.night_at,
            "run_id": run.id,
        }
        for entry, wants_page, state in shown
    ]
    changed = sum(is_changed(before.get(entry.id), state) for entry, _, state in shown)
    with db.transaction():
        _save_changes(db, run, changes)
        save_update_hints(db, run, read)
        db.save(
            "entries",
            rows,
            on_conflict="""ON CONFLICT DO UPDATE SET
                guid = excluded.guid, link = excluded.link, title = excluded.title, summary = excluded.summary,
                content = excluded.content, author = excluded.author, language = excluded.language,
                published_at = excluded.published_at, date_quality = excluded.date_quality,
                updated_at = excluded.updated_at, source_title = excluded.source_title,
                source_url = excluded.source_url, warnings = excluded.warnings, wants_page = excluded.wants_page,
                changed_at = excluded.changed_at, changed_run_id = excluded.changed_run_id,
                content_hash = excluded.content_hash, last_seen_at = excluded.last_seen_at""",
        )
        db.save(
            "processed",
            [
                {
                    "kind": RequestKind.FEED.value,
                    "item_id": document.feed_id,
                    "fetched_at": document.fetched_at,
                    "warnings": list(document.parsed.warnings) if document.parsed else [],
                    "run_id": run.id,
                }
                for document in documents
            ],
            on_conflict="ON CONFLICT DO UPDATE SET fetched_at = excluded.fetched_at, warnings = excluded.warnings, "
            "run_id = excluded.run_id",
        )
    return changed, len(rows) - changed


def _stored_entries(
    db: Database, documents: Sequence[ParsedFeed]
) -> tuple[dict[str, list[StoredEntry]], dict[str, EntryState]]:
    """Return what is stored of these documents' entries by feed, and their states by id.

    Of a feed that shows none that is known, or has once changed all its links, those under a title or link of theirs,
    too: a search through all entries, which costs seven times what finding ids does.
    """
    with db.given_ids([entry.id for parsed in documents for entry in parsed.entries]):
        rows = db.rows(f"SELECT {_KNOWN} FROM entries SEMI JOIN given_ids ON id = entry_id")  # noqa: S608
    found = Counter(row["feed_id"] for row in rows)
    moved = {row["feed_id"] for row in db.rows("SELECT DISTINCT feed_id FROM feed_changes WHERE what = 'links'")}
    sought = [
        entry
        for parsed in documents
        if found[parsed.feed_id] < len(parsed.entries) and (not found[parsed.feed_id] or parsed.feed_id in moved)
        for entry in parsed.entries
    ]
    if sought:
        shown = {name: [getattr(entry, name) for entry in sought] for name in ("feed_id", "title", "link")}
        with db.given("shown", pa.table(shown)):
            rows += db.rows(
                f"SELECT {_KNOWN} FROM entries SEMI JOIN shown USING (feed_id, title) "  # noqa: S608
                f"UNION SELECT {_KNOWN} FROM entries SEMI JOIN shown USING (feed_id, link)"
            )
    known: dict[str, list[StoredEntry]] = {}
    for row in {row["entry_id"]: row for row in rows}.values():
        known.setdefault(row["feed_id"], []).append(
            StoredEntry(
                id=row["entry_id"],
                guid=row["guid"],
                link=row["link"],
                title=row["title"],
                published_at=row["published_at"],
                date_quality=row["date_quality"],
            )
        )
    states = {
        row["entry_id"]: EntryState(
            published_at=row["published_at"],
            date_quality=DateQuality(row["date_quality"]),
            content_hash=row["content_hash"],
            changed_at=row["changed_at"],
            changed_run_id=row["changed_run_id"],
        )
        for row in rows
    }
    return known, states


def _save_changes(db: Database, run: Run, changes: Mapping[str, Sequence[IdentityChange]]) -> None:
    rows = [
        {
            "feed_id": feed_id,
            "changed_at": run.night_at,
            "what": change.what,
            "why": change.why,
            "sites": list(change.sites),
            "run_id": run.id,
        }
        for feed_id, of_feed in changes.items()
        for change in of_feed
    ]
    db.save("feed_changes", rows, on_conflict="ON CONFLICT DO NOTHING")
