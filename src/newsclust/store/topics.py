"""Topics and the stories in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from newsclust.model import Run
from newsclust.store.database import Database
from newsclust.stories.identity import PreviousGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTopic:
    """A topic as it is stored."""

    id: str
    label: str
    words_en: tuple[str, ...]
    words_fr: tuple[str, ...]
    headline: str
    centroid_similarities: Mapping[str, float]


def known_topics(db: Database) -> list[PreviousGroup]:
    """Return every topic that has stories, with its members."""
    rows = db.rows(
        "SELECT topic_id, topics.born_at, list(story_id ORDER BY story_id) AS members "
        "FROM topics JOIN topic_stories USING (topic_id) WHERE left_at IS NULL GROUP BY ALL ORDER BY topic_id"
    )
    return [
        PreviousGroup(id=row["topic_id"], born_at=row["born_at"], members=frozenset(row["members"])) for row in rows
    ]


def topic_ids(db: Database) -> list[str]:
    """Return the ids of all topics there ever were."""
    return [row["topic_id"] for row in db.rows("SELECT topic_id FROM topics")]


def stories_since(db: Database, since: datetime) -> list[tuple[str, list[str]]]:
    """Return (story id, article ids) of the stories with an article since then, both in order of id."""
    rows = db.rows(
        """
        SELECT story_id, list(article_id ORDER BY article_id) AS members
        FROM stories JOIN story_articles USING (story_id)
        WHERE left_at IS NULL AND last_at >= $1
        GROUP BY story_id
        ORDER BY story_id
        """,
        [since],
    )
    return [(row["story_id"], row["members"]) for row in rows]


def headlines_of(db: Database, story_ids: Sequence[str]) -> dict[str, str]:
    """Return what these stories are called, by id."""
    with db.given_ids(story_ids):
        rows = db.rows("SELECT story_id, headline FROM stories SEMI JOIN given_ids ON id = story_id")
    return {row["story_id"]: row["headline"] for row in rows}


def outlet_names(db: Database) -> list[str]:
    """Return the hosts of all articles and the titles of all feeds, in order: what no topic is called by."""
    rows = db.rows("SELECT outlet AS name FROM articles UNION SELECT title FROM feeds ORDER BY name")
    return [row["name"] for row in rows]


def save_topics(db: Database, run: Run, topics: Sequence[StoredTopic]) -> None:
    """Store these topics as the living ones, with their stories; the others are kept as they were, not living."""
    with db.transaction():
        db.execute("UPDATE topics SET living = false WHERE living")
        db.save(
            "topics",
            [
                {
                    "topic_id": topic.id,
                    "label": topic.label,
                    "words_en": list(topic.words_en),
                    "words_fr": list(topic.words_fr),
                    "headline": topic.headline,
                    "living": True,
                    "born_at": run.night_at,
                    "last_found_at": run.night_at,
                    "run_id": run.id,
                }
                for topic in topics
            ],
            on_conflict="ON CONFLICT DO UPDATE SET label = excluded.label, words_en = excluded.words_en, "
            "words_fr = excluded.words_fr, headline = excluded.headline, living = true, "
            "last_found_at = excluded.last_found_at",
        )
        placed = pa.table(
            {
                "topic_id": pa.array([t.id for t in topics for _ in t.centroid_similarities], pa.string()),
                "story_id": pa.array([s for t in topics for s in t.centroid_similarities], pa.string()),
                "centroid_similarity": pa.array(
                    [v for t in topics for v in t.centroid_similarities.values()], pa.float64()
                ),
            }
        )
        with db.given("placed", placed):
            db.execute(
                "UPDATE topic_stories SET left_at = $1 WHERE left_at IS NULL "
                "AND (topic_id, story_id) NOT IN (SELECT (topic_id, story_id) FROM placed) "
                "AND (story_id IN (SELECT story_id FROM placed) "
                "     OR story_id IN (SELECT story_id FROM stories WHERE state = 'living'))",
                [run.night_at],
            )
            db.execute(
                "UPDATE topic_stories SET centroid_similarity = placed.centroid_similarity FROM placed "
                "WHERE left_at IS NULL "
                "AND topic_stories.topic_id = placed.topic_id AND topic_stories.story_id = placed.story_id"
            )
            db.execute(
                """
                INSERT INTO topic_stories
                SELECT topic_id, story_id, centroid_similarity, $1, NULL, $2
                FROM placed
                WHERE (topic_id, story_id) NOT IN
                      (SELECT (topic_id, story_id) FROM topic_stories WHERE left_at IS NULL)
                ON CONFLICT DO UPDATE SET left_at = NULL, centroid_similarity = excluded.centroid_similarity
                """,
                [run.night_at, run.id],
            )
