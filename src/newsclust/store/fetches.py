"""Requests, what they answered, and the pages that were downloaded."""

import zlib
from collections.abc import Iterator, Mapping, Sequence

from newsclust.model import FeedList, Fetch, Page, Request, RequestKind, Run
from newsclust.store.database import Database

_PAGES_AT_ONCE = 40  # up to 50 ids DuckDB 1.5 tests while it scans; with more it reads every body there is


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
    """Return one request for each OPML subscription that has not answered in this run, with its last validators."""
    rows = db.rows(
        "SELECT item_id, bool_or(run_id = $1) AS answered, "
        "arg_max(fetches, requested_at) FILTER (status <> 304) AS last_answer "
        "FROM fetches WHERE kind = 'list' AND reason IS NULL GROUP BY item_id",
        [run.id],
    )
    answered = {row["item_id"] for row in rows if row["answered"]}
    last_answers = {row["item_id"]: row["last_answer"] for row in rows if row["last_answer"]}
    return [
        Request(
            url=one.url,
            kind=RequestKind.LIST,
            item_id=one.id,
            etag=last_answers[one.id]["etag"] if one.id in last_answers else None,
            last_modified=last_answers[one.id]["last_modified"] if one.id in last_answers else None,
            secret_url=secret_urls.get(one.id),
        )
        for one in lists
        if one.id not in answered
    ]


def held_lists(db: Database) -> dict[str, Page]:
    """Return the last readable state of every OPML subscription ever read."""
    ids = [row["item_id"] for row in db.rows("SELECT item_id FROM pages WHERE kind = 'list'")]
    return dict(stored_pages(db, RequestKind.LIST, ids))


def pages_to_fetch(db: Database) -> list[Request]:
    """Return one request for each article page to download."""
    return [
        Request(url=row["url"], kind=RequestKind.PAGE, item_id=row["article_id"])
        for row in db.rows("FROM todo_pages")
    ]


def save_fetches(db: Database, run: Run, fetches: Sequence[Fetch]) -> None:
    """Store requests with what they brought, together: a validator is never kept without its body."""
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


def stored_pages(db: Database, kind: RequestKind, item_ids: Sequence[str]) -> Iterator[tuple[str, Page]]:
    """Give (id, downloaded page) of each of these feeds, lists or articles that has one; few in memory at once."""
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
