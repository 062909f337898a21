"""The list of feeds: those that people and OPML subscriptions name, and those that they once named."""

from collections.abc import Sequence

from newsclust.model import Feed, PagePolicy, Run
from newsclust.store.database import Database


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
                    "page_policy": feed.pages.value,
                    "priority": feed.priority,
                    "kind": feed.kind,
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
            "page_policy = excluded.page_policy, priority = excluded.priority, kind = excluded.kind, "
            "selector = excluded.selector, token_env = excluded.token_env, listed_by = excluded.listed_by, "
            "listed = true",
        )
        with db.given_ids([feed.id for feed in feeds]):
            db.execute("UPDATE feeds SET listed = false WHERE listed AND feed_id NOT IN (SELECT id FROM given_ids)")
    return len(changed), len(feeds) - len(changed)


def feeds_by_id(db: Database) -> dict[str, Feed]:
    """Return every feed ever listed."""
    return {feed.id: feed for feed, _ in _stored_feeds(db)}


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
                pages=PagePolicy(row["page_policy"]),
                priority=row["priority"],
                kind=row["kind"],
                select=row["selector"],
                token_env=row["token_env"],
                listed_by=row["listed_by"],
            ),
            row["listed"],
        )
        for row in db.rows("FROM feeds ORDER BY feed_id")
    ]
