"""Links between articles, and which articles have been linked."""

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from newsclust.model import Link, Run
from newsclust.store.database import Database


def articles_in_window(db: Database, *, since: datetime, until: datetime) -> list[str]:
    """Return the ids of the originals published or first seen in the window, ordered by id."""
    return db.column(
        """
        SELECT article_id FROM articles
        ANTI JOIN duplicates USING (article_id)
        WHERE greatest(published_at, first_seen_at) >= $1 AND first_seen_at <= $2
        ORDER BY article_id
        """,
        [since, until],
    )


def articles_to_link(db: Database, article_ids: Sequence[str], *, model: str, linker: str) -> list[str]:
    """Return those of these articles that this linker has not scored in their present state, ordered by id."""
    with db.given_ids(article_ids):
        return db.column(
            """
            SELECT embeddings.article_id
            FROM embeddings
            LEFT JOIN link_progress ON link_progress.article_id = embeddings.article_id
                AND link_progress.model = $1 AND link_progress.linker = $2
            WHERE embeddings.model = $1 AND embeddings.article_id IN (SELECT id FROM given_ids)
              AND (link_progress.embedded_at IS NULL OR link_progress.embedded_at < embeddings.embedded_at)
            ORDER BY embeddings.article_id
            """,
            [model, linker],
        )


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

    A pair that still has the same probability keeps its row, and the night that first computed it.
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
        # Only new links' evidence is passed to DuckDB: that of half a million links took two seconds.
        evidence_maps = [list(links[position].evidence.items()) for position in positions]
        evidence = fresh.append_column("evidence", pa.array(evidence_maps, pa.map_(pa.string(), pa.float64())))
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
            INSERT INTO link_progress (article_id, model, linker, embedded_at, run_id)
            SELECT article_id, model, $1, embedded_at, $2
            FROM embeddings
            WHERE model = $3 AND article_id IN (SELECT id FROM fresh_ids)
            ON CONFLICT DO UPDATE SET model = excluded.model, linker = excluded.linker,
                embedded_at = excluded.embedded_at, run_id = excluded.run_id
            """,
            [linker, run.id, model],
        )
    return len(positions)


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
