"""Articles, their versions and vectors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from newsclust.extract.article_state import (
    ArticleDate,
    DateSource,
    Sighting,
    StoredArticle,
    article_date,
    first_seen_at,
    is_changed,
    makes_version,
    representative_sighting,
)
from newsclust.model import Article, ArticleInput, DateQuality, Extraction, RequestKind, Run, TextSource
from newsclust.store.database import Database, Row
from newsclust.store.fetches import stored_pages
from newsclust.text.diff import Revision, unified_diff
from newsclust.urls import host

# What decides of each sighting but its length: no text is read for it.
_SIGHTINGS = """
SELECT entries.article_id, entries.entry_id, entries.feed_id, entries.url, feeds.url AS feed_url, feeds.site_url,
       entries.first_seen_at, entries.published_at, entries.date_quality, todo.changed_at AS newest_at,
       feeds.title AS feed_title, pages.item_id IS NOT NULL AS has_page
FROM entries
ANTI JOIN quarantined_entries ON quarantined_entries.entry_id = entries.entry_id
JOIN (
    SELECT article_id, changed_at FROM todo_extract WHERE article_id IN (SELECT id FROM given_ids)
) AS todo ON todo.article_id = entries.article_id
JOIN feeds ON feeds.feed_id = entries.feed_id
LEFT JOIN pages ON pages.kind = 'page' AND pages.item_id = entries.article_id
ORDER BY entries.article_id, entries.entry_id
"""
_LENGTHS = """
SELECT entry_id, coalesce(length(content), 0) + coalesce(length(summary), 0) AS characters
FROM entries
WHERE entry_id IN ({ids})
"""
_DESCRIPTIONS = "SELECT entry_id, title, summary, content, language FROM entries WHERE entry_id IN ({ids})"
_BYLINES = "SELECT entry_id, author, updated_at FROM entries WHERE entry_id IN ({ids})"
_ARTICLES = "FROM articles WHERE article_id IN ({ids}) ORDER BY article_id"

# A list of constants is looked up in the primary key's index. A join, even one beside it, or a list of over 2,048,
# makes DuckDB 1.5 read every text there is: of a million articles 4.8 GB, for a thousand of them. Written out, not
# bound: binding one costs .2 ms, because DuckDB looks each time whether pandas is installed.
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


def sources_of(db: Database, article_ids: Sequence[str]) -> list[ArticleInput]:
    """Return what is known of these articles that are still to extract, pages included: ask in batches."""
    seen = _sightings(db, article_ids)
    speaking = {article_id: representative_sighting(found.sightings) for article_id, found in seen.items()}
    shown = {row["entry_id"]: row for row in _rows_of(db, _DESCRIPTIONS, [one.entry_id for one in speaking.values()])}
    pages = dict(stored_pages(db, RequestKind.PAGE, [one for one in seen if seen[one].has_page]))
    return [
        ArticleInput(
            article_id=article_id,
            url=sighting.url,
            title=shown[sighting.entry_id]["title"],
            summary=shown[sighting.entry_id]["summary"],
            content=shown[sighting.entry_id]["content"],
            language=shown[sighting.entry_id]["language"],
            feed_title=seen[article_id].feed_titles[sighting.feed_id],
            page=pages.get(article_id),
        )
        for article_id, sighting in speaking.items()
    ]


def save_extractions(db: Database, run: Run, article_ids: Sequence[str], taken: Sequence[Extraction]) -> int:
    """Store texts, keep the state each replaces, and mark all of `article_ids` as read; return how many texts."""
    if not article_ids:
        return 0
    seen = _sightings(db, article_ids)
    speaking = {one.article_id: representative_sighting(seen[one.article_id].sightings) for one in taken}
    bylines = {row["entry_id"]: row for row in _rows_of(db, _BYLINES, [one.entry_id for one in speaking.values()])}
    before = {row["article_id"]: row for row in _rows_of(db, _ARTICLES, list(speaking))}
    versions = _newest_versions(db, list(before))
    articles, replaced = [], []
    for extraction in taken:
        article_id, old = extraction.article_id, before.get(extraction.article_id)
        stored = None if old is None else _stored_article(old)
        sightings, byline = seen[article_id].sightings, bylines[speaking[article_id].entry_id]
        changed = is_changed(stored, extraction)
        date = article_date(sightings, extraction, stored)
        articles.append(
            {
                "article_id": article_id,
                "url": speaking[article_id].url,
                "canonical_url": extraction.canonical_url,
                "title": extraction.title,
                "text": extraction.text,
                "language": extraction.language,
                "language_source": extraction.language_source,
                "author": extraction.author or byline["author"],
                "outlet": host(speaking[article_id].url),
                "published_at": date.at,
                "date_quality": date.quality.value,
                "date_source": date.source.value if date.source else None,
                "updated_at": byline["updated_at"] or extraction.updated_at,
                "text_source": extraction.text_source.value,
                "text_source_reason": extraction.text_source_reason,
                "paywall_marker": extraction.paywall_marker,
                "word_count": len(extraction.text.split()),
                "first_seen_at": first_seen_at(sightings),
                "changed_at": run.night_at if old is None or changed else old["changed_at"],
                "deduplicated_at": None if old is None or changed else old["deduplicated_at"],
                "extracted_at": run.night_at,
                "run_id": run.id if old is None else old["run_id"],
            }
        )
        if old is not None and makes_version(stored, extraction):
            replaced.append(
                {
                    "article_id": article_id,
                    "version": versions.get(article_id, 0) + 1,
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
    processed = [
        {
            "kind": RequestKind.PAGE.value,
            "item_id": article_id,
            "fetched_at": found.newest_at,
            "warnings": [],
            "run_id": run.id,
        }
        for article_id, found in seen.items()
    ]
    with db.transaction():
        db.save("article_versions", replaced)
        db.save("articles", articles, on_conflict=_replace_all("articles", db))
        db.save("processed", processed, on_conflict=_replace_all("processed", db))
    return len(articles)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """The sightings of one article that is still to extract, and when the newest state of it was seen."""

    sightings: Sequence[Sighting]
    newest_at: datetime
    has_page: bool
    feed_titles: Mapping[str, str]


def _sightings(db: Database, article_ids: Sequence[str]) -> dict[str, _Seen]:
    """Return the sightings of those of these articles that are still to extract, ordered by article.

    The length of a text is read only where several sightings compete.
    """
    with db.given_ids(article_ids):
        rows = db.rows(_SIGHTINGS)
    by_article = {key: list(group) for key, group in groupby(rows, key=lambda row: str(row["article_id"]))}
    competing = [row["entry_id"] for group in by_article.values() if len(group) > 1 for row in group]
    lengths = {row["entry_id"]: row["characters"] for row in _rows_of(db, _LENGTHS, competing)}
    return {
        article_id: _Seen(
            sightings=[
                Sighting(
                    entry_id=row["entry_id"],
                    feed_id=row["feed_id"],
                    url=row["url"],
                    feed_urls=(row["feed_url"], row["site_url"]),
                    characters=lengths.get(row["entry_id"], 0),
                    first_seen_at=row["first_seen_at"],
                    published_at=row["published_at"],
                    date_quality=DateQuality(row["date_quality"]),
                )
                for row in group
            ],
            newest_at=group[0]["newest_at"],
            has_page=group[0]["has_page"],
            feed_titles={row["feed_id"]: row["feed_title"] for row in group},
        )
        for article_id, group in by_article.items()
    }


def _stored_article(row: Row) -> StoredArticle:
    return StoredArticle(
        title=row["title"],
        text=row["text"],
        text_source=TextSource(row["text_source"]),
        date=ArticleDate(
            at=row["published_at"],
            quality=DateQuality(row["date_quality"]),
            source=DateSource(row["date_source"]) if row["date_source"] else None,
        ),
    )


def _newest_versions(db: Database, article_ids: Sequence[str]) -> dict[str, int]:
    with db.given_ids(article_ids):
        rows = db.rows(
            "SELECT article_id, max(version) AS newest FROM article_versions "
            "WHERE article_id IN (SELECT id FROM given_ids) GROUP BY article_id"
        )
    return {row["article_id"]: row["newest"] for row in rows}


def articles(db: Database, article_ids: Sequence[str]) -> list[Article]:
    """Return these articles, ordered by id."""
    with db.given_ids(article_ids):
        priorities = {row["article_id"]: row["priority"] for row in db.rows(_PRIORITIES)}
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
        for row in _rows_of(db, _ARTICLES, sorted(set(article_ids)))
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


def _rows_of(db: Database, sql: str, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows of a query that takes `{ids}`, asked for so many ids at a time that the index is used."""
    rows = []
    for start in range(0, len(ids), _IDS_AT_ONCE):
        constants = ", ".join("'" + one.replace("'", "''") + "'" for one in ids[start : start + _IDS_AT_ONCE])
        rows += db.rows(sql.format(ids=constants))
    return rows


def _replace_all(table: str, db: Database) -> str:
    """Return the ON CONFLICT clause that replaces every column by the given row's."""
    columns = db.arrow(f"SELECT * FROM {table} LIMIT 0").schema.names  # noqa: S608
    return "ON CONFLICT DO UPDATE SET " + ", ".join(f"{c} = excluded.{c}" for c in columns if c not in _KEYS[table])


_KEYS = {"articles": ("article_id",), "processed": ("kind", "item_id")}
