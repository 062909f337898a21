"""Articles, their versions and vectors."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from newsclust.model import Article, DateQuality, Extraction, RequestKind, Run, Source
from newsclust.store.database import Database, Row
from newsclust.store.fetches import stored_pages
from newsclust.text.diff import Revision, unified_diff
from newsclust.urls import host, registered_domain

# An article seen in several feeds is described by the sighting that carries most text, and dated by the earliest of
# the best dates. A feed of its own site goes before the others: any feed may link to any article, in its own words.
_SOURCES = """
WITH todo AS (
    SELECT todo_extract.article_id, todo_extract.changed_at
    FROM todo_extract
    WHERE todo_extract.article_id IN (SELECT id FROM given_ids)
), sightings AS (
    SELECT entries.*, feeds.title AS feed_title, feeds.language AS feed_language,
           row_number() OVER (
               PARTITION BY entries.article_id
               ORDER BY given_own.entry_id IS NULL,
                        coalesce(length(entries.content), 0) + coalesce(length(entries.summary), 0) DESC,
                        entries.first_seen_at, entries.entry_id
           ) AS rank,
           min(entries.first_seen_at) OVER (PARTITION BY entries.article_id) AS article_first_seen_at,
           first_value({'at': entries.published_at, 'quality': entries.date_quality}) OVER (
               PARTITION BY entries.article_id
               ORDER BY entries.date_quality IN ('missing', 'future'), given_own.entry_id IS NULL,
                        list_position(['given', 'guessed', 'missing', 'future'], entries.date_quality),
                        entries.published_at, entries.entry_id
           ) AS dated
    FROM entries
    ANTI JOIN held_entries ON held_entries.entry_id = entries.entry_id
    JOIN todo ON todo.article_id = entries.article_id
    JOIN feeds ON feeds.feed_id = entries.feed_id
    LEFT JOIN given_own ON given_own.entry_id = entries.entry_id
)
SELECT sightings.*, todo.changed_at AS newest_at, pages.item_id IS NOT NULL AS has_page
FROM sightings
JOIN todo ON todo.article_id = sightings.article_id
LEFT JOIN pages ON pages.kind = 'page' AND pages.item_id = sightings.article_id
WHERE sightings.rank = 1
ORDER BY sightings.article_id
"""
_SHARED = """
SELECT entries.entry_id, entries.url, feeds.url AS feed_url, feeds.site_url
FROM entries
SEMI JOIN given_ids ON given_ids.id = entries.article_id
JOIN feeds ON feeds.feed_id = entries.feed_id
QUALIFY min(entries.feed_id) OVER (PARTITION BY entries.article_id)
     <> max(entries.feed_id) OVER (PARTITION BY entries.article_id)
"""

# A list of constants is looked up in the primary key's index. A join, or a list of over 2,048, makes DuckDB 1.5 read
# every text there is: of a million articles 4.8 GB, for a thousand of them. Written out, not bound: binding one
# costs .2 ms, because DuckDB looks each time whether pandas is installed.
_IDS_AT_ONCE = 500
_PRIORITIES = """
SELECT entries.article_id, max(feeds.priority) AS priority
FROM entries
SEMI JOIN given_ids ON given_ids.id = entries.article_id
JOIN feeds USING (feed_id)
GROUP BY entries.article_id
HAVING max(feeds.priority) <> 0
"""


def articles_to_extract(db: Database) -> list[str]:
    """Return the ids of the articles whose text is to be taken."""
    return [row["article_id"] for row in db.rows("FROM todo_extract")]


def sources_of(db: Database, article_ids: Sequence[str]) -> list[Source]:
    """Return what is known of these articles that are still to extract, pages included: ask in batches."""
    with db.given_ids(article_ids):
        rows = _described(db)
    pages = dict(stored_pages(db, RequestKind.PAGE, [row["article_id"] for row in rows if row["has_page"]]))
    return [
        Source(
            article_id=row["article_id"],
            url=row["url"],
            title=row["title"],
            summary=row["summary"],
            content=row["content"],
            language=row["language"],
            feed_title=row["feed_title"],
            page=pages.get(row["article_id"]),
        )
        for row in rows
    ]


def _described(db: Database) -> Sequence[Row]:
    """Return what the entries say of each of `given_ids` that is still to extract."""
    own: list[str] = [
        row["entry_id"]
        for row in db.rows(_SHARED)
        if registered_domain(row["url"]) in {_site(row["feed_url"]), _site(row["site_url"])}
    ]
    with db.given("given_own", pa.table({"entry_id": pa.array(own, pa.string())})):
        return db.rows(_SOURCES)


def _site(url: str | None) -> str | None:
    """The registered domain of a feed's address as a person wrote it, None when it has none."""
    try:
        return registered_domain(url or "")
    except ValueError:
        return None


def save_extractions(db: Database, run: Run, article_ids: Sequence[str], taken: Sequence[Extraction]) -> int:
    """Store texts, keep the state each replaces, and mark all of `article_ids` as read; return how many texts.

    A state is kept as a version when title or text differ and both came from the same kind of source: a page
    that was reached on the second night is no edit.
    """
    if not article_ids:
        return 0
    with db.given_ids(article_ids):
        seen = {row["article_id"]: row for row in _described(db)}
        before = {
            row["article_id"]: row for row in db.rows("FROM articles WHERE article_id IN (SELECT id FROM given_ids)")
        }
        versions: dict[str, int] = {
            row["article_id"]: row["n"]
            for row in db.rows(
                "SELECT article_id, max(version) AS n FROM article_versions "
                "WHERE article_id IN (SELECT id FROM given_ids) GROUP BY article_id"
            )
        }
    articles, replaced = [], []
    for extraction in taken:
        row, old = seen[extraction.article_id], before.get(extraction.article_id)
        changed = old is None or (old["title"], old["text"]) != (extraction.title, extraction.text)
        dated = _dated(row, extraction, old)
        articles.append(
            {
                "article_id": extraction.article_id,
                "url": row["url"],
                "canonical_url": extraction.canonical_url,
                "title": extraction.title,
                "text": extraction.text,
                "language": extraction.language,
                "language_source": extraction.language_source,
                "author": extraction.author or row["author"],
                "outlet": host(row["url"]),
                **dated,
                "updated_at": row["updated_at"] or extraction.updated_at,
                "text_source": extraction.text_source.value,
                "text_choice": extraction.text_choice,
                "cut": extraction.cut,
                "words": len(extraction.text.split()),
                "first_seen_at": row["article_first_seen_at"],
                "changed_at": run.night_at if old is None or changed else old["changed_at"],
                "compared_at": None if old is None or changed else old["compared_at"],
                "extracted_at": run.night_at,
                "run_id": run.id if old is None else old["run_id"],
            }
        )
        if old is not None and changed and old["text_source"] == extraction.text_source.value:
            replaced.append(
                {
                    "article_id": extraction.article_id,
                    "version": versions.get(extraction.article_id, 0) + 1,
                    "title": old["title"],
                    "text": old["text"],
                    "text_source": old["text_source"],
                    "diff": unified_diff(
                        Revision(title=old["title"], text=old["text"]),
                        Revision(title=extraction.title, text=extraction.text),
                    ),
                    "seen_at": old["changed_at"],
                    "replaced_at": run.night_at,
                    "run_id": run.id,
                }
            )
    readings = [
        {
            "kind": RequestKind.PAGE.value,
            "item_id": article_id,
            "fetched_at": row["newest_at"],
            "warnings": [],
            "run_id": run.id,
        }
        for article_id, row in seen.items()
    ]
    with db.transaction():
        db.save("article_versions", replaced)
        db.save("articles", articles, on_conflict=_replace_all("articles", db))
        db.save("readings", readings, on_conflict=_replace_all("readings", db))
    return len(articles)


def _dated(row: Row, extraction: Extraction, old: Row | None) -> dict[str, Any]:
    """Return an article's date, its quality and its source: the feed's, else the page's, else the first sight.

    A page that gave the date once and is not read any more still stands for it.
    """
    at, quality, source = row["dated"]["at"].replace(tzinfo=UTC), row["dated"]["quality"], "feed"
    if quality == DateQuality.FUTURE:
        source = "first_seen"
    elif quality == DateQuality.MISSING:
        source = "first_seen"
        if extraction.published_at is not None:
            at, quality, source = extraction.published_at, extraction.date_quality.value, "page"
        elif old is not None and old["date_source"] == "page":
            at, quality, source = old["published_at"], old["date_quality"], "page"
    return {"published_at": at, "date_quality": quality, "date_source": source}


def articles(db: Database, article_ids: Sequence[str]) -> list[Article]:
    """Return these articles, ordered by id."""
    with db.given_ids(article_ids):
        priorities = {row["article_id"]: row["priority"] for row in db.rows(_PRIORITIES)}
    wanted = sorted(set(article_ids))
    rows = []
    for start in range(0, len(wanted), _IDS_AT_ONCE):
        some = wanted[start : start + _IDS_AT_ONCE]
        constants = ", ".join("'" + article_id.replace("'", "''") + "'" for article_id in some)
        rows += db.rows(f"FROM articles WHERE article_id IN ({constants}) ORDER BY article_id")
    return [
        Article(
            id=row["article_id"],
            url=row["url"],
            canonical_url=row["canonical_url"],
            title=row["title"],
            text=row["text"],
            language=row["language"],
            outlet=row["outlet"],
            published_at=row["published_at"],
            date_quality=DateQuality(row["date_quality"]),
            first_seen_at=row["first_seen_at"],
            priority=priorities.get(row["article_id"], 0),
        )
        for row in rows
    ]


def articles_to_embed(db: Database, model: str) -> list[str]:
    """Return the ids of the originals that have no vector of this model for their present text."""
    return [row["article_id"] for row in db.rows("FROM todo_embeddings($1)", [model])]


def titles_and_texts(db: Database, article_ids: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return (id, title, text) of these articles, ordered by id."""
    with db.given_ids(article_ids):
        rows = db.rows(
            "SELECT article_id, title, text FROM articles "
            "WHERE article_id IN (SELECT id FROM given_ids) ORDER BY article_id"
        )
    return [(row["article_id"], row["title"], row["text"]) for row in rows]


def save_embeddings(
    db: Database,
    run: Run,
    model: str,
    article_ids: Sequence[str],
    vectors: NDArray[np.float32],
    title_vectors: NDArray[np.float32],
) -> None:
    """Store the vectors of this model for each article; both matrices have shape (articles, dimensions)."""

    def lists(matrix: NDArray[np.float32]) -> pa.ListArray:
        ends = pa.array(np.arange(len(matrix) + 1, dtype=np.int32) * matrix.shape[1])
        return pa.ListArray.from_arrays(ends, pa.array(matrix.ravel()))

    given = pa.table(
        {
            "article_id": pa.array(article_ids, pa.string()),
            "vector": lists(vectors),
            "title_vector": lists(title_vectors),
        }
    )
    with db.given("given_vectors", given):
        db.execute(
            "INSERT INTO embeddings (article_id, model, vector, title_vector, embedded_at, run_id) "
            "SELECT article_id, $1, vector, title_vector, $2, $3 FROM given_vectors "
            "ON CONFLICT DO UPDATE SET vector = excluded.vector, title_vector = excluded.title_vector, "
            "embedded_at = excluded.embedded_at, run_id = excluded.run_id",
            [model, run.night_at, run.id],
        )


def vectors_of(db: Database, model: str, article_ids: Sequence[str]) -> tuple[list[str], NDArray[np.float32]]:
    """Return (ids, vectors) of those of these articles that have one, ordered by id; shape (ids, dimensions)."""
    ids, (vectors,) = _matrices(db, model, article_ids, ["vector"])
    return ids, vectors


def both_vectors_of(
    db: Database, model: str, article_ids: Sequence[str]
) -> tuple[list[str], NDArray[np.float32], NDArray[np.float32]]:
    """Return (ids, vectors, title vectors) of those of these articles that have both, ordered by id."""
    ids, (vectors, title_vectors) = _matrices(db, model, article_ids, ["vector", "title_vector"])
    return ids, vectors, title_vectors


def _matrices(
    db: Database, model: str, article_ids: Sequence[str], columns: Sequence[str]
) -> tuple[list[str], list[NDArray[np.float32]]]:
    with db.given_ids(article_ids):
        table = db.arrow(
            f"SELECT article_id, {', '.join(columns)} FROM embeddings "  # noqa: S608
            f"WHERE model = $1 AND {columns[-1]} IS NOT NULL AND article_id IN (SELECT id FROM given_ids) "
            "ORDER BY article_id",
            [model],
        )
    if not table.num_rows:
        return [], [np.zeros((0, 0), np.float32) for _ in columns]
    flat = (table.column(name).combine_chunks().flatten().to_numpy() for name in columns)
    return table.column("article_id").to_pylist(), [column.reshape(table.num_rows, -1) for column in flat]


def _replace_all(table: str, db: Database) -> str:
    """Return the ON CONFLICT clause that replaces every column by the given row's."""
    columns = db.arrow(f"SELECT * FROM {table} LIMIT 0").schema.names  # noqa: S608
    return "ON CONFLICT DO UPDATE SET " + ", ".join(f"{c} = excluded.{c}" for c in columns if c not in _KEYS[table])


_KEYS = {"articles": ("article_id",), "readings": ("kind", "item_id")}
