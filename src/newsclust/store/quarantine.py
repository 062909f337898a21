"""The nights of each feed in numbers, and which feeds are quarantined."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from newsclust.model import Run
from newsclust.quarantine.rules import Anomaly, AnomalyRule, FeedRunStats
from newsclust.store.database import Database

_UNJUDGED_RUNS = """
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

# The nights of runs that came to their end before nights were judged are learned from: their articles are out, and
# what language they are in has been told. Only entries of this run are read; of the others ids alone.
_UNJUDGED = """
WITH sightings AS (
    SELECT entry_id, article_id, run_id <> $1 AS is_edit FROM entries WHERE run_id = $1 OR changed_run_id = $1
), firsts AS (
    SELECT article_id, arg_min(feed_id, (first_seen_at, feed_id)) AS feed_id
    FROM entries
    SEMI JOIN sightings USING (article_id)
    GROUP BY article_id
)
SELECT entries.feed_id, sightings.is_edit, runs.night_at, runs.outcome = 'finished' AS is_out, entries.link,
       entries.title,
       CASE WHEN NOT is_out THEN left(coalesce(entries.summary, entries.content, ''), 2000) END AS markup,
       CASE WHEN is_out AND articles.language_source = 'text' THEN articles.language END AS told_language,
       CASE WHEN entries.date_quality NOT IN ('missing', 'future') THEN entries.published_at END AS published_at,
       greatest(coalesce(length(entries.content), 0), coalesce(length(entries.summary), 0)) AS characters,
       firsts.feed_id <> entries.feed_id AS shared,
       map_extract(pages.headers, 'content-type')[1] AS content_type
FROM entries
JOIN sightings ON sightings.entry_id = entries.entry_id
ANTI JOIN feed_run_stats ON feed_run_stats.feed_id = entries.feed_id AND feed_run_stats.run_id = $1
JOIN runs ON runs.run_id = $1
JOIN firsts ON firsts.article_id = entries.article_id
LEFT JOIN articles ON articles.article_id = entries.article_id
LEFT JOIN pages ON pages.kind = 'feed' AND pages.item_id = entries.feed_id AND pages.run_id = $1
ORDER BY entries.feed_id, entries.entry_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class UncheckedRun:
    """What one run saw new or changed of one feed; `is_out`: it was read before nights were judged."""

    feed_id: str
    run_id: str
    night_at: datetime
    is_out: bool
    content_type: str | None
    rows: Sequence[Mapping[str, Any]]  # is_edit, link, title, markup or told_language, ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedRun:
    """A night, the words that recur in it, and what was judged of it; `held`: its entries become no articles."""

    night: FeedRunStats
    words: Collection[str]
    content_type: str | None
    breach: Anomaly | None
    held: bool


def unchecked_run_ids(db: Database) -> list[str]:
    """Return the ids of the runs that saw a feed show something which was not judged, the oldest first."""
    return [row["run_id"] for row in db.rows(_UNJUDGED_RUNS)]


def unchecked_runs(db: Database, run_id: str) -> list[UncheckedRun]:
    """Return the nights of this run that were not judged, by feed."""
    nights = []
    for feed_id, group in groupby(db.rows(_UNJUDGED, [run_id]), key=lambda row: str(row["feed_id"])):
        rows = list(group)
        nights.append(
            UncheckedRun(
                feed_id=feed_id,
                run_id=run_id,
                night_at=rows[0]["night_at"],
                is_out=rows[0]["is_out"],
                content_type=rows[0]["content_type"],
                rows=rows,
            )
        )
    return nights


def admitted_stats(db: Database) -> dict[str, list[FeedRunStats]]:
    """Return the nights with new items that make each feed's habits, the oldest first."""
    admitted: dict[str, list[FeedRunStats]] = {}
    for night in _nights(db, "NOT quarantined AND items > 0", []):
        admitted.setdefault(night.feed_id, []).append(night)
    return admitted


def quarantined_stats(db: Database, feed_id: str) -> list[FeedRunStats]:
    """Return the nights of the feed that are held, those of quarantines that are over included, the oldest first."""
    return _nights(db, "feed_id = $1 AND quarantined", [feed_id])


def relocated_sites(db: Database) -> dict[str, set[str]]:
    """Return the sites where feeds have shown their known entries again."""
    moved: dict[str, set[str]] = {}
    for row in db.rows("SELECT feed_id, sites FROM feed_changes"):
        moved.setdefault(row["feed_id"], set()).update(row["sites"])
    return moved


def words_known_to_feed(db: Database, feed_id: str, words: Collection[str]) -> set[str]:
    """Return those of these words that recurred in an admitted night of the feed."""
    with db.given_ids(sorted(words)):
        rows = db.rows(
            "WITH admitted AS ("
            "SELECT unnest(recurring_words) AS word FROM feed_run_stats WHERE feed_id = $1 AND NOT quarantined) "
            "SELECT DISTINCT word FROM admitted SEMI JOIN given_ids ON given_ids.id = admitted.word",
            [feed_id],
        )
    return {row["word"] for row in rows}


def active_quarantines(db: Database) -> dict[str, datetime]:
    """Return since when each quarantined feed is so."""
    return {
        row["feed_id"]: row["since"]
        for row in db.rows("SELECT feed_id, since FROM quarantines WHERE released_at IS NULL")
    }


def save_run_stats(db: Database, judged: Sequence[CheckedRun]) -> None:
    """Store nights and what was judged of them."""
    rows = [
        {
            "feed_id": one.night.feed_id,
            "run_id": one.night.run_id,
            "night_at": one.night.night_at,
            "items": one.night.items,
            "backdated": one.night.old,
            "undated": one.night.undated,
            "shared": one.night.shared,
            "median_characters": one.night.characters,
            "languages": one.night.languages,
            "sites": one.night.sites,
            "edited": one.night.edited,
            "recurring_words": sorted(one.words),
            "content_type": one.content_type,
            "anomaly": one.breach.rule.value if one.breach else None,
            "why": one.breach.why if one.breach else None,
            "quarantined": one.held,
        }
        for one in judged
    ]
    db.save("feed_run_stats", rows)


def begin_quarantine(db: Database, run: Run, night: FeedRunStats, breach: Anomaly) -> None:
    """Store that the feed is quarantined since this night."""
    row = {
        "feed_id": night.feed_id,
        "since": night.night_at,
        "rule": breach.rule.value,
        "why": breach.why,
        "run_id": run.id,
    }
    db.save("quarantines", [row])


def end_quarantine(db: Database, run: Run, feed_id: str, *, by: str, admitted: Sequence[FeedRunStats]) -> None:
    """Store that the feed's quarantine is over and that the entries of these nights become articles."""
    with db.given_ids([night.run_id for night in admitted]):
        db.execute(
            "UPDATE feed_run_stats SET quarantined = false "
            "WHERE feed_id = $1 AND run_id IN (SELECT id FROM given_ids)",
            [feed_id],
        )
    db.execute(
        "UPDATE quarantines SET released_at = $1, released_by = $2 WHERE feed_id = $3 AND released_at IS NULL",
        [run.night_at, by, feed_id],
    )


def _nights(db: Database, condition: str, parameters: Sequence[Any]) -> list[FeedRunStats]:
    sql = f"SELECT * EXCLUDE (recurring_words) FROM feed_run_stats WHERE {condition} ORDER BY night_at, run_id"  # noqa: S608
    return [
        FeedRunStats(
            feed_id=row["feed_id"],
            run_id=row["run_id"],
            night_at=row["night_at"],
            items=row["items"],
            old=row["backdated"],
            undated=row["undated"],
            shared=row["shared"],
            characters=row["median_characters"],
            languages=row["languages"],
            sites=row["sites"],
            edited=row["edited"],
            breach=AnomalyRule(row["anomaly"]) if row["anomaly"] else None,
        )
        for row in db.rows(sql, parameters)
    ]
