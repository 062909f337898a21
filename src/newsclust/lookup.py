"""Words -> articles and stories of the published file, by its macros, with the model's vector of the words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from newsclust.centering import Part, centre_by
from newsclust.embed import Embedder
from newsclust.store.records import reader

if TYPE_CHECKING:
    import duckdb

_DEEP = 2_000  # hits that a filter chooses from

_ARTICLES = """
SELECT found.place, found.article_id, found.title, found.outlet, found.language, found.published_at,
       found.date_quality, found.story_id, found.why, found.score, found.words_rank, found.meaning_rank,
       found.meaning_score, found.url,
       articles.text, NULL AS headline
FROM search_articles($words, number := $depth, vector := $vector) AS found
JOIN internal.articles USING (article_id)
"""
_STORIES = """
SELECT found.place, found.article_id, found.title, found.outlet, found.language, found.published_at,
       found.date_quality, found.story_id, found.why, found.score, found.words_rank, found.meaning_rank,
       found.meaning_score, found.url,
       articles.text, found.headline
FROM search_stories($words, number := $depth, vector := $vector) AS found
JOIN internal.articles USING (article_id)
"""
_CHOSEN = """
WHERE ($language IS NULL OR found.language = $language)
  AND ($since IS NULL OR found.published_at >= $since) AND ($until IS NULL OR found.published_at < $until)
  AND ($outlet IS NULL OR contains(lower(found.outlet), lower($outlet)))
  AND ($topic IS NULL OR found.story_id IN (
      SELECT topic_stories.story_id FROM internal.topic_stories JOIN internal.topics USING (topic_id)
      WHERE topic_stories.left_at IS NULL
        AND (topics.topic_id = $topic OR contains(lower(strip_accents(topics.label)), lower(strip_accents($topic))))))
ORDER BY found.place LIMIT $number
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which hits are wanted; None: all."""

    language: str | None = None
    since: datetime | None = None  # published then or later; UTC without a zone, as the file has its moments
    until: datetime | None = None  # published before
    outlet: str | None = None  # a part of its name
    topic: str | None = None  # its id, or a part of its label
    number: int = 10

    @property
    def is_all(self) -> bool:
        """Tell whether nothing is left out."""
        return not any((self.language, self.since, self.until, self.outlet, self.topic))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """An article that was found, or a story by its nearest article."""

    article_id: str
    title: str
    outlet: str
    language: str
    published_at: datetime
    date_quality: str
    story_id: str | None
    why: str
    score: float
    words_rank: int | None
    meaning_rank: int | None
    meaning_score: float | None
    url: str
    text: str
    headline: str | None  # of the story


def published_model(connection: "duckdb.DuckDBPyConnection") -> str | None:
    """Return the name of the model whose vectors the file holds; None when it holds none."""
    rows = connection.execute("SELECT model FROM internal.embedding_means LIMIT 1").fetchall()
    return rows[0][0] if rows else None


def vector_of(connection: "duckdb.DuckDBPyConnection", embedder: Embedder, words: str) -> list[float]:
    """Return the vector of these words, centred as those of the file are."""
    ((mean,),) = connection.execute(
        "SELECT mean FROM internal.embedding_means WHERE part = $1", [Part.TEXT.value]
    ).fetchall()
    (vector,) = centre_by(embedder.embed([words]), np.array(mean, np.float32))
    return [float(number) for number in vector]


def articles_found(
    connection: "duckdb.DuckDBPyConnection", words: str, wanted: Wanted, *, vector: Sequence[float] | None = None
) -> list[Hit]:
    """Return the wanted articles nearest to these words, the nearest first."""
    return _found(connection, _ARTICLES, words, wanted, vector)


def stories_found(
    connection: "duckdb.DuckDBPyConnection", words: str, wanted: Wanted, *, vector: Sequence[float] | None = None
) -> list[Hit]:
    """Return the stories nearest to these words, each by its nearest article, which is wanted."""
    return _found(connection, _STORIES, words, wanted, vector)


def _found(
    connection: "duckdb.DuckDBPyConnection", sql: str, words: str, wanted: Wanted, vector: Sequence[float] | None
) -> list[Hit]:
    given: dict[str, Any] = {
        "words": words,
        "vector": None if vector is None else list(vector),
        "depth": wanted.number if wanted.is_all else max(wanted.number, _DEEP),
        "language": wanted.language,
        "since": wanted.since,
        "until": wanted.until,
        "outlet": wanted.outlet,
        "topic": wanted.topic,
        "number": wanted.number,
    }
    cursor = connection.execute(sql + _CHOSEN, given)
    names = [column[0] for column in cursor.description or ()]
    return list(map(reader(Hit, names), cursor.fetchall()))
