"""What is dropped of the archive: each statement leaves the row, which says when and why, or a count.

Nothing is dropped that a step still has to do, or that decides what it does: a page whose text was not taken, an
entry in quarantine, the last full answer of a feed (its validators), its requests since two weeks before its last
answer, a failure that keeps an address from being requested again.
"""

from collections.abc import Callable
from datetime import datetime

from newsclust.model import Run
from newsclust.polling.health import SLOW_S
from newsclust.store.database import Database

_AT_ONCE = 20_000  # rows whose text or page is dropped in one transaction

_PAGES = """
UPDATE pages SET body = ''::BLOB, dropped_at = $1, dropped_reason = $2
WHERE kind = 'page' AND item_id IN (
    SELECT pages.item_id
    FROM pages
    JOIN processed ON processed.kind = 'page' AND processed.item_id = pages.item_id
    WHERE pages.kind = 'page' AND pages.dropped_at IS NULL AND pages.fetched_at < $3
      AND processed.fetched_at >= pages.fetched_at
    LIMIT $4
)
RETURNING 1
"""

_ENTRIES = """
UPDATE entries SET summary = NULL, content = NULL, dropped_at = $1, dropped_reason = $2
WHERE entry_id IN (
    SELECT entries.entry_id
    FROM entries
    JOIN processed ON processed.kind = 'page' AND processed.item_id = entries.article_id
    ANTI JOIN quarantined_entries ON quarantined_entries.entry_id = entries.entry_id
    WHERE entries.dropped_at IS NULL AND entries.last_seen_at < $3 AND processed.fetched_at >= entries.changed_at
      AND (entries.summary IS NOT NULL OR entries.content IS NOT NULL)
    LIMIT $4
)
RETURNING 1
"""

# Articles of no living story that no step has still to do; what came late counts from when it was first seen.
_SETTLED = """
    FROM articles
    ANTI JOIN (
        SELECT article_id FROM story_articles JOIN stories USING (story_id) WHERE left_at IS NULL AND state = 'living'
    ) AS told ON told.article_id = articles.article_id
    WHERE greatest(articles.published_at, articles.first_seen_at, articles.changed_at) < $3
      AND articles.deduplicated_at IS NOT NULL
"""

_TEXTS = f"""
UPDATE articles SET text = '', text_dropped_at = $1, text_dropped_reason = $2
WHERE article_id IN (
    SELECT articles.article_id {_SETTLED} AND articles.text_dropped_at IS NULL AND articles.text <> '' LIMIT $4
)
RETURNING 1
"""  # noqa: S608 (a query of ours)

_VECTORS = f"""
UPDATE articles SET vectors_dropped_at = $1, vectors_dropped_reason = $2
WHERE article_id IN (
    SELECT articles.article_id {_SETTLED} AND articles.vectors_dropped_at IS NULL
      AND articles.article_id IN (SELECT article_id FROM embeddings)
    LIMIT $4
)
RETURNING 1
"""  # noqa: S608 (a query of ours)

_EVIDENCE = """
UPDATE stories SET evidence_dropped_at = $1, evidence_dropped_reason = $2
WHERE story_id IN (
    SELECT story_id FROM stories WHERE state <> 'living' AND last_at < $3 AND evidence_dropped_at IS NULL LIMIT $4
)
RETURNING 1
"""

# $1: the slowest answer that is no slow one, $2: before which requests are dropped, $3: now.
_OLD_REQUESTS = """
CREATE OR REPLACE TEMP TABLE old_requests AS
WITH answered AS (
    SELECT item_id, max(requested_at) AS last_at, max(requested_at) FILTER (seconds <= $1) AS last_fast_at,
           max(requested_at) FILTER (status IS DISTINCT FROM 304) AS last_full_at
    FROM fetches
    WHERE kind IN ('feed', 'list') AND reason IS NULL
    GROUP BY item_id
), read AS (
    SELECT item_id, fetched_at FROM pages WHERE kind = 'page'
)
SELECT fetches.rowid AS row_number, fetches.run_id,
       CASE WHEN fetches.kind = 'feed' AND fetches.reason IS DISTINCT FROM 'offline'
            THEN fetches.item_id ELSE '' END AS feed_id, fetches.seconds, fetches.reason
FROM fetches
LEFT JOIN answered ON answered.item_id = fetches.item_id AND fetches.kind IN ('feed', 'list')
LEFT JOIN read ON read.item_id = fetches.item_id AND fetches.kind = 'page'
WHERE fetches.requested_at < $2
  AND coalesce(fetches.retry_at < $3, true)
  AND CASE fetches.kind
      WHEN 'robots' THEN true
      WHEN 'page' THEN fetches.reason IS NULL OR fetches.reason = 'offline'
                       OR coalesce(read.fetched_at >= fetches.requested_at, false)
      -- Since two weeks before the last answer, and since the last fast one, all are kept; and the last full answer.
      ELSE coalesce(fetches.requested_at < least(answered.last_at - INTERVAL 14 DAY, answered.last_fast_at)
                    AND fetches.requested_at <> answered.last_full_at, false)
      END
"""


def drop_pages(db: Database, run: Run, *, before: datetime, reason: str) -> int:
    """Drop the bodies of the article pages downloaded before then whose text was taken; return how many."""
    return _repeated(db, lambda: db.column(_PAGES, [run.night_at, reason, before, _AT_ONCE]))


def drop_entries(db: Database, run: Run, *, before: datetime, reason: str) -> int:
    """Drop summary and content of the entries that no feed has shown since then; return how many."""
    return _repeated(db, lambda: db.column(_ENTRIES, [run.night_at, reason, before, _AT_ONCE]))


def drop_texts(db: Database, run: Run, *, before: datetime, reason: str) -> int:
    """Drop the texts of the articles from before then, and of their earlier states; return how many."""

    def some() -> list[int]:
        dropped = db.column(_TEXTS, [run.night_at, reason, before, _AT_ONCE])
        db.execute(
            "UPDATE article_versions SET text = '' WHERE text <> '' AND article_id IN "
            "(SELECT article_id FROM articles WHERE text_dropped_at = $1)",
            [run.night_at],
        )
        return dropped

    return _repeated(db, some)


def drop_vectors(db: Database, run: Run, *, before: datetime, reason: str) -> int:
    """Drop the vectors of the articles from before then; return of how many articles."""

    def some() -> list[int]:
        dropped = db.column(_VECTORS, [run.night_at, reason, before, _AT_ONCE])
        db.execute(
            "DELETE FROM embeddings WHERE article_id IN "
            "(SELECT article_id FROM articles WHERE vectors_dropped_at = $1)",
            [run.night_at],
        )
        return dropped

    return _repeated(db, some)


def drop_evidence(db: Database, run: Run, *, before: datetime, reason: str) -> int:
    """Drop the links and the events between birth and end of the stories that ended before then; return how many.

    A link between two stories goes with the first of them that is dropped.
    """

    def some() -> list[int]:
        dropped = db.column(_EVIDENCE, [run.night_at, reason, before, _AT_ONCE])
        db.execute(
            "CREATE OR REPLACE TEMP TABLE dropped_articles AS "
            "SELECT article_id FROM story_articles JOIN stories USING (story_id) WHERE evidence_dropped_at = $1",
            [run.night_at],
        )
        db.execute(
            "DELETE FROM links WHERE article_a IN (FROM dropped_articles) OR article_b IN (FROM dropped_articles)"
        )
        db.execute("DELETE FROM rewrite_comparisons WHERE NOT is_rewrite AND article_a IN (FROM dropped_articles)")
        db.execute(
            "DELETE FROM story_events WHERE event IN ('grew', 'shrank', 'renamed') AND story_id IN "
            "(SELECT story_id FROM stories WHERE evidence_dropped_at = $1)",
            [run.night_at],
        )
        db.execute("DROP TABLE dropped_articles")
        return dropped

    return _repeated(db, some)


def drop_requests(db: Database, run: Run, *, before: datetime) -> int:
    """Replace the requests from before then that nothing depends on by their counts; return how many."""
    with db.transaction():
        db.execute(_OLD_REQUESTS, [SLOW_S, before, run.night_at])
        db.execute(
            """
            INSERT INTO request_counts
            SELECT run_id, feed_id, count(*), count(*) FILTER (seconds > 0), count(*) FILTER (reason IS NOT NULL)
            FROM old_requests
            GROUP BY run_id, feed_id
            ON CONFLICT DO UPDATE SET requests = request_counts.requests + excluded.requests,
                made = request_counts.made + excluded.made, failed = request_counts.failed + excluded.failed
            """
        )
        db.execute("DELETE FROM fetches WHERE rowid IN (SELECT row_number FROM old_requests)")
        dropped: int = db.value("SELECT count(*) FROM old_requests")
        db.execute("DROP TABLE old_requests")
    return dropped


def earlier_night(db: Database, run: Run, *, back: int) -> datetime | None:
    """Return the moment of the night so many nights before this one; None when there were fewer."""
    found: list[datetime] = db.column(
        "SELECT night_at FROM runs WHERE run_id <> $1 AND night_at <= $2 ORDER BY night_at DESC LIMIT 1 OFFSET $3",
        [run.id, run.night_at, back - 1],
    )
    return found[0] if found else None


def _repeated(db: Database, some: Callable[[], list[int]]) -> int:
    """Repeat what drops some rows, each time in a transaction of its own, until there are none; return how many."""
    total = 0
    while True:
        with db.transaction():
            dropped = len(some())
        total += dropped
        if not dropped:
            return total
