"""Feeds, requests, pages and entries."""

import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from newsclust.model import (
    Feed,
    FeedKind,
    FeedList,
    Fetch,
    Page,
    PagePolicy,
    ParsedFeed,
    Request,
    RequestKind,
    Run,
    id_of,
)
from newsclust.sources.entry_identity import Change, Known, changes_of, under_known_ids
from newsclust.store.database import Database
from newsclust.store.polling import save_wishes

_KNOWN = "feed_id, entry_id, guid, link, title, published_at, date_quality, content_hash"
_PAGES_AT_ONCE = 40  # up to 50 ids DuckDB 1.5 tests while it scans; with more it reads every body there is


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDocument:
    """What one feed document holds: None when it could not be read, and its failure is stored."""

    feed_id: str
    fetched_at: datetime
    parsed: ParsedFeed | None
    want_pages: frozenset[str] = frozenset()  # the entries whose pages are to be downloaded


def save_feeds(db: Database, run: Run, feeds: Sequence[Feed]) -> tuple[int, int]:
    """Make the stored list the given one; return (feeds added or changed, feeds left as they were).

    A feed that is no longer listed stays, with its entries, and is not asked any more.
    """
    before = {feed.id: (feed, listed) for feed, listed in _stored_feeds(db)}
    changed = [feed for feed in feeds if before.get(feed.id) != (feed, True)]
    with db.transaction():
        db.save(
            "feeds",
            [
                {
                    "feed_id": feed.id,
                    "url": feed.url,
                    "title": feed.title,
                    "site_url": feed.site_url,
                    "language": feed.language,
                    "tags": list(feed.tags),
                    "pages": feed.pages.value,
                    "priority": feed.priority,
                    "kind": feed.kind.value,
                    "selector": feed.select,
                    "token_env": feed.token_env,
                    "listed_by": feed.listed_by,
                    "added_at": run.night_at,
                    "listed": True,
                    "run_id": run.id,
                }
                for feed in changed
            ],
            on_conflict="ON CONFLICT DO UPDATE SET url = excluded.url, title = excluded.title, "
            "site_url = excluded.site_url, language = excluded.language, tags = excluded.tags, "
            "pages = excluded.pages, priority = excluded.priority, kind = excluded.kind, "
            "selector = excluded.selector, token_env = excluded.token_env, listed_by = excluded.listed_by, "
            "listed = true",
        )
        with db.given_ids([feed.id for feed in feeds]):
            db.execute("UPDATE feeds SET listed = false WHERE listed AND feed_id NOT IN (SELECT id FROM given_ids)")
    return len(changed), len(feeds) - len(changed)


def feeds_by_id(db: Database) -> dict[str, Feed]:
    """Return every feed ever listed."""
    return {feed.id: feed for feed, _ in _stored_feeds(db)}


def feeds_to_fetch(db: Database, run: Run) -> list[Request]:
    """Return one request for each feed to ask in this run, with validators for a conditional GET."""
    return [
        Request(
            url=row["url"],
            kind=RequestKind.FEED,
            item_id=row["feed_id"],
            etag=row["etag"],
            last_modified=row["last_modified"],
        )
        for row in db.rows("FROM todo_feeds($1)", [run.id])
    ]


def lists_to_read(db: Database, run: Run, lists: Sequence[FeedList], secret_urls: Mapping[str, str]) -> list[Request]:
    """Return one request for each living list that has not answered in this run, with its last validators."""
    rows = db.rows(
        "SELECT item_id, bool_or(run_id = $1) AS answered, "
        "arg_max(fetches, requested_at) FILTER (status <> 304) AS held "
        "FROM fetches WHERE kind = 'list' AND reason IS NULL GROUP BY item_id",
        [run.id],
    )
    answered = {row["item_id"] for row in rows if row["answered"]}
    held = {row["item_id"]: row["held"] for row in rows if row["held"]}
    return [
        Request(
            url=one.url,
            kind=RequestKind.LIST,
            item_id=one.id,
            etag=held[one.id]["etag"] if one.id in held else None,
            last_modified=held[one.id]["last_modified"] if one.id in held else None,
            secret_url=secret_urls.get(one.id),
        )
        for one in lists
        if one.id not in answered
    ]


def held_lists(db: Database) -> dict[str, Page]:
    """Return the last readable state of every living list ever read."""
    ids = [row["item_id"] for row in db.rows("SELECT item_id FROM pages WHERE kind = 'list'")]
    return dict(stored_pages(db, RequestKind.LIST, ids))


def pages_to_fetch(db: Database) -> list[Request]:
    """Return one request for each article page to download."""
    return [
        Request(url=row["url"], kind=RequestKind.PAGE, item_id=row["article_id"])
        for row in db.rows("FROM todo_pages")
    ]


def save_fetches(db: Database, run: Run, fetches: Sequence[Fetch]) -> None:
    """Store requests with what they brought, together: a validator is never held without its body."""
    with db.transaction():
        db.save("fetches", [_fetch_row(run, fetch) for fetch in fetches])
        db.save(
            "pages",
            [
                _page_row(run, fetch.request, fetch.page)
                for fetch in fetches
                if fetch.page and fetch.request.kind is not RequestKind.ROBOTS  # which has a table of its own
            ],
            on_conflict="ON CONFLICT DO UPDATE SET url = excluded.url, final_url = excluded.final_url, "
            "fetched_at = excluded.fetched_at, headers = excluded.headers, body = excluded.body, "
            "run_id = excluded.run_id",
        )


def feeds_to_parse(db: Database) -> list[str]:
    """Return the ids of the feeds whose downloaded document has not been read."""
    return [row["feed_id"] for row in db.rows("SELECT feed_id FROM todo_parse")]


def stored_pages(db: Database, kind: RequestKind, item_ids: Sequence[str]) -> Iterator[tuple[str, Page]]:
    """Give (id, downloaded page) of each of these feeds, lists or articles that has one; few are held at once."""
    for start in range(0, len(item_ids), _PAGES_AT_ONCE):
        with db.given_ids(item_ids[start : start + _PAGES_AT_ONCE]):
            rows = db.rows("SELECT * FROM pages SEMI JOIN given_ids ON id = item_id WHERE kind = $1", [kind.value])
        for row in rows:
            page = Page(
                url=row["url"],
                final_url=row["final_url"],
                fetched_at=row["fetched_at"],
                headers=row["headers"],
                body=zlib.decompress(row["body"]),
            )
            yield row["item_id"], page


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
    known, hashes = _stored_entries(db, read)
    kept = {parsed.feed_id: under_known_ids(parsed.entries, known.get(parsed.feed_id, ())) for parsed in read}
    changes = {feed_id: changes_of(entries, known.get(feed_id, ())) for feed_id, entries in kept.items()}
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
            "published_at": entry.published_at,
            "date_quality": entry.date_quality.value,
            "updated_at": entry.updated_at,
            "source_title": entry.source_title,
            "source_url": entry.source_url,
            "warnings": list(entry.warnings),
            "wants_page": shown.id in document.want_pages,
            "content_hash": id_of(entry.title, entry.summary or "", entry.content or ""),
            "first_seen_at": run.night_at,
            "changed_at": run.night_at,
            "last_seen_at": run.night_at,
            "run_id": run.id,
        }
        for document in documents
        if document.parsed
        for shown, entry in zip(document.parsed.entries, kept[document.feed_id], strict=True)
    ]
    changed = sum(hashes.get(str(row["entry_id"])) != row["content_hash"] for row in rows)
    with db.transaction():
        _save_changes(db, run, changes)
        save_wishes(db, run, read)
        db.save(
            "entries",
            rows,
            on_conflict="""ON CONFLICT DO UPDATE SET
                guid = excluded.guid, link = excluded.link, title = excluded.title, summary = excluded.summary,
                content = excluded.content, author = excluded.author, language = excluded.language,
                published_at = CASE WHEN excluded.date_quality IN ('missing', 'future')
                    THEN entries.published_at ELSE excluded.published_at END,
                date_quality = CASE WHEN excluded.date_quality IN ('missing', 'future')
                    THEN entries.date_quality ELSE excluded.date_quality END,
                updated_at = excluded.updated_at, source_title = excluded.source_title,
                source_url = excluded.source_url, warnings = excluded.warnings, wants_page = excluded.wants_page,
                changed_at = CASE WHEN excluded.content_hash = entries.content_hash
                    THEN entries.changed_at ELSE excluded.changed_at END,
                changed_in = CASE WHEN excluded.content_hash = entries.content_hash
                    THEN entries.changed_in ELSE excluded.run_id END,
                content_hash = excluded.content_hash, last_seen_at = excluded.last_seen_at""",
        )
        db.save(
            "readings",
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


def _stored_entries(db: Database, documents: Sequence[ParsedFeed]) -> tuple[dict[str, list[Known]], dict[str, str]]:
    """Return what is stored of these documents' entries by feed, and the hashes of all their contents.

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
    known: dict[str, list[Known]] = {}
    for row in {row["entry_id"]: row for row in rows}.values():
        known.setdefault(row["feed_id"], []).append(
            Known(
                id=row["entry_id"],
                guid=row["guid"],
                link=row["link"],
                title=row["title"],
                published_at=row["published_at"],
                date_quality=row["date_quality"],
            )
        )
    return known, {row["entry_id"]: row["content_hash"] for row in rows}


def _save_changes(db: Database, run: Run, changes: Mapping[str, Sequence[Change]]) -> None:
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


def _stored_feeds(db: Database) -> list[tuple[Feed, bool]]:
    return [
        (
            Feed(
                id=row["feed_id"],
                url=row["url"],
                title=row["title"],
                site_url=row["site_url"],
                language=row["language"],
                tags=tuple(row["tags"]),
                pages=PagePolicy(row["pages"]),
                priority=row["priority"],
                kind=FeedKind(row["kind"]),
                select=row["selector"],
                token_env=row["token_env"],
                listed_by=row["listed_by"],
            ),
            row["listed"],
        )
        for row in db.rows("FROM feeds ORDER BY feed_id")
    ]


def _fetch_row(run: Run, fetch: Fetch) -> dict[str, object]:
    return {
        "run_id": run.id,
        "kind": fetch.request.kind.value,
        "item_id": fetch.request.item_id,
        "url": fetch.request.url,
        "requested_at": fetch.requested_at,
        "seconds": fetch.seconds,
        "status": fetch.status,
        "final_url": fetch.final_url,
        "redirects": fetch.redirects,
        "received_bytes": fetch.received_bytes,
        "etag": fetch.etag,
        "last_modified": fetch.last_modified,
        "reason": fetch.error.reason.value if fetch.error else None,
        "detail": fetch.error.detail if fetch.error else None,
        "fresh_until": fetch.fresh_until,
        "retry_at": fetch.retry_at,
        "moved_to": fetch.moved_to,
    }


def _page_row(run: Run, request: Request, page: Page) -> dict[str, object]:
    return {
        "kind": request.kind.value,
        "item_id": request.item_id,
        "url": page.url,
        "final_url": page.final_url,
        "fetched_at": page.fetched_at,
        "headers": page.headers,
        "body": zlib.compress(page.body, 6),
        "run_id": run.id,
    }
