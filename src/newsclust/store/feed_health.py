"""What is stored of each feed that its health is judged by, and what was judged."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby
from operator import itemgetter

from newsclust.model import Run
from newsclust.polling.health import SLOW_S, UNDATED_SHARE, FeedChange, FeedFacts, FeedHealth
from newsclust.store.database import Database
from newsclust.store.records import row_of

_FACTS = """
WITH requested AS (
    SELECT item_id, count(*) AS requests,
           max(requested_at) AS last_request_at, max(requested_at) FILTER (reason IS NULL) AS last_answer_at,
           max(requested_at) FILTER (reason IS NULL AND seconds <= $1) AS last_fast_at,
           arg_max(coalesce(reason, ''), requested_at) AS last_reason,
           arg_max(coalesce(detail, ''), requested_at) AS last_detail
    FROM fetches
    WHERE kind = 'feed' AND reason IS DISTINCT FROM 'offline'
    GROUP BY item_id
), lately AS (
    SELECT requested.item_id, max(retry_at) FILTER (requested_at = last_request_at) AS retry_at,
           min(requested_at) FILTER (reason IS NOT NULL AND requested_at > coalesce(last_answer_at, '-infinity'::TIMESTAMP)) AS failing_since,
           count(*) FILTER (reason IS NOT NULL AND requested_at > coalesce(last_answer_at, '-infinity'::TIMESTAMP)) AS failures,
           min(requested_at) FILTER (reason IS NULL AND requested_at > coalesce(last_fast_at, '-infinity'::TIMESTAMP)) AS slow_since,
           count(*) FILTER (reason IS NULL AND requested_at > coalesce(last_fast_at, '-infinity'::TIMESTAMP)) AS slow_answers
    FROM requested
    JOIN fetches ON fetches.item_id = requested.item_id AND fetches.kind = 'feed' AND fetches.reason IS DISTINCT FROM 'offline'
    GROUP BY requested.item_id
), shown AS (
    SELECT feed_id, count(*) AS entries, max(first_seen_at) AS last_new_at, max(last_seen_at) AS last_read_at
    FROM entries
    GROUP BY feed_id
), unread AS (
    SELECT item_id, arg_max(reason, failed_at) AS parse_reason, max(failed_at) AS parse_failed_at,
           min(failed_at) FILTER (failed_at > coalesce(shown.last_read_at, '-infinity'::TIMESTAMP)) AS parse_failing_since
    FROM failures
    LEFT JOIN shown ON shown.feed_id = failures.item_id
    WHERE step = 'parse_feeds'
    GROUP BY item_id
), nights AS (
    SELECT feed_id, arg_max(undated > items * $2, night_at) AS is_undated,
           max(night_at) FILTER (undated <= items * $2) AS last_dated_at,
           date_diff('second', min(night_at), max(night_at)) / greatest(count(*) - 1, 1) AS mean_pause_s
    FROM feed_run_stats
    WHERE items > 0
    GROUP BY feed_id
), undated AS (
    SELECT nights.feed_id, min(night_at) AS undated_since, sum(undated) AS undated_items, sum(items) AS undated_of
    FROM nights
    JOIN feed_run_stats ON feed_run_stats.feed_id = nights.feed_id
    WHERE items > 0 AND nights.is_undated AND night_at > coalesce(last_dated_at, '-infinity'::TIMESTAMP)
    GROUP BY nights.feed_id
)
SELECT feeds.feed_id, feeds.added_at, feeds.listed AS is_listed, feeds.listed_by,
       coalesce(requested.requests, 0) AS requests, requested.last_request_at, requested.last_answer_at,
       nullif(requested.last_reason, '') AS last_reason,
       coalesce(requested.last_detail, '') AS last_detail, lately.retry_at, coalesce(lately.failures, 0) AS failures,
       lately.failing_since, coalesce(lately.slow_answers, 0) AS slow_answers, lately.slow_since,
       processed.fetched_at AS read_at, unread.parse_failed_at, unread.parse_reason, unread.parse_failing_since,
       coalesce(shown.entries, 0) AS entries, shown.last_new_at, coalesce(nights.mean_pause_s, 0) AS mean_pause_s,
       undated.undated_since, coalesce(undated.undated_items, 0)::BIGINT AS undated_items,
       coalesce(undated.undated_of, 0)::BIGINT AS undated_of, open_quarantine.since AS quarantined_since,
       coalesce(open_quarantine.why, '') AS quarantine_why
FROM feeds
LEFT JOIN requested ON requested.item_id = feeds.feed_id
LEFT JOIN lately ON lately.item_id = feeds.feed_id
LEFT JOIN unread ON unread.item_id = feeds.feed_id
LEFT JOIN shown ON shown.feed_id = feeds.feed_id
LEFT JOIN nights ON nights.feed_id = feeds.feed_id
LEFT JOIN undated ON undated.feed_id = feeds.feed_id
LEFT JOIN quarantines AS open_quarantine ON open_quarantine.feed_id = feeds.feed_id AND open_quarantine.released_at IS NULL
LEFT JOIN processed ON processed.kind = 'feed' AND processed.item_id = feeds.feed_id
ORDER BY feeds.feed_id
"""  # noqa: E501 (the filters that belong together stand under each other)


def feed_facts(db: Database) -> list[FeedFacts]:
    """Return what each feed's health is judged by, ordered by feed."""
    found = db.keyed_as(
        FeedChange, "SELECT feed_id, changed_at AS at, what, why FROM feed_changes ORDER BY feed_id, changed_at, what"
    )
    changes = {feed_id: [change for _, change in rows] for feed_id, rows in groupby(found, key=itemgetter(0))}
    return [
        replace(facts, changes=changes.get(facts.feed_id, ()))
        for facts in db.rows_as(FeedFacts, _FACTS, [SLOW_S, UNDATED_SHARE])
    ]


def save_feed_health(db: Database, run: Run, health: Mapping[str, FeedHealth]) -> tuple[int, int]:
    """Store how each feed does; return (feeds of which something else was said before, feeds as before)."""
    before = dict(db.keyed_as(FeedHealth, "SELECT feed_id, state, since, why, reason FROM feed_health_states"))
    changed = {feed_id: found for feed_id, found in health.items() if before.get(feed_id) != found}
    rows = [
        row_of(found) | {"feed_id": feed_id, "decided_at": run.night_at, "run_id": run.id}
        for feed_id, found in changed.items()
    ]
    db.upsert("feed_health_states", rows, key=["feed_id"])
    return len(changed), len(health) - len(changed)
