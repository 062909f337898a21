"""Articles, their versions and vectors."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from operator import attrgetter

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from newsclust.extract.article_state import (
    Sighting,
    StoredArticle,
    article_date,
    attested_at,
    first_seen_at,
    is_changed,
    keeps_stored_text,
    makes_version,
    representative_sighting,
)
from newsclust.extract.outlets import outlet_of
from newsclust.model import Article, ArticleInput, Extraction, RequestKind, Run
from newsclust.store.database import Database
from newsclust.store.fetches import stored_pages
from newsclust.store.records import row_of, stored
from newsclust.text.diff import Revision, unified_diff
from newsclust.urls import host, publisher_of

# What decides of each sighting but its length: no text is read for it.
_SIGHTINGS = """
SELECT entries.article_id, todo.changed_at AS newest_at, feeds.title AS feed_title,
       pages.item_id IS NOT NULL AND pages.dropped_at IS NULL AS has_page, pages.final_url AS page_url,
       entries.dropped_at IS NOT NULL AS is_dropped,
       {'entry_id': entries.entry_id, 'feed_id': entries.feed_id, 'url': entries.url,
        'feed_urls': list_concat([feeds.url, documents.final_url, told.source_url], coalesce(named.urls, [])),
        'told_at': coalesce(told.source_url, feeds.url), 'characters': 0, 'first_seen_at': entries.first_seen_at,
        'claimed_url': feeds.site_url, 'absent_at': entries.absent_at,
        'published_at': entries.published_at, 'date_quality': entries.date_quality
       } AS sighting
FROM entries
ANTI JOIN quarantined_entries ON quarantined_entries.entry_id = entries.entry_id
JOIN (
    SELECT article_id, changed_at FROM todo_extract WHERE article_id IN (SELECT id FROM given_ids)
) AS todo ON todo.article_id = entries.article_id
JOIN feeds ON feeds.feed_id = entries.feed_id
-- What is asked with a secret is a person's own account: the feed that it names is the one that it read.
LEFT JOIN (
    SELECT entry_id, source_url FROM entries
    JOIN feeds ON feeds.feed_id = entries.feed_id AND (feeds.token_env IS NOT NULL OR contains(feeds.url, '***'))
    WHERE entries.article_id IN (SELECT id FROM given_ids)
) AS told ON told.entry_id = entries.entry_id
LEFT JOIN (
    SELECT feed_id, list('https://' || site ORDER BY site) AS urls
    FROM feed_sites WHERE is_confirmed GROUP BY feed_id
) AS named ON named.feed_id = entries.feed_id
LEFT JOIN pages AS documents ON documents.kind = 'feed' AND documents.item_id = entries.feed_id
LEFT JOIN pages ON pages.kind = 'page' AND pages.item_id = entries.article_id
ORDER BY entries.article_id, entries.entry_id
"""
_LENGTHS = """
SELECT entry_id, coalesce(length(content), 0) + coalesce(length(summary), 0) AS characters
FROM entries
WHERE entry_id IN ({ids})
"""
_DESCRIPTIONS = (
    "SELECT entry_id, title, summary, content, language, source_title FROM entries WHERE entry_id IN ({ids})"
)
_BYLINES = "SELECT entry_id, author, updated_at FROM entries WHERE entry_id IN ({ids})"
_TEXTS = "SELECT article_id, title, text FROM articles WHERE article_id IN ({ids}) ORDER BY article_id"
_ARTICLES = "SELECT * RENAME (article_id AS id) FROM articles WHERE article_id IN ({ids}) ORDER BY article_id"
_BEFORE = """
SELECT article_id, changed_at, deduplicated_at, run_id,
       {{'title': title, 'text': text, 'text_source': text_source, 'text_quality': text_quality,
         'date': {{'at': published_at, 'quality': date_quality, 'source': date_source}}}} AS state
FROM articles
WHERE article_id IN ({ids})
"""

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
    return db.column("SELECT article_id FROM todo_extract")


def articles_to_read_again(db: Database, texts: Collection[str]) -> list[str]:
    """Return the ids of the articles whose page gave one of these texts; they are to be read again."""
    if not texts:
        return []
    # Word counts first: they are read in a fraction of the time that texts take.
    found = db.column(
        "SELECT article_id FROM articles WHERE word_count IN (SELECT len(string_split_regex(t, '\\s+')) "
        "FROM unnest($1) AS walls(t)) AND text_source = 'page' AND list_contains($1, text) ORDER BY article_id",
        [sorted(texts)],
    )
    with db.given_ids(found):
        db.execute("UPDATE articles SET text_quality = 'wall' WHERE article_id IN (SELECT id FROM given_ids)")
        db.execute("DELETE FROM processed WHERE kind = 'page' AND item_id IN (SELECT id FROM given_ids)")
    return found


def sources_of(db: Database, article_ids: Sequence[str]) -> list[ArticleInput]:
    """Return what is known of these articles that are still to extract, pages included: ask in batches.

    An article of which only a dropped sighting speaks, and no page, is not among them: its text stays as it is.
    """
    seen = _sightings(db, article_ids)
    speaking = {article_id: representative_sighting(found.sightings) for article_id, found in seen.items()}
    speaking = {
        article_id: sighting
        for article_id, sighting in speaking.items()
        if seen[article_id].has_page or sighting.entry_id not in seen[article_id].dropped
    }
    entries = [one.entry_id for one in speaking.values()]
    shown = {row.pop("entry_id"): row for query in _batches(_DESCRIPTIONS, entries) for row in db.rows(query)}
    pages = dict(stored_pages(db, RequestKind.PAGE, [one for one in seen if seen[one].has_page]))
    return [
        ArticleInput(
            article_id=article_id,
            url=sighting.url,
            feed_title=seen[article_id].feed_titles[sighting.feed_id],
            page=pages.get(article_id),
            teller=sighting.teller(seen[article_id].page_url),
            **shown[sighting.entry_id],
        )
        for article_id, sighting in speaking.items()
    ]


def save_extractions(db: Database, run: Run, article_ids: Sequence[str], taken: Sequence[Extraction]) -> int:
    """Store texts, keep the state each replaces, and mark all of `article_ids` as read; return how many texts.

    An article that has a text keeps it where there is nothing better than a headline or a wall now.
    """
    if not article_ids:
        return 0
    seen = _sightings(db, article_ids)
    speaking = {one.article_id: representative_sighting(seen[one.article_id].sightings) for one in taken}
    entries = [one.entry_id for one in speaking.values()]
    bylines = {row["entry_id"]: row for query in _batches(_BYLINES, entries) for row in db.rows(query)}
    before = {
        one.article_id: one for query in _batches(_BEFORE, list(speaking)) for one in db.rows_as(_Before, query)
    }
    versions = _newest_versions(db, list(before))
    articles, replaced = [], []
    for extraction in taken:
        article_id, old = extraction.article_id, before.get(extraction.article_id)
        stored = None if old is None else old.state
        if keeps_stored_text(stored, extraction):
            continue  # it is counted as read below
        sightings, byline = seen[article_id].sightings, bylines[speaking[article_id].entry_id]
        kept = None if is_changed(stored, extraction) else old
        date = article_date(sightings, extraction, stored)
        url, page_url = speaking[article_id].url, seen[article_id].page_url
        outlet = outlet_of(extraction, url=url, teller=speaking[article_id].teller(page_url), page_url=page_url)
        articles.append(
            row_of(extraction, without=("page_title",))
            | row_of(date, named={"at": "published_at", "quality": "date_quality", "source": "date_source"})
            | {
                "url": url,
                "author": extraction.author or byline["author"],
                "outlet": outlet,
                "publisher": publisher_of(f"https://{outlet}"),
                "links_to": host(url),
                "updated_at": byline["updated_at"] or extraction.updated_at,
                "word_count": len(extraction.text.split()),
                "first_seen_at": first_seen_at(sightings),
                "attested_at": attested_at(sightings, date),
                "changed_at": run.night_at if kept is None else kept.changed_at,
                "deduplicated_at": None if kept is None else kept.deduplicated_at,
                "extracted_at": run.night_at,
                "run_id": run.id if old is None else old.run_id,
            }
        )
        if old is not None and makes_version(stored, extraction):
            replaced.append(
                row_of(old.state, without=("date", "text_quality"))
                | {
                    "article_id": article_id,
                    "version": versions.get(article_id, 0) + 1,
                    "diff": unified_diff(
                        Revision(title=old.state.title, text=old.state.text),
                        Revision(title=extraction.title, text=extraction.text),
                    ),
                    "seen_at": old.changed_at,
                    "replaced_at": run.night_at,
                    "run_id": run.id,
                }
            )
    processed = [
        {
            "kind": RequestKind.PAGE,
            "item_id": article_id,
            "fetched_at": found.newest_at,
            "warnings": (),
            "run_id": run.id,
        }
        for article_id, found in seen.items()
    ]
    with db.transaction():
        db.save("article_versions", replaced)
        db.upsert("articles", articles, key=["article_id"])
        db.upsert("processed", processed, key=["kind", "item_id"])
    return len(articles)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sighted:
    """One sighting of an article that is still to extract, its characters not counted."""

    article_id: str
    newest_at: datetime
    feed_title: str
    has_page: bool
    page_url: str | None  # where the page was fetched, kept or not
    is_dropped: bool  # its summary and content
    sighting: Sighting


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """An article as it is stored."""

    article_id: str
    changed_at: datetime
    deduplicated_at: datetime | None
    run_id: str
    state: StoredArticle


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """The sightings of one article that is still to extract, and when the newest state of it was seen."""

    sightings: Sequence[Sighting]
    newest_at: datetime
    has_page: bool
    page_url: str | None
    feed_titles: Mapping[str, str]
    dropped: Collection[str]  # the entries whose summary and content were dropped


def _sightings(db: Database, article_ids: Sequence[str]) -> dict[str, _Seen]:
    """Return the sightings of those of these articles that are still to extract, ordered by article.

    The length of a text is read only where several sightings compete.
    """
    with db.given_ids(article_ids):
        rows = db.rows_as(_Sighted, _SIGHTINGS)
    by_article = {article_id: list(group) for article_id, group in groupby(rows, key=attrgetter("article_id"))}
    competing = [one.sighting.entry_id for group in by_article.values() if len(group) > 1 for one in group]
    lengths = dict(row for query in _batches(_LENGTHS, competing) for row in db.tuples(query))
    return {
        article_id: _Seen(
            sightings=[replace(one.sighting, characters=lengths.get(one.sighting.entry_id, 0)) for one in group],
            newest_at=group[0].newest_at,
            has_page=group[0].has_page,
            page_url=group[0].page_url,
            feed_titles={one.sighting.feed_id: one.feed_title for one in group},
            dropped={one.sighting.entry_id for one in group if one.is_dropped},
        )
        for article_id, group in by_article.items()
    }


def _newest_versions(db: Database, article_ids: Sequence[str]) -> dict[str, int]:
    with db.given_ids(article_ids):
        newest = db.tuples(
            "SELECT article_id, max(version) FROM article_versions "
            "WHERE article_id IN (SELECT id FROM given_ids) GROUP BY article_id"
        )
    return dict(newest)


def articles(db: Database, article_ids: Sequence[str]) -> list[Article]:
    """Return these articles, ordered by id."""
    with db.given_ids(article_ids):
        priorities = dict(db.tuples(_PRIORITIES))
    queries = _batches(_ARTICLES, sorted(set(article_ids)))
    found = [article for query in queries for article in db.rows_as(Article, query)]
    return [replace(one, priority=priorities[one.id]) if one.id in priorities else one for one in found]


def articles_to_embed(
    db: Database, model: str, *, since: datetime | None = None, named: Collection[str] = ()
) -> list[str]:
    """Return the ids of the originals that have no vector of this model for their present text, ordered by id.

    With `since` those published, first seen or changed since then, and those `named`, or their originals.
    """
    if not named:  # nothing of the archive is read for it
        return db.column(
            "SELECT article_id FROM todo_embeddings($1, coalesce($2, '-infinity'::TIMESTAMP))", [model, since]
        )
    with db.given_ids(sorted(named)):
        return db.column(
            "SELECT article_id FROM todo_embeddings($1, coalesce($2, '-infinity'::TIMESTAMP)) UNION "
            "SELECT article_id FROM todo_embeddings($1, '-infinity'::TIMESTAMP) "
            "WHERE article_id IN (SELECT coalesce(original_id, id) FROM given_ids "
            "LEFT JOIN duplicates ON duplicates.article_id = id) ORDER BY article_id",
            [model, since],
        )


def drop_vectors_of_other_models(db: Database, model: str) -> int:
    """Delete the vectors of every other model than this; return how many articles have none any more."""
    if not db.column("SELECT 1 FROM embeddings WHERE model = $1 LIMIT 1", [model]):
        return 0  # nothing was embedded by this model yet: the old vectors are all there is
    (lost,) = db.column(
        "SELECT count(DISTINCT article_id) FROM embeddings WHERE model <> $1 "
        "AND article_id NOT IN (SELECT article_id FROM embeddings WHERE model = $1)",
        [model],
    )
    db.execute("DELETE FROM embeddings WHERE model <> $1", [model])
    return int(lost)


def beginnings_in_other_languages(db: Database, run: Run, languages: Sequence[str]) -> list[tuple[str, str]]:
    """Return (language, title and beginning) of the articles first seen in this run whose language is another one."""
    return db.tuples(
        "SELECT language, title || ' ' || left(coalesce(text, ''), 300) FROM articles "
        "WHERE run_id = $1 AND language <> 'und' AND NOT list_contains($2, language) ORDER BY article_id",
        [run.id, list(languages)],
    )


def titles_and_texts(db: Database, article_ids: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return (id, title, text) of these articles, ordered by id."""
    return [row for query in _batches(_TEXTS, sorted(set(article_ids))) for row in db.tuples(query)]


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

    table = pa.table(
        {
            "article_id": pa.array(article_ids, pa.string()),
            "model": pa.repeat(model, len(article_ids)),
            "vector": lists(vectors),
            "title_vector": lists(title_vectors),
            "embedded_at": pa.repeat(stored(run.night_at), len(article_ids)),
            "run_id": pa.repeat(run.id, len(article_ids)),
        }
    )
    db.upsert("embeddings", table, key=["article_id", "model"])


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


def _batches(sql: str, ids: Sequence[str]) -> Iterator[str]:
    """Give the query that takes `{ids}`, for so many ids at a time that the index is used."""
    for start in range(0, len(ids), _IDS_AT_ONCE):
        yield sql.format(
            ids=", ".join("'" + one.replace("'", "''") + "'" for one in ids[start : start + _IDS_AT_ONCE])
        )
