"""Statistics of each feed's runs, and which feeds are quarantined."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from newsclust.model import Run
from newsclust.quarantine.history import FeedRunStats
from newsclust.quarantine.rules import Anomaly
from newsclust.quarantine.run_check import CheckedRun
from newsclust.store.database import Database
from newsclust.store.records import row_of

_UNCHECKED_RUNS = """
SELECT runs.run_id
FROM (
    SELECT feed_id, run_id FROM entries
    UNION
    SELECT feed_id, changed_run_id FROM entries WHERE changed_run_id <> run_id
) AS seen
ANTI JOIN feed_run_stats USING (feed_id, run_id)
JOIN runs USING (run_id)
GROUP BY runs.run_id, runs.night_at, runs.started_at
ORDER BY runs.night_at, runs.started_at, runs.run_id
"""

# Runs that finished before the quarantine was introduced are exempt and only learned from: their articles exist, with
# a detected language. Only entries of this run are read; of the others only ids.
_UNCHECKED_ENTRIES = """
WITH sightings AS (
    SELECT entry_id, article_id, run_id <> $1 AS is_edit FROM entries WHERE run_id = $1 OR changed_run_id = $1
), known_sources AS (
    SELECT DISTINCT entries.feed_id, entries.source_url
    FROM entries
    JOIN runs AS earlier ON earlier.run_id = entries.run_id
    JOIN runs AS present ON present.run_id = $1
    WHERE entries.source_url IS NOT NULL AND earlier.night_at < present.night_at
), firsts AS (
    SELECT article_id, arg_min(feed_id, (first_seen_at, feed_id)) AS feed_id
    FROM entries
    SEMI JOIN sightings USING (article_id)
    GROUP BY article_id
)
SELECT entries.feed_id, sightings.is_edit, runs.night_at, runs.outcome = 'finished' AS is_exempt, entries.link,
       entries.title,
       CASE WHEN NOT is_exempt THEN left(coalesce(entries.summary, entries.content, ''), 2000) END AS markup,
       CASE WHEN is_exempt AND articles.language_source = 'text' THEN articles.language END AS article_language,
       CASE WHEN entries.date_quality NOT IN ('missing', 'future') THEN entries.published_at END AS published_at,
       greatest(coalesce(length(entries.content), 0), coalesce(length(entries.summary), 0)) AS characters,
       firsts.feed_id <> entries.feed_id AS shared,
       feeds.kind = 'account' AND entries.source_url IS NOT NULL AND known_sources.feed_id IS NULL AS from_new_source,
       map_extract(pages.headers, 'content-type')[1] AS content_type
FROM entries
JOIN sightings ON sightings.entry_id = entries.entry_id
ANTI JOIN feed_run_stats ON feed_run_stats.feed_id = entries.feed_id AND feed_run_stats.run_id = $1
JOIN runs ON runs.run_id = $1
JOIN firsts ON firsts.article_id = entries.article_id
JOIN feeds ON feeds.feed_id = entries.feed_id
LEFT JOIN known_sources ON known_sources.feed_id = entries.feed_id AND known_sources.source_url = entries.source_url
LEFT JOIN articles ON articles.article_id = entries.article_id
LEFT JOIN pages ON pages.kind = 'feed' AND pages.item_id = entries.feed_id AND pages.run_id = $1
ORDER BY entries.feed_id, entries.entry_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class UncheckedEntry:
    """One new or changed entry of a run that was not checked."""

    is_edit: bool
    link: str
    title: str
    markup: str | None  # the first 2,000 characters; None in an exempt run
    article_language: str | None  # as detected in the article's text; None but in an exempt run
    published_at: datetime | None  # None when first sight stands in for its date
    characters: int
    shared: bool  # another feed showed the article first
    from_new_source: bool  # an account shows the first items of a feed that its owner has subscribed to


@dataclass(frozen=True, slots=True, kw_only=True)
class UncheckedRun:
    """What one run saw new or changed of one feed; `is_exempt`: it finished before the quarantine was introduced."""

    feed_id: str
    run_id: str
    night_at: datetime
    is_exempt: bool
    content_type: str | None
    entries: Sequence[UncheckedEntry]


def unchecked_run_ids(db: Database) -> list[str]:
    """Return the ids of the runs that saw a feed show something and were not checked, the oldest first."""
    return db.column(_UNCHECKED_RUNS)


def unchecked_runs(db: Database, run_id: str) -> list[UncheckedRun]:
    """Return what this run saw of each feed that was not checked, ordered by feed id."""
    return [
        UncheckedRun(
            feed_id=feed_id,
            run_id=run_id,
            night_at=night_at,
            is_exempt=is_exempt,
            content_type=content_type,
            entries=[
                UncheckedEntry(
                    is_edit=row["is_edit"],
                    link=row["link"],
                    title=row["title"],
                    markup=row["markup"],
                    article_language=row["article_language"],
                    published_at=row["published_at"],
                    characters=row["characters"],
                    shared=row["shared"],
                    from_new_source=row["from_new_source"],
                )
                for row in rows
            ],
        )
        for (feed_id, night_at, is_exempt, content_type), rows in groupby(
            db.rows(_UNCHECKED_ENTRIES, [run_id]),
            key=lambda row: (row["feed_id"], row["night_at"], row["is_exempt"], row["content_type"]),
        )
    ]


def admitted_stats(db: Database) -> dict[str, list[FeedRunStats]]:
    """Return the admitted runs with new items by feed id, the oldest first."""
    admitted: dict[str, list[FeedRunStats]] = {}
    for stats in _stats(db, "NOT quarantined AND items > 0", []):
        admitted.setdefault(stats.feed_id, []).append(stats)
    return admitted


def quarantined_stats(db: Database, feed_id: str) -> list[FeedRunStats]:
    """Return the quarantined runs of the feed, those of ended quarantines included, the oldest first."""
    return _stats(db, "feed_id = $1 AND quarantined", [feed_id])


def relocated_sites(db: Database) -> dict[str, set[str]]:
    """Return the sites where feeds have shown their known entries again, by feed id."""
    relocated: dict[str, set[str]] = {}
    for feed_id, sites in db.tuples("SELECT feed_id, sites FROM feed_changes"):
        relocated.setdefault(feed_id, set()).update(sites)
    return relocated


def words_known_to_feed(db: Database, feed_id: str, words: Collection[str]) -> set[str]:
    """Return those of these words that recurred in an admitted run of the feed."""
    with db.given_ids(sorted(words)):
        known = db.column(
            "WITH admitted AS ("
            "SELECT unnest(recurring_words) AS word FROM feed_run_stats WHERE feed_id = $1 AND NOT quarantined) "
            "SELECT DISTINCT word FROM admitted SEMI JOIN given_ids ON given_ids.id = admitted.word",
            [feed_id],
        )
    return set(known)


def active_quarantines(db: Database) -> dict[str, datetime]:
    """Return since when each quarantined feed is so, by feed id."""
    return dict(db.tuples("SELECT feed_id, since FROM quarantines WHERE released_at IS NULL"))


def save_run_stats(db: Database, checked: Sequence[CheckedRun]) -> None:
    """Store the statistics of runs and the anomalies found in them."""
    rows = [
        row_of(result.stats, without=("anomaly",))
        | {
            "recurring_words": sorted(result.recurring_words),
            "content_type": result.content_type,
            "anomaly": result.anomaly.rule if result.anomaly else None,
            "why": result.anomaly.why if result.anomaly else None,
            "quarantined": result.quarantined,
        }
        for result in checked
    ]
    db.save("feed_run_stats", rows)


def begin_quarantine(db: Database, run: Run, stats: FeedRunStats, anomaly: Anomaly) -> None:
    """Store that the feed is quarantined since this run."""
    row = row_of(anomaly) | {"feed_id": stats.feed_id, "since": stats.night_at, "run_id": run.id}
    db.save("quarantines", [row])


def end_quarantine(db: Database, run: Run, feed_id: str, *, by: str, admitted: Sequence[FeedRunStats]) -> None:
    """Store that the feed's quarantine has ended and that the entries of these runs become articles."""
    with db.given_ids([stats.run_id for stats in admitted]):
        db.execute(
            "UPDATE feed_run_stats SET quarantined = false "
            "WHERE feed_id = $1 AND run_id IN (SELECT id FROM given_ids)",
            [feed_id],
        )
    db.execute(
        "UPDATE quarantines SET released_at = $1, released_by = $2 WHERE feed_id = $3 AND released_at IS NULL",
        [run.night_at, by, feed_id],
    )


def _stats(db: Database, condition: str, parameters: Sequence[Any]) -> list[FeedRunStats]:
    sql = f"SELECT * EXCLUDE (recurring_words) FROM feed_run_stats WHERE {condition} ORDER BY night_at, run_id"  # noqa: S608
    return db.rows_as(FeedRunStats, sql, parameters)
