"""Feed documents that were read, and the entries that they show."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from newsclust.model import ParsedFeed, RequestKind, Run
from newsclust.sources.entry_identity import (
    IdentityChange,
    StoredEntry,
    identity_changes,
    match_known_entries,
    settled_entries,
)
from newsclust.sources.entry_updates import EntryState, is_changed, updated_state
from newsclust.store.database import Database
from newsclust.store.polling import save_update_hints
from newsclust.store.records import row_of

_STORED = """
SELECT feed_id,
       {'id': entry_id, 'guid': guid, 'link': link, 'title': title, 'published_at': published_at,
        'date_quality': date_quality} AS entry,
       {'published_at': published_at, 'date_quality': date_quality, 'content_hash': content_hash,
        'changed_at': changed_at, 'changed_run_id': changed_run_id, 'first_seen_at': first_seen_at} AS state
FROM entries
"""
_KEPT = ("feed_id", "article_id", "url", "first_seen_at", "absent_at", "run_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDocument:
    """What one feed document holds: None when it could not be read, and its failure is stored."""

    feed_id: str
    fetched_at: datetime
    parsed: ParsedFeed | None
    want_pages: frozenset[str] = frozenset()  # the entries whose pages are to be downloaded


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    """A row of `entries`: by what the entry is recognised, and its state."""

    feed_id: str
    entry: StoredEntry
    state: EntryState


def feeds_to_parse(db: Database) -> list[str]:
    """Return the ids of the feeds whose downloaded document has not been read."""
    return db.column("SELECT feed_id FROM todo_parse")


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
    """Yield the documents in their order, a feed's next one never with the one before: an entry is of one feed."""
    together: dict[str, ReadDocument] = {}
    for document in documents:
        if document.feed_id in together:
            yield list(together.values())
            together = {}
        together[document.feed_id] = document
    yield list(together.values())


def _save_together(db: Database, run: Run, documents: Sequence[ReadDocument]) -> tuple[int, int]:
    read = [document.parsed for document in documents if document.parsed]
    stored = _stored_entries(db, read)
    before = {one.entry.id: one.state for one in stored}
    known: dict[str, list[StoredEntry]] = {}
    for one in stored:
        known.setdefault(one.feed_id, []).append(one.entry)
    settled = {parsed.feed_id: settled_entries(parsed.entries, known.get(parsed.feed_id, ())) for parsed in read}
    kept = {feed_id: match_known_entries(entries, known.get(feed_id, ())) for feed_id, entries in settled.items()}
    polled_before = _last_answers(db, run, documents)
    changes = {feed_id: identity_changes(entries, known.get(feed_id, ())) for feed_id, entries in kept.items()}
    shown = [
        (
            entry,
            entry.has_page and as_shown.id in document.want_pages,
            updated_state(before.get(entry.id), entry, run),
        )
        for document in documents
        if document.parsed
        for as_shown, entry in zip(document.parsed.entries, kept[document.feed_id], strict=True)
    ]
    rows = [
        row_of(entry, named={"id": "entry_id"}, without={"other_ids"})
        | row_of(state)
        | {
            "article_id": entry.article_id,
            "wants_page": wants_page,
            "absent_at": polled_before.get(entry.feed_id, run.night_at),
            "last_seen_at": run.night_at,
            "dropped_at": None,  # shown again, it has its summary and content again
            "dropped_reason": None,
            "run_id": run.id,
        }
        for entry, wants_page, state in shown
    ]
    read_rows = [
        {
            "kind": RequestKind.FEED,
            "item_id": document.feed_id,
            "fetched_at": document.fetched_at,
            "warnings": document.parsed.warnings if document.parsed else (),
            "run_id": run.id,
        }
        for document in documents
    ]
    changed = sum(is_changed(before.get(entry.id), state) for entry, _, state in shown)
    with db.transaction():
        _save_changes(db, run, changes)
        save_update_hints(db, run, read)
        db.upsert("entries", rows, key=["entry_id"], keep=_KEPT)
        db.upsert("processed", read_rows, key=["kind", "item_id"])
    return changed, len(rows) - changed


def _stored_entries(db: Database, documents: Sequence[ParsedFeed]) -> list[_Stored]:
    """Return what is stored of these documents' entries.

    Of a feed that shows none that is known, or has once changed all its links, those under a title or link of theirs,
    too: a search through all entries, which costs seven times what finding ids does.
    """
    shown_ids = {entry.id for parsed in documents for entry in parsed.entries}
    other_ids = {other for parsed in documents for entry in parsed.entries for other in entry.other_ids}
    with db.given_ids(sorted(shown_ids | other_ids)):
        stored = db.rows_as(_Stored, f"{_STORED} SEMI JOIN given_ids ON id = entry_id")
    found = Counter(one.feed_id for one in stored if one.entry.id in shown_ids)
    moved = set(db.column("SELECT DISTINCT feed_id FROM feed_changes WHERE what = 'links'"))
    sought = [
        entry
        for parsed in documents
        if found[parsed.feed_id] < len(parsed.entries) and (not found[parsed.feed_id] or parsed.feed_id in moved)
        for entry in parsed.entries
    ]
    if sought:
        shown = {name: [getattr(entry, name) for entry in sought] for name in ("feed_id", "title", "link")}
        by_title, by_link = (f"{_STORED} SEMI JOIN shown USING (feed_id, {name})" for name in ("title", "link"))
        with db.given("shown", pa.table(shown)):
            stored += db.rows_as(_Stored, f"{by_title} UNION {by_link}")
    return list({one.entry.id: one for one in stored}.values())


def _last_answers(db: Database, run: Run, documents: Sequence[ReadDocument]) -> dict[str, datetime]:
    """Return when each of these documents' feeds last answered an earlier run, of those that did."""
    with db.given_ids([document.feed_id for document in documents]):
        answers = db.tuples(
            "SELECT item_id, max(requested_at) FROM fetches SEMI JOIN given_ids ON id = item_id "
            "WHERE kind = 'feed' AND reason IS NULL AND run_id <> $1 GROUP BY item_id",
            [run.id],
        )
    return dict(answers)


def _save_changes(db: Database, run: Run, changes: Mapping[str, Sequence[IdentityChange]]) -> None:
    rows = [
        row_of(change) | {"feed_id": feed_id, "changed_at": run.night_at, "run_id": run.id}
        for feed_id, of_feed in changes.items()
        for change in of_feed
    ]
    db.save("feed_changes", rows, skip_known=True)
