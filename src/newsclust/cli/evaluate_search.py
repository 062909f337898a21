"""`newsclust evaluate search`: an archive of labelled articles is built, published and searched."""

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

    from newsclust.embed import Embedder
    from newsclust.evaluation.datasets import LabelledSet
    from newsclust.evaluation.search import Query, SearchScores

_NIGHT = datetime(2026, 6, 1, tzinfo=UTC)
_DEEP = 200  # hits that are ranked
_MACRO = "SELECT article_id, language FROM search_articles($words, number := $deep, vector := $vector)"
_SQL = {
    # What people write who have no search: articles that hold most of the words, the newest first.
    "ilike": "SELECT article_id, language FROM internal.articles, (SELECT string_split($words, ' ') AS asked) "
    "WHERE list_bool_or([contains(lower(title || ' ' || text), lower(w)) for w in asked]) ORDER BY "
    "list_sum([contains(lower(title || ' ' || text), lower(w))::INTEGER for w in asked]) DESC, published_at DESC "
    "LIMIT $deep",
    "BM25 alone": f"{_MACRO} WHERE words_rank IS NOT NULL ORDER BY words_rank",
    "meaning alone": f"{_MACRO} WHERE meaning_rank IS NOT NULL ORDER BY meaning_rank",
    "the macro": f"{_MACRO} ORDER BY place",
    "the macro with the model": f"{_MACRO} ORDER BY place",
}
_WITH_MODEL = {"meaning alone", "the macro with the model"}


def evaluate(
    sets: "Sequence[LabelledSet]", queries: "Sequence[Query]", embedder: "Embedder", *, characters: int
) -> "list[SearchScores]":
    """Return the scores of every method on an archive of these sets without the articles whose titles are asked."""
    from newsclust.evaluation.search import scores_of
    from newsclust.lookup import vector_of
    from newsclust.store import open_published

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "published.duckdb")
        _publish(sets, {query.left_out for query in queries}, embedder, characters, path)
        with open_published(path) as connection:
            vectors = [vector_of(connection, embedder, query.words) for query in queries]
            return [
                row
                for method, sql in _SQL.items()
                for row in scores_of(
                    method,
                    queries,
                    [
                        _ranking(connection, sql, query, vector if method in _WITH_MODEL else None)
                        for query, vector in zip(queries, vectors, strict=True)
                    ],
                )
            ]


def _ranking(
    connection: "duckdb.DuckDBPyConnection", sql: str, query: "Query", vector: list[float] | None
) -> list[str]:
    asked = {"words": query.words, "deep": _DEEP} | ({"vector": vector} if "$vector" in sql else {})
    rows = connection.execute(sql, asked).fetchall()
    return [article_id for article_id, language in rows if query.language in {None, language}]


def _publish(
    sets: "Sequence[LabelledSet]", left_out: set[str | None], embedder: "Embedder", characters: int, path: Path
) -> None:
    from newsclust.embed import embedding_text
    from newsclust.model import Run
    from newsclust.pipeline import index_articles
    from newsclust.store import Database, articles, publish

    run = Run(id="evaluation", flow="evaluation", night_at=_NIGHT, started_at=_NIGHT)
    with Database(path.with_name("work.duckdb")) as db:
        for labelled in sets:
            kept = [place for place, one in enumerate(labelled.articles) if one.id not in left_out]
            # Of the whole set, so that a cache of vectors serves every choice of queries.
            texts = [embedding_text(one.title, one.text, characters=characters) for one in labelled.articles]
            vectors = embedder.embed(texts)[kept]
            chosen = [labelled.articles[place] for place in kept]
            rows = [
                {
                    "article_id": one.id,
                    "url": one.url,
                    "canonical_url": one.canonical_url,
                    "title": one.title,
                    "text": one.text,
                    "language": one.language,
                    "language_source": "text",
                    "outlet": one.outlet,
                    "published_at": one.published_at,
                    "date_quality": one.date_quality,
                    "text_source": "page",
                    "word_count": len(one.text.split()),
                    "first_seen_at": one.first_seen_at,
                    "changed_at": one.first_seen_at,
                    "extracted_at": one.first_seen_at,
                    "run_id": run.id,
                }
                for one in chosen
            ]
            db.upsert("articles", rows, key=["article_id"])
            articles.save_embeddings(db, run, embedder.name, [one.id for one in chosen], vectors, vectors)
        index_articles(db, run)
        publish(db, path)
