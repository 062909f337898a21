"""What feed documents leave in the database, whether they are stored one by one or many together."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsclust.errors import StoreError
from newsclust.model import DateQuality, Entry, Fetch, Page, ParsedFeed, Request, RequestKind, Run, UpdateHints
from newsclust.store import Database, runs
from newsclust.store import entries as store_entries
from newsclust.store import fetches as store_fetches

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TABLES = ("entries", "feed_changes", "feed_update_hints", "processed")


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with Database(tmp_path_factory.mktemp("store") / "work.duckdb", now=NOON) as db:
        db.execute("SET threads = 1")
        yield db


@pytest.fixture(scope="module")
def nights(db: Database) -> list[Run]:
    moments = [NOON, NOON + timedelta(days=1)]
    return [runs.begin_run(db, flow="test", night_at=at, started_at=at, settings={}) for at in moments]


def entry(feed_id: str, number: int, text: str | None, dated: DateQuality) -> Entry:
    url = f"https://shared.example/{number}"  # of both feeds: two entries of one article
    return Entry(
        id=f"{feed_id}{number}",
        feed_id=feed_id,
        guid=None,
        link=url,
        url=url,
        title=f"Title {number}",
        summary=text,
        content=None,
        author=None,
        language=None,
        published_at=NOON - timedelta(hours=number if dated is DateQuality.GIVEN else 0),
        date_quality=dated,
        warnings=("a word of warning",) if text else (),
    )


@st.composite
def document(draw: st.DrawFn) -> store_entries.ReadDocument:
    feed_id = draw(st.sampled_from("abc"))
    fetched_at = NOON + timedelta(minutes=draw(st.integers(0, 3)))
    if draw(st.integers(0, 4)) == 0:
        return store_entries.ReadDocument(feed_id=feed_id, fetched_at=fetched_at, parsed=None)
    entries = draw(
        st.dictionaries(
            st.integers(1, 3),
            st.tuples(st.sampled_from((None, "as before", "changed")), st.sampled_from(DateQuality)),
        )
    )
    parsed = ParsedFeed(
        feed_id=feed_id,
        title=None,
        entries=tuple(entry(feed_id, number, *told) for number, told in entries.items()),
        warnings=draw(st.sampled_from(((), ("no entries",)))),
        update_hints=UpdateHints(interval=draw(st.sampled_from((None, timedelta(hours=1))))),
    )
    wanted = draw(st.frozensets(st.sampled_from([f"{feed_id}{number}" for number in (1, 2, 3)])))
    return store_entries.ReadDocument(feed_id=feed_id, fetched_at=fetched_at, parsed=parsed, want_pages=wanted)


def left_by(
    db: Database, nights: Sequence[Run], shown: Sequence[Sequence[store_entries.ReadDocument]], *, together: bool
) -> tuple[list[tuple[int, int]], dict[str, list[dict[str, Any]]]]:
    """What each night counted, and the tables afterwards."""
    for table in TABLES:
        db.execute(f"DELETE FROM {table}")
    counted = []
    for run, documents in zip(nights, shown, strict=True):
        batches = [documents] if together else [[one] for one in documents]
        counts = [store_entries.save_parsed(db, run, batch) for batch in batches]
        counted.append((sum(changed for changed, _ in counts), sum(same for _, same in counts)))
    return counted, {table: db.rows(f"FROM {table} ORDER BY ALL") for table in TABLES}


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(shown=st.tuples(st.lists(document(), max_size=6), st.lists(document(), max_size=6)))
def test_documents_stored_together_leave_what_they_leave_one_by_one(
    db: Database, nights: list[Run], shown: tuple[list[store_entries.ReadDocument], list[store_entries.ReadDocument]]
) -> None:
    assert left_by(db, nights, shown, together=True) == left_by(db, nights, shown, together=False)


def test_a_batch_that_cannot_be_stored_leaves_nothing_of_any_document(db: Database, nights: list[Run]) -> None:
    documents = [
        store_entries.ReadDocument(
            feed_id=feed_id,
            fetched_at=fetched_at,
            parsed=ParsedFeed(feed_id=feed_id, title=None, entries=(entry(feed_id, 1, None, DateQuality.GIVEN),)),
        )
        for feed_id, fetched_at in (("a", NOON), ("b", NOON.replace(tzinfo=None)))
    ]
    _, before = left_by(db, nights, [[], []], together=True)
    with pytest.raises(StoreError, match="without a time zone"):
        store_entries.save_parsed(db, nights[0], documents)
    assert {table: db.rows(f"FROM {table} ORDER BY ALL") for table in TABLES} == before


def test_pages_are_given_for_as_many_ids_as_are_asked_for_and_for_no_other_kind(
    db: Database, nights: list[Run]
) -> None:
    def fetched(kind: RequestKind, number: int) -> Fetch:
        url = f"https://pier.example/{kind}/{number}"
        page = Page(url=url, final_url=url, fetched_at=NOON, headers={"etag": "x"}, body=url.encode())
        return Fetch(
            request=Request(url=url, kind=kind, item_id=f"{number:03}"), requested_at=NOON, seconds=0.1, status=200,
            final_url=url, redirects=0, received_bytes=9, etag=None, last_modified=None, page=page,
        )  # fmt: skip

    feeds = [fetched(RequestKind.FEED, number) for number in range(100)]
    store_fetches.save_fetches(db, nights[0], [*feeds, *(fetched(RequestKind.PAGE, number) for number in range(100))])
    given = store_fetches.stored_pages(db, RequestKind.FEED, [*(f"{number:03}" for number in range(90)), "unknown"])
    assert dict(given) == {fetch.request.item_id: fetch.page for fetch in feeds[:90]}
