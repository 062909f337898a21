"""Requests, what they answered, and the pages that were downloaded."""

import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from newsclust.errors import Reason
from newsclust.model import FeedList, Fetch, Page, Request, RequestKind, Run
from newsclust.polling.page_budget import WantedPage
from newsclust.store.database import Database, Row
from newsclust.store.records import row_of
from newsclust.urls import site_of

_PAGE_HEADERS = {"content-type", "date"}  # how an article's page is decoded, and what its site's clock said
_NOT_STORED = {RequestKind.ROBOTS, RequestKind.SITE}  # what they say has tables of its own
_PAGES_AT_ONCE = 40  # up to 50 ids DuckDB 1.5 tests while it scans; with more it reads every body there is


def feeds_to_fetch(db: Database, run: Run) -> list[Request]:
    """Return one request for each feed to ask in this run, with validators for a conditional GET."""
    return db.rows_as(Request, "SELECT 'feed' AS kind, * RENAME (feed_id AS item_id) FROM todo_feeds($1)", [run.id])


def lists_to_read(db: Database, run: Run, lists: Sequence[FeedList], secret_urls: Mapping[str, str]) -> list[Request]:
    """Return one request for each OPML subscription that has not answered in this run, with its last validators."""
    rows = db.tuples(
        "SELECT item_id, bool_or(run_id = $1), arg_max((etag, last_modified), requested_at) FILTER (status <> 304) "
        "FROM fetches WHERE kind = 'list' AND reason IS NULL GROUP BY item_id",
        [run.id],
    )
    answered = {item_id for item_id, is_answered, _ in rows if is_answered}
    validators = {item_id: last_answer for item_id, _, last_answer in rows if last_answer}
    return [
        Request(
            url=one.url,
            kind=RequestKind.LIST,
            item_id=one.id,
            etag=validators.get(one.id, (None, None))[0],
            last_modified=validators.get(one.id, (None, None))[1],
            secret_url=secret_urls.get(one.id),
        )
        for one in lists
        if one.id not in answered
    ]


def held_lists(db: Database) -> dict[str, Page]:
    """Return the last readable state of every OPML subscription ever read."""
    ids = db.column("SELECT item_id FROM pages WHERE kind = 'list'")
    return dict(stored_pages(db, RequestKind.LIST, ids))


def pages_to_fetch(db: Database) -> list[WantedPage]:
    """Return each article page to download with its feed, the newest first."""
    return [
        WantedPage(
            request=Request(
                url=url,
                kind=RequestKind.PAGE,
                item_id=article_id,
                private_site=site_of(feed_url) if is_a_persons else "",
            ),
            feed_url=feed_url,
        )
        for article_id, url, feed_url, is_a_persons in db.tuples(
            "SELECT article_id, url, feed_url, is_a_persons FROM todo_pages"
        )
    ]


def save_fetches(db: Database, run: Run, fetches: Sequence[Fetch]) -> None:
    """Store requests with what they brought, together: a validator is never kept without its body."""
    with db.transaction():
        db.save("fetches", [_fetch_row(run, fetch) for fetch in fetches])
        pages = [
            {"kind": fetch.request.kind, "item_id": fetch.request.item_id, "run_id": run.id}
            | {"dropped_at": None, "dropped_reason": None}
            | row_of(_page_to_store(fetch.request.kind, fetch.page))
            for fetch in fetches
            if fetch.page and fetch.request.kind not in _NOT_STORED
        ]
        db.upsert("pages", pages, key=["kind", "item_id"])


def mark_offline(db: Database, run: Run, step: str, item_ids: Sequence[str], reasons: Collection[Reason]) -> None:
    """Give this run's failed requests and failures of these items, those of these reasons, the reason "offline".

    Their details keep the reason that was seen.
    """
    chosen = "run_id = $1 AND item_id IN (SELECT id FROM given_ids) AND list_contains($2, reason)"
    seen = [run.id, sorted(reasons)]
    with db.given_ids(item_ids), db.transaction():
        db.execute(
            f"UPDATE fetches SET reason = 'offline', detail = reason || ': ' || detail WHERE {chosen}",  # noqa: S608
            seen,
        )
        rows = db.rows(f"DELETE FROM failures WHERE {chosen} AND step = $3 RETURNING *", [*seen, step])  # noqa: S608
        failed = {
            row["item_id"]: row | {"reason": Reason.OFFLINE, "detail": f"{row['reason']}: {row['detail']}"}
            for row in rows
        }
        db.save("failures", list(failed.values()), skip_known=True)


def stored_pages(db: Database, kind: RequestKind, item_ids: Sequence[str]) -> Iterator[tuple[str, Page]]:
    """Give (id, downloaded page) of each of these feeds, lists or articles that has one; few in memory at once."""
    for start in range(0, len(item_ids), _PAGES_AT_ONCE):
        with db.given_ids(item_ids[start : start + _PAGES_AT_ONCE]):
            found = db.keyed_as(
                Page,
                "SELECT item_id, * FROM pages SEMI JOIN given_ids ON id = item_id "
                "WHERE kind = $1 AND dropped_at IS NULL",
                [kind],
            )
        for item_id, page in found:
            yield item_id, replace(page, body=zlib.decompress(page.body))


def _page_to_store(kind: RequestKind, page: Page) -> Page:
    """Return the page with its body compressed; of an article's headers those that are read later.

    A year of all of them is several hundred megabytes.
    """
    headers = {name: value for name, value in page.headers.items() if name in _PAGE_HEADERS}
    return replace(
        page, body=zlib.compress(page.body, 6), headers=headers if kind is RequestKind.PAGE else page.headers
    )


def _fetch_row(run: Run, fetch: Fetch) -> Row:
    return row_of(fetch, without=("request", "page", "error", "cross_origin_redirect")) | {
        "run_id": run.id,
        "kind": fetch.request.kind,
        "item_id": fetch.request.item_id,
        "url": fetch.request.url,
        "reason": fetch.error.reason if fetch.error else None,
        "detail": fetch.error.detail if fetch.error else None,
    }
