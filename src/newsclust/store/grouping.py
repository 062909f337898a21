"""Links, stories and topics."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from newsclust.ledger import Event, Known, Ledger
from newsclust.model import Link, Run, StoryEvent, WordCounts
from newsclust.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Headlines:
    """What a story is called: by its most central article, and by that of each language."""

    headline: str
    en: str | None
    fr: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicRow:
    """A topic as it is stored."""

    id: str
    label: str
    words_en: tuple[str, ...]
    words_fr: tuple[str, ...]
    headline: str
    strengths: Mapping[str, float]


def articles_in_window(db: Database, *, since: datetime, until: datetime) -> list[str]:
    """Return the ids of the originals published or first seen in the window, ordered by id."""
    rows = db.rows(
        """
        SELECT article_id FROM articles
        ANTI JOIN duplicates USING (article_id)
        WHERE greatest(published_at, first_seen_at) >= $1 AND first_seen_at <= $2
        ORDER BY article_id
        """,
        [since, until],
    )
    return [row["article_id"] for row in rows]


def articles_to_link(db: Database, article_ids: Sequence[str], *, model: str, linker: str) -> list[str]:
    """Return those of these articles that this linker has not compared in their present state, ordered by id."""
    with db.given_ids(article_ids):
        rows = db.rows(
            """
            SELECT embeddings.article_id
            FROM embeddings
            LEFT JOIN linked ON linked.article_id = embeddings.article_id AND linked.model = $1 AND linked.linker = $2
            WHERE embeddings.model = $1 AND embeddings.article_id IN (SELECT id FROM given_ids)
              AND (linked.embedded_at IS NULL OR linked.embedded_at < embeddings.embedded_at)
            ORDER BY embeddings.article_id
            """,
            [model, linker],
        )
    return [row["article_id"] for row in rows]


def save_links(
    db: Database,
    run: Run,
    article_ids: Sequence[str],
    fresh_ids: Sequence[str],
    links: Sequence[Link],
    *,
    model: str,
    linker: str,
) -> int:
    """Make the stored links between the fresh articles and all of these the given ones; return how many are new.

    A pair that still has the same probability keeps its row, and the night that first said so.
    """
    if not fresh_ids:
        return 0
    fresh_table = pa.table({"id": pa.array(fresh_ids, pa.string())})
    pairs = pa.table(
        {
            "article_a": pa.array([link.article_a for link in links], pa.string()),
            "article_b": pa.array([link.article_b for link in links], pa.string()),
            "probability": pa.array([link.probability for link in links], pa.float64()),
            "position": pa.array(range(len(links)), pa.int64()),
        }
    )
    with (
        db.transaction(),
        db.given_ids(article_ids),
        db.given("fresh_ids", fresh_table),
        db.given("found", pairs),
    ):
        db.execute(
            """
            DELETE FROM links
            WHERE article_a IN (SELECT id FROM given_ids) AND article_b IN (SELECT id FROM given_ids)
              AND (article_a IN (SELECT id FROM fresh_ids) OR article_b IN (SELECT id FROM fresh_ids))
              AND NOT EXISTS (
                  SELECT 1 FROM found
                  WHERE found.article_a = links.article_a AND found.article_b = links.article_b
                    AND abs(found.probability - links.probability) < 1e-6
              )
            """
        )
        fresh = db.arrow("SELECT position FROM found ANTI JOIN links USING (article_a, article_b) ORDER BY position")
        positions: list[int] = fresh.column("position").to_pylist()
        # Only the new ones' evidence is handed over: that of half a million links took two seconds.
        told = [list(links[position].evidence.items()) for position in positions]
        evidence = fresh.append_column("evidence", pa.array(told, pa.map_(pa.string(), pa.float64())))
        with db.given("evidence_of", evidence):
            db.execute(
                """
                INSERT INTO links
                SELECT found.article_a, found.article_b, found.probability, evidence_of.evidence, $1, $2
                FROM evidence_of JOIN found USING (position)
                ORDER BY position
                """,
                [run.night_at, run.id],
            )
        db.execute(
            """
            INSERT INTO linked (article_id, model, linker, embedded_at, run_id)
            SELECT article_id, model, $1, embedded_at, $2
            FROM embeddings
            WHERE model = $3 AND article_id IN (SELECT id FROM fresh_ids)
            ON CONFLICT DO UPDATE SET model = excluded.model, linker = excluded.linker,
                embedded_at = excluded.embedded_at, run_id = excluded.run_id
            """,
            [linker, run.id, model],
        )
    return len(positions)


def word_counts(db: Database) -> WordCounts:
    """Return what was counted on earlier nights: words of the articles that have been linked."""
    documents = db.rows("SELECT count(*) AS n FROM linked WHERE counted_at IS NOT NULL")[0]["n"]
    table = db.arrow(
        """
        SELECT word,
               coalesce(sum(times) FILTER (kind = 'stem'), 0)::BIGINT AS stem,
               coalesce(sum(times) FILTER (kind = 'capital'), 0)::BIGINT AS capital,
               coalesce(sum(times) FILTER (kind = 'plain'), 0)::BIGINT AS plain
        FROM word_counts GROUP BY word
        """
    )
    rows = list(zip(*(table.column(name).to_pylist() for name in ("word", "stem", "capital", "plain")), strict=True))
    return WordCounts(
        documents=documents,
        stems={word: stem for word, stem, _, _ in rows if stem},
        written={word: (capital, plain) for word, _, capital, plain in rows if capital or plain},
    )


def stem_counts(db: Database, stems: Collection[str]) -> WordCounts:
    """Return how many articles of earlier nights hold each of these stems."""
    documents = db.rows("SELECT count(*) AS n FROM linked WHERE counted_at IS NOT NULL")[0]["n"]
    with db.given_ids(sorted(stems)):
        rows = db.rows("SELECT word, times FROM word_counts SEMI JOIN given_ids ON id = word WHERE kind = 'stem'")
    return WordCounts(documents=documents, stems={row["word"]: row["times"] for row in rows})


def articles_to_count(db: Database, article_ids: Sequence[str]) -> list[str]:
    """Return those of these articles that have been linked and whose words have not been counted, ordered by id."""
    with db.given_ids(article_ids):
        rows = db.rows(
            "SELECT article_id FROM linked "
            "WHERE counted_at IS NULL AND article_id IN (SELECT id FROM given_ids) ORDER BY article_id"
        )
    return [row["article_id"] for row in rows]


def add_word_counts(db: Database, run: Run, article_ids: Sequence[str], counts: WordCounts) -> None:
    """Add the words of these articles to the stored counts; each article is counted once."""
    times = [
        *((stem, "stem", n) for stem, n in counts.stems.items()),
        *((word, "capital", n) for word, (n, _) in counts.written.items() if n),
        *((word, "plain", n) for word, (_, n) in counts.written.items() if n),
    ]
    given = pa.table(
        {
            "word": pa.array([word for word, _, _ in times], pa.string()),
            "kind": pa.array([kind for _, kind, _ in times], pa.string()),
            "times": pa.array([n for _, _, n in times], pa.int64()),
        }
    )
    with db.transaction(), db.given_ids(article_ids), db.given("given_counts", given):
        db.execute(
            "INSERT INTO word_counts SELECT word, kind, times, $1 FROM given_counts "
            "ON CONFLICT DO UPDATE SET times = word_counts.times + excluded.times, run_id = excluded.run_id",
            [run.id],
        )
        db.execute("UPDATE linked SET counted_at = $1 WHERE article_id IN (SELECT id FROM given_ids)", [run.night_at])


def links_among(db: Database, article_ids: Sequence[str]) -> list[Link]:
    """Return the stored links both of whose articles are given, ordered by their ids."""
    with db.given_ids(article_ids):
        table = db.arrow(
            "SELECT article_a, article_b, probability FROM links "
            "WHERE article_a IN (SELECT id FROM given_ids) AND article_b IN (SELECT id FROM given_ids) "
            "ORDER BY article_a, article_b"
        )
    columns = (table.column(name).to_pylist() for name in ("article_a", "article_b", "probability"))
    return [Link(article_a=a, article_b=b, probability=p) for a, b, p in zip(*columns, strict=True)]


def known_stories(db: Database, regrouped: Sequence[str]) -> list[Known]:
    """Return the stories that have one of these articles, each with all its members.

    The archive's other stories are settled: nothing can happen to them tonight.
    """
    with db.given_ids(regrouped):
        return [
            Known(id=row["story_id"], born_at=row["born_at"], members=frozenset(row["members"]))
            for row in db.rows(
                """
                SELECT story_id, stories.born_at, list(article_id ORDER BY article_id) AS members
                FROM stories JOIN story_articles USING (story_id)
                WHERE left_at IS NULL
                  AND story_id IN (
                      SELECT story_id FROM story_articles
                      WHERE left_at IS NULL AND article_id IN (SELECT id FROM given_ids))
                GROUP BY ALL
                ORDER BY story_id
                """
            )
        ]


def copies_in_stories(db: Database) -> list[str]:
    """Return the ids of members that have been found to be copies since they joined their story."""
    rows = db.rows(
        "SELECT article_id FROM story_articles SEMI JOIN duplicates USING (article_id) "
        "WHERE left_at IS NULL ORDER BY article_id"
    )
    return [row["article_id"] for row in rows]


def known_topics(db: Database) -> list[Known]:
    """Return every topic that has stories, with its members."""
    rows = db.rows(
        "SELECT topic_id, topics.born_at, list(story_id ORDER BY story_id) AS members "
        "FROM topics JOIN topic_stories USING (topic_id) WHERE left_at IS NULL GROUP BY ALL ORDER BY topic_id"
    )
    return [Known(id=row["topic_id"], born_at=row["born_at"], members=frozenset(row["members"])) for row in rows]


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


def story_ids(db: Database) -> list[str]:
    """Return the ids of all stories ever minted."""
    return [row["story_id"] for row in db.rows("SELECT story_id FROM stories")]


def topic_ids(db: Database) -> list[str]:
    """Return the ids of all topics ever minted."""
    return [row["topic_id"] for row in db.rows("SELECT topic_id FROM topics")]


def is_up_to_date(db: Database, run: Run, step: str, *, after: Sequence[str], settings: Sequence[str]) -> bool:
    """Tell whether a step has come to its end since anything it depends on was last written.

    It depends on the tables `after`, by the runs that wrote their rows, and on the named sections of the settings.
    A run that was killed between writing and the step leaves the step out of date.
    """
    last = db.rows(
        "SELECT runs.run_id, runs.started_at FROM steps JOIN runs USING (run_id) "
        "WHERE step = $1 AND steps.error IS NULL ORDER BY runs.started_at DESC LIMIT 1",
        [step],
    )
    if not last:
        return False
    for table in after:
        newer = db.rows(
            f"SELECT 1 FROM {table} JOIN runs USING (run_id) WHERE runs.started_at > $1 LIMIT 1",  # noqa: S608
            [last[0]["started_at"]],
        )
        if newer:
            return False
    chosen = {
        row["run_id"]: json.loads(row["settings"])
        for row in db.rows("SELECT run_id, settings FROM runs WHERE run_id IN ($1, $2)", [run.id, last[0]["run_id"]])
    }
    then, now = chosen[last[0]["run_id"]], chosen[run.id]
    return all(then.get(section) == now.get(section) for section in settings)


def close_stories(db: Database, run: Run, *, living_since: datetime) -> int:
    """Close the stories whose last article is older than `living_since`; return how many."""
    nothing = Ledger(members={}, merged={}, events=())
    return save_stories(db, run, nothing, headlines={}, living_since=living_since)


def save_stories(
    db: Database, run: Run, ledger: Ledger, *, headlines: Mapping[str, Headlines], living_since: datetime
) -> int:
    """Store tonight's ledger and close the stories whose last article is older than `living_since`.

    `headlines` names every story of the ledger that still has articles, and may name others: a story whose name
    alone differs from the stored one is renamed. Return how many stories were closed.
    """
    with db.given_ids(list(headlines)):
        before = {
            row["story_id"]: row for row in db.rows("FROM stories WHERE story_id IN (SELECT id FROM given_ids)")
        }
    with db.transaction():
        _save_members(db, run, ledger.members)
        _save_story_rows(db, run, ledger, headlines)
        _save_events(db, run, ledger.events, headlines)
        _save_turns(db, run, before, ledger, headlines)
        closed = db.rows(
            """
            UPDATE stories SET state = 'closed'
            WHERE state = 'living' AND (
                last_at < $1
                OR story_id NOT IN (SELECT story_id FROM story_articles WHERE left_at IS NULL))
            RETURNING story_id
            """,
            [living_since],
        )
        with db.given_ids([row["story_id"] for row in closed]):
            left = db.rows(
                """
                SELECT id AS story_id, stories.headline, count(article_id) AS articles
                FROM given_ids
                JOIN stories ON stories.story_id = id
                LEFT JOIN story_articles ON story_articles.story_id = id AND left_at IS NULL
                GROUP BY ALL
                """
            )
        db.save(
            "story_events",
            [
                {
                    "story_id": row["story_id"],
                    "event": "closed",
                    "happened_at": run.night_at,
                    "articles": row["articles"],
                    "other_story_id": "",
                    "article_ids": [],
                    "headline": row["headline"],
                    "reason": "no article within the window"
                    if row["articles"]
                    else "its articles are copies of others",
                    "run_id": run.id,
                }
                for row in left
            ],
            on_conflict="ON CONFLICT DO NOTHING",
        )
    return len(closed)


def save_topics(db: Database, run: Run, topics: Sequence[TopicRow]) -> None:
    """Make the given topics the living ones, with their stories; the others rest, with what they held."""
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
                    "seen_at": run.night_at,
                    "run_id": run.id,
                }
                for topic in topics
            ],
            on_conflict="ON CONFLICT DO UPDATE SET label = excluded.label, words_en = excluded.words_en, "
            "words_fr = excluded.words_fr, headline = excluded.headline, living = true, seen_at = excluded.seen_at",
        )
        placed = pa.table(
            {
                "topic_id": pa.array([t.id for t in topics for _ in t.strengths], pa.string()),
                "story_id": pa.array([s for t in topics for s in t.strengths], pa.string()),
                "strength": pa.array([v for t in topics for v in t.strengths.values()], pa.float64()),
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
                "UPDATE topic_stories SET strength = placed.strength FROM placed WHERE left_at IS NULL "
                "AND topic_stories.topic_id = placed.topic_id AND topic_stories.story_id = placed.story_id"
            )
            db.execute(
                """
                INSERT INTO topic_stories
                SELECT topic_id, story_id, strength, $1, NULL, $2
                FROM placed
                WHERE (topic_id, story_id) NOT IN
                      (SELECT (topic_id, story_id) FROM topic_stories WHERE left_at IS NULL)
                ON CONFLICT DO UPDATE SET left_at = NULL, strength = excluded.strength
                """,
                [run.night_at, run.id],
            )


def _save_members(db: Database, run: Run, members: Mapping[str, frozenset[str]]) -> None:
    present = pa.table(
        {
            "story_id": pa.array([story for story, told in members.items() for _ in told], pa.string()),
            "article_id": pa.array([article for told in members.values() for article in sorted(told)], pa.string()),
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


def _save_story_rows(db: Database, run: Run, ledger: Ledger, headlines: Mapping[str, Headlines]) -> None:
    rows = [
        {
            "story_id": story_id,
            "headline": headlines[story_id].headline,
            "headline_en": headlines[story_id].en,
            "headline_fr": headlines[story_id].fr,
            "state": "living",
            "merged_into": None,
            "born_at": run.night_at,
            "first_at": run.night_at,  # set from the members below
            "last_at": run.night_at,
            "run_id": run.id,
        }
        for story_id in ledger.members
        if story_id in headlines
    ]
    db.save(
        "stories",
        rows,
        on_conflict="ON CONFLICT DO UPDATE SET headline = excluded.headline, headline_en = excluded.headline_en, "
        "headline_fr = excluded.headline_fr, state = 'living', merged_into = NULL",
    )
    with db.given_ids([str(row["story_id"]) for row in rows]):
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
    for story_id, heir in ledger.merged.items():
        db.execute("UPDATE stories SET state = 'merged', merged_into = $1 WHERE story_id = $2", [heir, story_id])


def _save_turns(
    db: Database,
    run: Run,
    before: Mapping[str, Mapping[str, Any]],
    ledger: Ledger,
    headlines: Mapping[str, Headlines],
) -> None:
    """Store the stories that were closed and live again, and those whose name alone changed."""
    events, renamed = [], []
    sizes = {
        row["story_id"]: row["n"]
        for row in db.rows(
            "SELECT story_id, count(*) AS n FROM story_articles WHERE left_at IS NULL GROUP BY story_id"
        )
    }
    for story_id, row in before.items():
        if story_id in ledger.members and row["state"] == "closed":
            events.append((story_id, StoryEvent.REOPENED, "an article within the window joined it"))
        if story_id not in ledger.members and row["headline"] != headlines[story_id].headline:
            events.append((story_id, StoryEvent.RENAMED, f"was {row['headline']!r}"))
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
            Event(story_id=story_id, event=event, articles=sizes.get(story_id, 0), moved=(), reason=reason)
            for story_id, event, reason in events
        ],
        headlines,
    )


def _save_events(db: Database, run: Run, events: Sequence[Event], headlines: Mapping[str, Headlines]) -> None:
    with db.given_ids([event.story_id for event in events]):
        stored = {
            row["story_id"]: row["headline"]
            for row in db.rows("SELECT story_id, headline FROM stories WHERE story_id IN (SELECT id FROM given_ids)")
        }
    db.save(
        "story_events",
        [
            {
                "story_id": event.story_id,
                "event": event.event.value,
                "happened_at": run.night_at,
                "articles": event.articles,
                "other_story_id": event.other_story_id,
                "article_ids": list(event.moved),
                "headline": headlines[event.story_id].headline
                if event.story_id in headlines
                else stored[event.story_id],
                "reason": event.reason,
                "run_id": run.id,
            }
            for event in events
        ],
        on_conflict="ON CONFLICT DO UPDATE SET articles = excluded.articles, article_ids = excluded.article_ids, "
        "reason = excluded.reason, headline = excluded.headline, run_id = excluded.run_id",
    )
