"""Moments that a clock stamped which had jumped ahead: found, set back, and what followed from them undone."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pyarrow as pa

from newsclust.clock import TOLERANCE
from newsclust.model import Run, StoryEvent
from newsclust.store.database import Database
from newsclust.store.stories import CLOSED_BY_AGE

# Every column that says when the pipeline did or saw something.
STAMPED: Mapping[str, tuple[str, ...]] = {
    "article_versions": ("seen_at", "replaced_at"),
    "articles": (
        "first_seen_at",
        "attested_at",
        "changed_at",
        "extracted_at",
        "deduplicated_at",
        "text_dropped_at",
        "vectors_dropped_at",
    ),
    "boilerplate_blocks": ("first_seen_at",),
    "duplicates": ("found_at",),
    "embeddings": ("embedded_at",),
    "entries": ("first_seen_at", "absent_at", "changed_at", "last_seen_at", "dropped_at"),
    "failures": ("failed_at",),
    "feed_changes": ("changed_at",),
    "feed_health_states": ("since", "decided_at"),
    "feed_moves": ("moved_at", "reverted_at"),
    "feed_run_stats": ("night_at",),
    "feed_schedules": ("decided_at",),
    "feed_sites": ("checked_at",),
    "feeds": ("added_at",),
    "fetches": ("requested_at",),
    "link_progress": ("embedded_at", "words_counted_at"),
    "links": ("linked_at",),
    "migrations": ("applied_at",),
    "pages": ("fetched_at", "dropped_at"),
    "processed": ("fetched_at",),
    "quarantines": ("since", "released_at"),
    "rewrite_comparisons": ("compared_at",),
    "robots": ("fetched_at",),
    "run_notices": ("noticed_at",),
    "runs": ("night_at", "started_at", "finished_at"),
    "steps": ("started_at",),
    "search_documents": ("indexed_at",),
    "stories": ("born_at", "evidence_dropped_at"),
    "story_articles": ("joined_at", "left_at"),
    "story_events": ("happened_at",),
    "topic_stories": ("joined_at", "left_at"),
    "topics": ("born_at", "last_found_at"),
}
# Every other one, and what is done about it: a stranger's word, or a person's, or what follows from others.
NOT_STAMPED: Mapping[str, str] = {
    "articles.published_at": "a stranger's word; one from the future gives way to the first sight",
    "articles.updated_at": "a stranger's word",
    "corrections.made_at": "a person's file, read anew each night",
    "entries.published_at": "a stranger's word; one from the future gives way to the first sight",
    "entries.updated_at": "a stranger's word",
    "feed_schedules.next_request_at": "decided anew each night; one from the future becomes tonight",
    "fetches.fresh_until": "a stranger's word, reckoned with the wrong clock: forgotten",
    "fetches.retry_at": "a stranger's word, reckoned with the wrong clock: forgotten",
    "stories.first_at": "of its articles",
    "stories.last_at": "of its articles",
}
# What a night leaves that failed before it did anything; "runs" also has the machine's own time.
_OF_NIGHTS_THAT_FAILED = {"runs", "steps", "failures", "run_notices", "migrations", "feed_health_states"}
_MOST_DATES = 200  # sites whose clocks are asked


def future_begins_at(db: Database, now: datetime) -> datetime | None:
    """Return the earliest moment after now that an earlier run took for its own; None when there is none."""
    moment: datetime | None = db.value(
        "SELECT min(moment) FROM (SELECT unnest([night_at, started_at]) AS moment FROM runs) WHERE moment > $1",
        [now + TOLERANCE],
    )
    return moment


def nights(db: Database, run: Run) -> list[datetime]:
    """Return the moments that the other runs took for now which requested something, in order."""
    return db.column(
        "SELECT night_at FROM runs SEMI JOIN fetches USING (run_id) WHERE run_id <> $1 ORDER BY night_at", [run.id]
    )


def server_dates(db: Database, since: datetime) -> list[datetime]:
    """Return what sites said the time was when their documents were stored, of those stamped since then."""
    written = db.column(
        "SELECT headers['date'] FROM pages WHERE fetched_at >= $1 AND headers['date'] IS NOT NULL "
        "ORDER BY fetched_at DESC LIMIT $2",
        [since, _MOST_DATES],
    )
    return [date for text in written if (date := _http_date(text)) is not None]


def set_moments_back(
    db: Database,
    run: Run,
    since: datetime,
    *,
    belongs: Callable[[Iterable[datetime], datetime | None], Mapping[datetime, datetime]],
    living_since: datetime,
) -> tuple[int, int]:
    """Set back every stamp since then and undo what followed from it; return (stamps, stories reopened).

    All or nothing is stored. `belongs` gives the right moment of each wrong one, from them and the last right one. A
    story that only its age had closed lives again if it has an article since `living_since`; its history keeps both.
    """
    with db.transaction():
        wrong_runs = db.column("SELECT run_id FROM runs WHERE night_at >= $1 OR started_at >= $1", [since])
        stamped = db.column(
            " UNION ".join(
                f"SELECT {column} FROM {table} WHERE {column} >= $1"  # noqa: S608 (names of ours)
                for table, columns in STAMPED.items()
                for column in columns
            ),
            [since],
        )
        moved = belongs(stamped, _last_right(db, since))
        moves = pa.table(
            {
                "wrong": pa.array([_naive(moment) for moment in moved], pa.timestamp("us")),
                "moment": pa.array([_naive(moment) for moment in moved.values()], pa.timestamp("us")),
            }
        )
        _forget_reckoned(db, run, since)
        with db.given("moves", moves):
            for table, columns in STAMPED.items():
                updates = ", ".join(
                    f"{name} = coalesce((SELECT moment FROM moves WHERE wrong = {name}), {name})"  # noqa: S608 (names of ours)
                    for name in columns
                )
                later = " OR ".join(f"{name} >= $1" for name in columns)
                db.execute(f"UPDATE {table} SET {updates} WHERE {later}", [since])  # noqa: S608 (names of ours)
        _mend_dates(db, run)
        with db.given_ids(wrong_runs):
            db.execute(
                "UPDATE steps SET error = 'undone: the clock had jumped ahead' "
                "WHERE step IN ('group_stories', 'group_topics') AND error IS NULL "
                "AND run_id IN (SELECT id FROM given_ids)"
            )
            reopened = _reopen(db, run, living_since)
    return len(moved), reopened


def _last_right(db: Database, since: datetime) -> datetime | None:
    """Return the last moment before `since` at which a night did or saw something."""
    columns = [
        f"SELECT max({column}) AS moment FROM {table} WHERE {column} < $1"  # noqa: S608 (names of ours)
        for table in STAMPED.keys() - _OF_NIGHTS_THAT_FAILED
        for column in STAMPED[table]
    ]
    moment: datetime | None = db.value(f"SELECT max(moment) FROM ({' UNION ALL '.join(columns)})", [since])  # noqa: S608
    return moment


def _forget_reckoned(db: Database, run: Run, since: datetime) -> None:
    """Forget what sites asked for and what was decided by the wrong clock: both would hold until it is right."""
    db.execute("UPDATE fetches SET fresh_until = NULL, retry_at = NULL WHERE requested_at >= $1", [since])
    db.execute("UPDATE feed_schedules SET next_request_at = $2 WHERE decided_at >= $1", [since, run.night_at])
    db.execute("DELETE FROM feed_moves WHERE moved_at >= $1", [since])
    db.execute(
        "UPDATE feed_moves SET reverted_at = NULL, reverted_by = NULL "
        "WHERE reverted_at >= $1 AND reverted_by = 'failures'",
        [since],
    )


def _mend_dates(db: Database, run: Run) -> None:
    """Let the first sight stand in for dates from the future, which the wrong clock believed; date the stories."""
    future = max(run.night_at, run.started_at) + TOLERANCE
    for table in ("entries", "articles"):
        db.execute(
            f"UPDATE {table} SET published_at = first_seen_at, "  # noqa: S608 (a name of ours)
            "date_quality = CASE date_quality WHEN 'missing' THEN 'missing' ELSE 'future' END "
            "WHERE published_at > $1",
            [future],
        )
    db.execute(
        """
        UPDATE stories SET first_at = members.first_at, last_at = members.last_at
        FROM (
            SELECT story_articles.story_id, min(published_at) AS first_at, max(published_at) AS last_at
            FROM story_articles JOIN articles USING (article_id)
            WHERE story_articles.left_at IS NULL
            GROUP BY story_articles.story_id
        ) AS members
        WHERE members.story_id = stories.story_id AND (stories.first_at > $1 OR stories.last_at > $1)
        """,
        [future],
    )


def _reopen(db: Database, run: Run, living_since: datetime) -> int:
    """Reopen the stories that a run of `given_ids` closed by age alone and that are younger; return how many."""
    reopened = db.rows(
        """
        SELECT stories.story_id, stories.headline, count(story_articles.article_id) AS articles
        FROM stories
        JOIN story_articles ON story_articles.story_id = stories.story_id AND story_articles.left_at IS NULL
        WHERE stories.state = 'closed' AND stories.last_at >= $1 AND stories.story_id IN (
            SELECT story_id FROM story_events
            WHERE event = 'closed' AND reason = $2 AND run_id IN (SELECT id FROM given_ids)
        )
        GROUP BY ALL
        ORDER BY stories.story_id
        """,
        [living_since, CLOSED_BY_AGE],
    )
    for story in reopened:
        db.execute("UPDATE stories SET state = 'living' WHERE story_id = $1", [story["story_id"]])
    events = [
        story
        | {
            "event": StoryEvent.REOPENED,
            "happened_at": run.night_at,
            "other_story_id": "",
            "article_ids": (),
            "reason": "a clock that had jumped ahead had closed it",
            "run_id": run.id,
        }
        for story in reopened
    ]
    db.save("story_events", events)
    return len(reopened)


def _http_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
