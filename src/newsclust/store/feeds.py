"""The list of feeds: those that people and OPML subscriptions name, and those that they once named."""

from collections.abc import Sequence

from newsclust.model import Feed, Run
from newsclust.store.database import Database
from newsclust.store.records import row_of

_COLUMNS = {"id": "feed_id", "pages": "page_policy", "select": "selector"}  # of the fields that are called otherwise


def save_feeds(db: Database, run: Run, feeds: Sequence[Feed]) -> tuple[int, int]:
    """Make the stored list the given one; return (feeds added or changed, feeds left as they were).

    A feed that is no longer listed stays, with its entries, and is not asked any more.
    """
    before = {feed.id: feed for feed in _stored_feeds(db, "WHERE listed")}
    changed = [feed for feed in feeds if before.get(feed.id) != feed]
    added = {"added_at": run.night_at, "listed": True, "run_id": run.id}
    rows = [row_of(feed, named=_COLUMNS, without=("written_url",)) | added for feed in changed]
    with db.transaction():
        db.upsert("feeds", rows, key=["feed_id"], keep=["added_at", "run_id"])
        with db.given_ids([feed.id for feed in feeds]):
            db.execute("UPDATE feeds SET listed = false WHERE listed AND feed_id NOT IN (SELECT id FROM given_ids)")
    return len(changed), len(feeds) - len(changed)


def feeds_by_id(db: Database) -> dict[str, Feed]:
    """Return every feed ever listed."""
    return {feed.id: feed for feed in _stored_feeds(db)}


def _stored_feeds(db: Database, condition: str = "") -> list[Feed]:
    renamed = ", ".join(f'{column} AS "{name}"' for name, column in _COLUMNS.items())
    return db.rows_as(Feed, f"SELECT * RENAME ({renamed}) FROM feeds {condition} ORDER BY feed_id")  # noqa: S608
