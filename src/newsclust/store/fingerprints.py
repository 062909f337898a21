"""Keys by which duplicates are found, the outlets' boilerplate, duplicates and their overrides."""

from collections.abc import Collection, Sequence
from datetime import timedelta

import pyarrow as pa

from newsclust.model import Duplicate, EdgeBlock, Fingerprint, Run
from newsclust.store.database import Database
from newsclust.store.records import row_of

# Of the originals that share one key so many are proposed, and of those so many are compared with one article: what
# 100,000 articles of one site repeat must not be compared 100,000 times. With 100,000 originals in one frame (mutual
# Jaccard .46 to .73) and 1,499 planted near duplicates none was lost by them; ranked by the plain number of shared
# keys up to one in five was (docs/benchmarks.md).
MAX_PROPOSED_PER_KEY, MAX_CANDIDATES = 64, 16
FORGET_AFTER = timedelta(days=180)  # what has not become boilerplate by then never will

# A key counts for less the more originals have it. The stored keys are scanned, and only those that match are kept:
# no index is built, loaded or held in memory. What 100,000 articles of one site repeat makes millions of matches:
# they are counted as they come, and made distinct only where a duplicate and its original may stand for one original.
_CANDIDATES = """
WITH fresh_keys AS (
    SELECT article_id, unnest(keys) AS key FROM fresh
), decided AS (
    SELECT article_id, original_id FROM duplicates ANTI JOIN fresh USING (article_id)
), archive AS (
    SELECT coalesce(original_id, article_id) AS other, keys,
           coalesce(original_id, article_id) IN (SELECT original_id FROM decided) AS has_duplicates
    FROM fingerprints
    ANTI JOIN fresh USING (article_id)
    LEFT JOIN decided USING (article_id)
), holders AS (
    SELECT key, other FROM (SELECT other, unnest(keys) AS key FROM archive WHERE NOT has_duplicates)
    SEMI JOIN fresh_keys USING (key)
    UNION ALL
    FROM (
        SELECT key, other FROM (SELECT other, unnest(keys) AS key FROM archive WHERE has_duplicates)
        SEMI JOIN fresh_keys USING (key)
        UNION
        SELECT key, article_id FROM fresh_keys
    )
), by_key AS (
    SELECT key, 1_000_000 // count(*) AS weight, min(other, $1::INTEGER) AS others
    FROM holders
    GROUP BY key
), nearest AS (
    SELECT article_id, other
    FROM fresh_keys
    JOIN (SELECT key, weight, unnest(others) AS other FROM by_key) USING (key)
    WHERE article_id <> other
    GROUP BY article_id, other
    QUALIFY row_number() OVER (PARTITION BY article_id ORDER BY sum(weight) DESC, other) <= $2
)
SELECT DISTINCT least(article_id, other) AS a, greatest(article_id, other) AS b FROM nearest ORDER BY a, b
"""


def articles_to_compare(db: Database) -> list[str]:
    """Return the ids of the articles whose present text has not been compared with the archive."""
    return db.column("SELECT article_id FROM todo_fingerprints")


def articles_with_outdated_keys(db: Database, method: str) -> list[str]:
    """Return the ids of the articles whose keys another method made: what was decided on them stands."""
    return db.column(
        "SELECT article_id FROM fingerprints ANTI JOIN (FROM articles WHERE text_dropped_at IS NOT NULL) "
        "USING (article_id) WHERE method IS DISTINCT FROM $1 ORDER BY article_id",
        [method],
    )


def save_keys(db: Database, run: Run, fingerprints: Sequence[Fingerprint], method: str) -> None:
    """Replace the keys of stored fingerprints; what was compared stays compared."""
    with db.transaction(), db.given("given_fingerprints", _table_of(fingerprints)):
        db.execute(
            "UPDATE fingerprints SET keys = given_fingerprints.keys, method = $1, run_id = $2 "
            "FROM given_fingerprints WHERE fingerprints.article_id = given_fingerprints.article_id",
            [method, run.id],
        )


def candidate_pairs(db: Database, fingerprints: Sequence[Fingerprint]) -> list[tuple[str, str]]:
    """Return (fresh id, other id) for each fresh article and each original that shares a key with it.

    The other may be stored or fresh itself; where a stored duplicate shares a key, its original is proposed. At most
    HOLDERS originals of one key, at most CANDIDATES of one article, those that share most and rarest keys first.
    """
    with db.given("fresh", _table_of(fingerprints)):
        pairs = db.tuples(_CANDIDATES, [MAX_PROPOSED_PER_KEY, MAX_CANDIDATES])
    ids = {f.article_id for f in fingerprints}
    return [(a, b) if a in ids else (b, a) for a, b in pairs]


def originals_of(db: Database, article_ids: Sequence[str]) -> dict[str, str]:
    """Return duplicate -> original for the duplicates among these articles, and one duplicate of each that has some.

    One is enough to recognise an original; the most copied text has thousands.
    """
    with db.given_ids(article_ids):
        pairs = db.tuples(
            """
            SELECT article_id, original_id FROM duplicates SEMI JOIN given_ids ON id = article_id
            UNION
            SELECT min(article_id), original_id FROM duplicates SEMI JOIN given_ids ON id = original_id
            GROUP BY original_id
            """
        )
    return dict(pairs)


def learn_boilerplate(
    db: Database, run: Run, blocks: Sequence[EdgeBlock], *, min_contexts: int, lookup: Sequence[EdgeBlock] = ()
) -> frozenset[int]:
    """Store the edge blocks of texts, and return the keys among them and `lookup` that are boilerplate.

    Boilerplate are the keys seen in `min_contexts` different contexts; `lookup` is looked up and not stored. Storing
    a block twice changes nothing. The stored blocks are scanned once, however many are looked up.
    """
    asked = pa.table({"key": pa.array(sorted({block.key for block in (*blocks, *lookup)}), pa.uint64())})
    given = pa.table(
        {
            "key": pa.array([block.key for block in blocks], pa.uint64()),
            "context": pa.array([block.context for block in blocks], pa.uint64()),
        }
    )
    with db.given("asked_keys", asked):
        known = db.arrow("SELECT key, context FROM boilerplate_blocks SEMI JOIN asked_keys USING (key)")
    with db.given("known_blocks", known), db.given("given_blocks", given):
        new = db.arrow("SELECT DISTINCT key, context FROM given_blocks ANTI JOIN known_blocks USING (key, context)")
    with db.given("known_blocks", known), db.given("new_blocks", new):
        db.execute(
            "INSERT INTO boilerplate_blocks SELECT key, context, $1, $2 FROM new_blocks", [run.night_at, run.id]
        )
        boilerplate = db.column(
            "SELECT key FROM (SELECT key FROM known_blocks UNION ALL SELECT key FROM new_blocks) "
            "GROUP BY key HAVING count(*) >= $1",
            [min_contexts],
        )
    return frozenset(boilerplate)


def forget_boilerplate(db: Database, run: Run, *, min_contexts: int) -> None:
    """Delete blocks last seen long ago in fewer different contexts than make boilerplate.

    An old block is boilerplate, or is deleted tonight, or was seen again: the table stays small.
    """
    db.execute(
        """
        DELETE FROM boilerplate_blocks WHERE first_seen_at < $1 AND key IN (
            SELECT key
            FROM (SELECT key FROM boilerplate_blocks WHERE first_seen_at < $1 GROUP BY key HAVING count(*) < $2)
            ANTI JOIN (SELECT key FROM boilerplate_blocks WHERE first_seen_at >= $1) USING (key)
        )
        """,
        [run.night_at - FORGET_AFTER, min_contexts],
    )


def sync_duplicate_overrides(db: Database, run: Run, overrides: Collection[str]) -> None:
    """Replace the stored duplicate overrides (ids of articles that people declared to be originals) by these.

    A new one is no duplicate any more from now on; one that was taken back is to be compared again.
    """
    stored = set(db.column("SELECT article_id FROM duplicate_overrides"))
    added, taken_back = sorted(set(overrides) - stored), sorted(stored - set(overrides))
    if not added and not taken_back:
        return
    with db.transaction():
        with db.given_ids(added):
            db.execute("DELETE FROM duplicates WHERE article_id IN (SELECT id FROM given_ids)")
        with db.given_ids(taken_back):
            db.execute("DELETE FROM duplicate_overrides WHERE article_id IN (SELECT id FROM given_ids)")
            db.execute("UPDATE articles SET deduplicated_at = NULL WHERE article_id IN (SELECT id FROM given_ids)")
        db.save("duplicate_overrides", [{"article_id": article_id, "run_id": run.id} for article_id in added])


def save_duplicates(
    db: Database, run: Run, fingerprints: Sequence[Fingerprint], duplicates: Sequence[Duplicate], *, method: str
) -> None:
    """Store fingerprints, the method of their keys, the duplicates found, and that they were compared.

    A duplicate whose text changed so that it is none any more is deleted; one found before keeps its original.
    """
    found = {duplicate.article_id for duplicate in duplicates}
    table = _table_of(fingerprints)
    for name, value in (("method", method), ("run_id", run.id)):
        table = table.append_column(name, pa.repeat(value, len(table)))
    rows = [row_of(duplicate) | {"found_at": run.night_at, "run_id": run.id} for duplicate in duplicates]
    with db.transaction():
        db.upsert("fingerprints", table, key=["article_id"])
        with db.given("compared", table):
            db.execute(
                "UPDATE articles SET deduplicated_at = $1 WHERE article_id IN (SELECT article_id FROM compared)",
                [run.night_at],
            )
        with db.given_ids([f.article_id for f in fingerprints if f.article_id not in found]):
            db.execute("DELETE FROM duplicates WHERE article_id IN (SELECT id FROM given_ids)")
        db.upsert("duplicates", rows, key=["article_id"], keep=["found_at", "run_id"])


def _table_of(fingerprints: Sequence[Fingerprint]) -> pa.Table:
    return pa.table(
        {
            "article_id": pa.array([f.article_id for f in fingerprints], pa.string()),
            "text_hash": pa.array([f.text_hash for f in fingerprints], pa.string()),
            "shingles": pa.array([f.shingles for f in fingerprints], pa.int32()),
            "keys": pa.array([f.keys for f in fingerprints], pa.list_(pa.uint64())),
        }
    )
