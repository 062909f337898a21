"""Topics and the stories in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from newsclust.model import Run
from newsclust.store.database import Database
from newsclust.store.records import row_of
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
    return db.rows_as(
        PreviousGroup,
        "SELECT topic_id AS id, topics.born_at, list(story_id ORDER BY story_id) AS members "
        "FROM topics JOIN topic_stories USING (topic_id) WHERE left_at IS NULL GROUP BY ALL ORDER BY topic_id",
    )


def topic_ids(db: Database) -> list[str]:
    """Return the ids of all topics there ever were."""
    return db.column("SELECT topic_id FROM topics")


def stories_since(db: Database, since: datetime) -> list[tuple[str, list[str]]]:
    """Return (story id, article ids) of the stories with an article since then, both in order of id."""
    return db.tuples(
        """
        SELECT story_id, list(article_id ORDER BY article_id) AS members
        FROM stories JOIN story_articles USING (story_id)
        WHERE left_at IS NULL AND last_at >= $1
        GROUP BY story_id
        ORDER BY story_id
        """,
        [since],
    )


def headlines_of(db: Database, story_ids: Sequence[str]) -> dict[str, str]:
    """Return what these stories are called, by id."""
    with db.given_ids(story_ids):
        return dict(db.tuples("SELECT story_id, headline FROM stories SEMI JOIN given_ids ON id = story_id"))


def outlet_names(db: Database) -> list[str]:
    """Return the hosts of all articles and the titles of all feeds, in order: what no topic is called by."""
    return db.column("SELECT outlet AS name FROM articles UNION SELECT title FROM feeds ORDER BY name")


def save_topics(db: Database, run: Run, topics: Sequence[StoredTopic]) -> None:
    """Store these topics as the living ones, with their stories; the others are kept as they were, not living."""
    found = {"living": True, "born_at": run.night_at, "last_found_at": run.night_at, "run_id": run.id}
    rows = [row_of(topic, named={"id": "topic_id"}, without=("centroid_similarities",)) | found for topic in topics]
    with db.transaction():
        db.execute("UPDATE topics SET living = false WHERE living")
        db.upsert("topics", rows, key=["topic_id"], keep=["born_at", "run_id"])
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
