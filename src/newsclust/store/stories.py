"""Stories: their members, their names and what happens to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from newsclust.model import Run, StoryEvent
from newsclust.store.database import Database
from newsclust.store.records import row_of
from newsclust.stories.identity import PreviousGroup, StoryChange, StoryChanges

CLOSED_BY_AGE = "no article within the window"


@dataclass(frozen=True, slots=True, kw_only=True)
class Headlines:
    """What a story is called: by its most central article, and by that of each language."""

    headline: str
    en: str | None
    fr: str | None


def known_stories(db: Database, regrouped: Sequence[str]) -> list[PreviousGroup]:
    """Return the stories that have one of these articles, each with all its members.

    The archive's other stories are settled: nothing can happen to them tonight.
    """
    with db.given_ids(regrouped):
        return db.rows_as(
            PreviousGroup,
            """
            SELECT story_id AS id, stories.born_at, list(article_id ORDER BY article_id) AS members
            FROM stories JOIN story_articles USING (story_id)
            WHERE left_at IS NULL
              AND story_id IN (
                  SELECT story_id FROM story_articles
                  WHERE left_at IS NULL AND article_id IN (SELECT id FROM given_ids))
            GROUP BY ALL
            ORDER BY story_id
            """,
        )


def duplicates_in_stories(db: Database) -> list[str]:
    """Return the ids of members that have been found to be duplicates since they joined their story."""
    return db.column(
        "SELECT article_id FROM story_articles SEMI JOIN duplicates USING (article_id) "
        "WHERE left_at IS NULL ORDER BY article_id"
    )


def story_ids(db: Database) -> list[str]:
    """Return the ids of all stories there ever were."""
    return db.column("SELECT story_id FROM stories")


def close_stories(db: Database, run: Run, *, living_since: datetime) -> int:
    """Close the stories whose last article is older than `living_since`; return how many."""
    nothing = StoryChanges(members={}, merged={}, events=())
    return save_stories(db, run, nothing, headlines={}, living_since=living_since)


def save_stories(
    db: Database, run: Run, changes: StoryChanges, *, headlines: Mapping[str, Headlines], living_since: datetime
) -> int:
    """Store tonight's changes of stories and close the stories whose last article is older than `living_since`.

    `headlines` names every changed story that still has articles, and may name others: a story whose name
    alone differs from the stored one is renamed. Return how many stories were closed.
    """
    with db.given_ids(list(headlines)):
        stored = db.tuples(
            "SELECT story_id, state, headline FROM stories WHERE story_id IN (SELECT id FROM given_ids)"
        )
    with db.transaction():
        _save_members(db, run, changes.members)
        _save_story_rows(db, run, changes, headlines)
        _save_events(db, run, changes.events, headlines)
        _save_reopened_and_renamed(db, run, stored, changes, headlines)
        closed = db.column(
            """
            UPDATE stories SET state = 'closed'
            WHERE state = 'living' AND (
                last_at < $1
                OR story_id NOT IN (SELECT story_id FROM story_articles WHERE left_at IS NULL))
            RETURNING story_id
            """,
            [living_since],
        )
        with db.given_ids(closed):
            left = db.rows(
                """
                SELECT id AS story_id, stories.headline, count(article_id) AS articles
                FROM given_ids
                JOIN stories ON stories.story_id = id
                LEFT JOIN story_articles ON story_articles.story_id = id AND left_at IS NULL
                GROUP BY ALL
                """
            )
        ended = [
            row
            | {
                "event": StoryEvent.CLOSED,
                "happened_at": run.night_at,
                "other_story_id": "",
                "article_ids": (),
                "reason": CLOSED_BY_AGE if row["articles"] else "its articles are duplicates of others",
                "run_id": run.id,
            }
            for row in left
        ]
        db.save("story_events", ended, skip_known=True)
    return len(closed)


def _save_members(db: Database, run: Run, members: Mapping[str, frozenset[str]]) -> None:
    present = pa.table(
        {
            "story_id": pa.array([story for story, articles in members.items() for _ in articles], pa.string()),
            "article_id": pa.array(
                [article for articles in members.values() for article in sorted(articles)], pa.string()
            ),
        }
    )
    with db.given_ids(list(members)), db.given("present", present):
        db.execute(
            "UPDATE story_articles SET left_at = $1 "
            "WHERE left_at IS NULL AND story_id IN (SELECT id FROM given_ids) "
            "AND (story_id, article_id) NOT IN (SELECT (story_id, article_id) FROM present)",
            [run.night_at],
        )
        # A member that left and came back in one night (a night run twice) is simply still there.
        db.execute(
            """
            INSERT INTO story_articles
            SELECT story_id, article_id, $1, NULL, $2
            FROM present
            WHERE (story_id, article_id) NOT IN
                  (SELECT (story_id, article_id) FROM story_articles WHERE left_at IS NULL)
            ON CONFLICT DO UPDATE SET left_at = NULL
            """,
            [run.night_at, run.id],
        )


def _save_story_rows(db: Database, run: Run, changes: StoryChanges, headlines: Mapping[str, Headlines]) -> None:
    rows = [
        row_of(headlines[story_id], named={"en": "headline_en", "fr": "headline_fr"})
        | {
            "story_id": story_id,
            "state": "living",
            "merged_into": None,
            "born_at": run.night_at,
            "first_at": run.night_at,  # set from the members below
            "last_at": run.night_at,
            "run_id": run.id,
        }
        for story_id in changes.members
        if story_id in headlines
    ]
    db.upsert("stories", rows, key=["story_id"], keep=["born_at", "first_at", "last_at", "run_id"])
    with db.given_ids([row["story_id"] for row in rows]):
        db.execute(
            """
            UPDATE stories SET first_at = seen.first_at, last_at = seen.last_at
            FROM (
                SELECT story_articles.story_id, min(published_at) AS first_at, max(published_at) AS last_at
                FROM story_articles JOIN articles USING (article_id)
                WHERE story_articles.left_at IS NULL
                GROUP BY story_articles.story_id
            ) AS seen
            WHERE seen.story_id = stories.story_id AND stories.story_id IN (SELECT id FROM given_ids)
            """
        )
    for story_id, successor in changes.merged.items():
        db.execute("UPDATE stories SET state = 'merged', merged_into = $1 WHERE story_id = $2", [successor, story_id])


def _save_reopened_and_renamed(
    db: Database,
    run: Run,
    before: Sequence[tuple[str, str, str]],  # story id, state, headline
    changes: StoryChanges,
    headlines: Mapping[str, Headlines],
) -> None:
    """Store the stories that were closed and live again, and those whose name alone changed."""
    events, renamed = [], []
    sizes = dict(db.tuples("SELECT story_id, count(*) FROM story_articles WHERE left_at IS NULL GROUP BY story_id"))
    for story_id, state, headline in before:
        if story_id in changes.members and state == "closed":
            events.append((story_id, StoryEvent.REOPENED, "an article within the window joined it"))
        if story_id not in changes.members and headline != headlines[story_id].headline:
            events.append((story_id, StoryEvent.RENAMED, f"was {headline!r}"))
            renamed.append(story_id)
    for story_id in renamed:
        name = headlines[story_id]
        db.execute(
            "UPDATE stories SET headline = $1, headline_en = $2, headline_fr = $3 WHERE story_id = $4",
            [name.headline, name.en, name.fr, story_id],
        )
    _save_events(
        db,
        run,
        [
            StoryChange(story_id=story_id, event=event, articles=sizes.get(story_id, 0), moved=(), reason=reason)
            for story_id, event, reason in events
        ],
        headlines,
    )


def _save_events(db: Database, run: Run, events: Sequence[StoryChange], headlines: Mapping[str, Headlines]) -> None:
    with db.given_ids([event.story_id for event in events]):
        stored = dict(
            db.tuples("SELECT story_id, headline FROM stories WHERE story_id IN (SELECT id FROM given_ids)")
        )
    called = stored | {story_id: name.headline for story_id, name in headlines.items()}
    rows = [
        row_of(event, named={"moved": "article_ids"})
        | {"headline": called[event.story_id], "happened_at": run.night_at, "run_id": run.id}
        for event in events
    ]
    db.upsert("story_events", rows, key=["story_id", "event", "happened_at", "other_story_id"])
