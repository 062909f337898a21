"""The request history of each feed, its next poll, and where it moved to."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter

from newsclust.model import ParsedFeed, Run
from newsclust.polling.redirects import MoveAttempt, RedirectAnswer
from newsclust.polling.scheduler import FeedHistory, NextPoll, latest_by_site
from newsclust.store.database import Database
from newsclust.store.records import row_of
from newsclust.urls import site_of

_WATCHED = timedelta(days=14)  # back from the last answer: how long new entries count for a feed's pace

_HISTORIES = """
WITH asked AS (
    SELECT item_id, run_id, requested_at, status, reason, fresh_until, final_url
    FROM fetches
    WHERE kind = 'feed'
      AND reason IS DISTINCT FROM 'offline'
      AND NOT EXISTS (  -- what came of a move that was undone says nothing of the feed
          SELECT 1 FROM feed_moves
          WHERE feed_moves.feed_id = fetches.item_id AND to_url = fetches.url AND reverted_at IS NOT NULL
      )
), last AS (
    SELECT item_id, arg_max(asked, requested_at) AS request
    FROM asked
    GROUP BY item_id
), good AS (
    SELECT item_id, arg_max(asked, requested_at) AS answer
    FROM asked
    WHERE reason IS NULL
    GROUP BY item_id
), watched AS (
    SELECT asked.item_id, min(asked.requested_at) AS since
    FROM asked
    JOIN good ON good.item_id = asked.item_id
    WHERE asked.reason IS NULL AND asked.requested_at >= good.answer.requested_at - $2::INTERVAL
    GROUP BY asked.item_id
), failed AS (
    SELECT asked.item_id, count(DISTINCT asked.run_id) AS runs
    FROM asked
    LEFT JOIN good ON good.item_id = asked.item_id
    WHERE asked.reason IS NOT NULL AND asked.requested_at > coalesce(good.answer.requested_at, '-infinity'::TIMESTAMP)
    GROUP BY asked.item_id
), fresh AS (
    SELECT entries.feed_id, count(*) AS entries
    FROM entries
    JOIN watched ON watched.item_id = entries.feed_id
    WHERE entries.first_seen_at > watched.since
    GROUP BY entries.feed_id
)
SELECT [feed_addresses.url, coalesce(good.answer.final_url, feed_addresses.url)] AS urls, feed_addresses.feed_id,
       last.request.requested_at AS requested_at, last.request.reason AS reason,
       coalesce(last.request.reason IS NOT NULL AND last.request.status IS NULL, false) AS unanswered,
       unanswered AND $3 AND coalesce(last.request.run_id = $1, false) AS interrupted,
       coalesce(failed.runs, 0) AS failed_runs,
       good.answer.requested_at AS answered_at, good.answer.fresh_until AS fresh_until,
       watched.since AS observed_since, coalesce(fresh.entries, 0) AS new_entries,
       {'interval': to_seconds(feed_update_hints.interval_s),
        'skip_hours': coalesce(feed_update_hints.skip_hours, []),
        'skip_days': coalesce(feed_update_hints.skip_days, [])} AS update_hints
FROM feed_addresses
JOIN feeds ON feeds.feed_id = feed_addresses.feed_id
LEFT JOIN last ON last.item_id = feeds.feed_id
LEFT JOIN good ON good.item_id = feeds.feed_id
LEFT JOIN watched ON watched.item_id = feeds.feed_id
LEFT JOIN failed ON failed.item_id = feeds.feed_id
LEFT JOIN fresh ON fresh.feed_id = feeds.feed_id
LEFT JOIN feed_update_hints ON feed_update_hints.feed_id = feeds.feed_id
WHERE feeds.listed
ORDER BY feeds.feed_id
"""

_ANSWERS = """
SELECT [feeds.feed_id, feed_addresses.url] AS address, fetches.requested_at AS at, fetches.moved_to
FROM fetches
JOIN feeds ON feeds.feed_id = fetches.item_id
JOIN feed_addresses ON feed_addresses.feed_id = fetches.item_id AND feed_addresses.url = fetches.url
WHERE fetches.kind = 'feed' AND fetches.reason IS NULL AND feeds.listed
  AND NOT EXISTS (
      SELECT 1 FROM failures AS unread
      WHERE unread.step = 'parse_feeds' AND unread.item_id = fetches.item_id AND unread.run_id = fetches.run_id
  )
QUALIFY last_value(fetches.moved_to) OVER (
    PARTITION BY feeds.feed_id ORDER BY fetches.requested_at ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
) IS NOT NULL
ORDER BY feeds.feed_id, fetches.requested_at DESC
"""

_TRIES = """
SELECT [feed_moves.feed_id, feed_moves.to_url] AS address, fetches.requested_at AS at,
       coalesce(any_value(fetches.reason), any_value(unread.reason)) AS reason
FROM feed_moves
JOIN feed_addresses ON feed_addresses.feed_id = feed_moves.feed_id AND feed_addresses.url = feed_moves.to_url
JOIN fetches
  ON fetches.kind = 'feed' AND fetches.item_id = feed_moves.feed_id AND fetches.url = feed_moves.to_url
 AND fetches.requested_at >= feed_moves.moved_at AND fetches.reason IS DISTINCT FROM 'offline'
LEFT JOIN failures AS unread
  ON unread.step = 'parse_feeds' AND unread.item_id = fetches.item_id AND unread.run_id = fetches.run_id
WHERE feed_moves.reverted_at IS NULL
GROUP BY ALL
ORDER BY address, fetches.requested_at DESC
"""


def histories(
    db: Database, run: Run, *, refresh_requests: Mapping[str, datetime], within_run: bool
) -> list[FeedHistory]:
    """Return the request history of each listed feed; `refresh_requests` has when a person last asked for a feed.

    `within_run`: a request of this run that got no answer counts as interrupted.
    """
    blocked = blocked_sites(db, run.night_at)
    found = db.keyed_as(FeedHistory, _HISTORIES, [run.id, f"{_WATCHED.days} days", within_run])
    return [
        replace(
            history,
            refresh_requested_at=refresh_requests.get(history.feed_id),
            site_retry_at=max((blocked[site] for site in set(map(site_of, urls)) & blocked.keys()), default=None),
        )
        for urls, history in found
    ]


def blocked_sites(db: Database, now: datetime) -> dict[str, datetime]:
    """Return the sites that want no request before a moment that has not come, with that moment."""
    return latest_by_site(db.tuples("SELECT final_url, retry_at FROM fetches WHERE retry_at > $1", [now]))


def save_schedule(db: Database, run: Run, decided: Mapping[str, NextPoll]) -> tuple[int, int]:
    """Store when each feed is asked next, by its id; return (new or changed, as before)."""
    before = dict(db.keyed_as(NextPoll, "SELECT feed_id, next_request_at AS at, rule, why FROM feed_schedules"))
    changed = {feed_id: due for feed_id, due in decided.items() if before.get(feed_id) != due}
    rows = [
        row_of(due, named={"at": "next_request_at"})
        | {"feed_id": feed_id, "decided_at": run.night_at, "run_id": run.id}
        for feed_id, due in changed.items()
    ]
    db.upsert("feed_schedules", rows, key=["feed_id"])
    return len(changed), len(decided) - len(changed)


def save_update_hints(db: Database, run: Run, documents: Sequence[ParsedFeed]) -> None:
    """Store the update hints of the last documents of different feeds."""
    rows = [
        row_of(parsed.update_hints, without=("interval",))
        | {"feed_id": parsed.feed_id, "interval_s": _seconds(parsed.update_hints.interval), "run_id": run.id}
        for parsed in documents
    ]
    db.upsert("feed_update_hints", rows, key=["feed_id"], keep=["run_id"])


def _seconds(interval: timedelta | None) -> int | None:
    return None if interval is None else int(interval.total_seconds())


def redirect_answers(db: Database) -> Iterator[tuple[str, str, Sequence[RedirectAnswer]]]:
    """Yield (feed id, present address, its good answers, newest first) of each feed whose last answer was redirected.

    An answer that could not be read as a feed is no good one.
    """
    for (feed_id, url), rows in groupby(db.keyed_as(RedirectAnswer, _ANSWERS), key=itemgetter(0)):
        yield feed_id, url, [answer for _, answer in rows]


def save_moves(db: Database, run: Run, moves: Sequence[tuple[str, str, str]]) -> None:
    """Store the moves, as (feed id, from, to); the feeds are asked there from now on."""
    rows = [
        {"feed_id": feed_id, "from_url": from_url, "to_url": to_url, "moved_at": run.night_at, "run_id": run.id}
        for feed_id, from_url, to_url in moves
    ]
    db.upsert("feed_moves", rows, key=["feed_id", "to_url"], keep=["run_id"])


def move_attempts(db: Database) -> Iterator[tuple[str, str, Sequence[MoveAttempt]]]:
    """Give (feed id, address it moved to, what came of the requests there, newest first) of each move that holds."""
    for (feed_id, url), rows in groupby(db.keyed_as(MoveAttempt, _TRIES), key=itemgetter(0)):
        yield feed_id, url, [attempt for _, attempt in rows]


def revert_moves(db: Database, run: Run, refused: Collection[tuple[str, str]], *, by: str) -> int:
    """Take the given moves back, (feed id, to) each, for good; return how many stood."""
    standing = set(db.tuples("SELECT feed_id, to_url FROM feed_moves WHERE reverted_at IS NULL"))
    undone = standing & set(refused)
    for feed_id, to_url in sorted(undone):
        db.execute(
            "UPDATE feed_moves SET reverted_at = $1, reverted_by = $4 WHERE feed_id = $2 AND to_url = $3",
            [run.night_at, feed_id, to_url, by],
        )
    return len(undone)
