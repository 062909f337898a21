"""Explain why an article is in its story and not in the nearest other one, from the published file.

The evidence of two articles is in `links`; how probable it is that two groups of them tell one story is computed
anew, by the clusterer that made the stories.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import duckdb
import numpy as np

from newsclust.errors import SettingsError, StoreError
from newsclust.model import Article, DateQuality, Link, Window
from newsclust.settings import Settings, recorded_stories
from newsclust.store.vectors import read_raw
from newsclust.stories.clustering import AverageLinkage, Clusterer, MergeClassifier
from newsclust.stories.clustering.merge_classifier import MergeAssessment


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleRef:
    """An article by id, title and outlet, and the story that it is in."""

    id: str
    title: str
    outlet: str
    story_id: str | None  # None when it is a duplicate, or has no story yet


@dataclass(frozen=True, slots=True, kw_only=True)
class PairEvidence:
    """The link from an article to another one: the probability that they tell one story, and its evidence."""

    other: ArticleRef
    probability: float
    evidence: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class NearbyStory:
    """A story that an article is not in, though it has a link with an article of it."""

    story_id: str
    headline: str
    articles: int
    strongest: PairEvidence  # of the article's links with that story's articles
    assessment: MergeAssessment | None  # of both stories as wholes; None when they are hardly linked
    corrections: tuple[str, ...]  # by people, that keep the two stories apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What links an article to its story, and the nearest story that it is not in."""

    article: ArticleRef
    headline: str | None
    duplicate_of: str | None  # the original and the evidence, when the article is a duplicate
    measure: str | None  # what an assessment's probability is, in words; None when the clusterer has none
    others: int  # the other articles of its story
    assessment: MergeAssessment | None  # of the article and the others as two groups; None when hardly linked
    links: tuple[PairEvidence, ...]  # to the other articles of its story, strongest first
    nearby: NearbyStory | None
    corrections: tuple[str, ...]  # of the article, by people


@dataclass(frozen=True, slots=True, kw_only=True)
class PairExplanation:
    """What links two articles, or keeps them in two stories."""

    one_story: bool
    link: PairEvidence | None  # None when they were never candidates
    measure: str | None
    assessment: MergeAssessment | None  # of their two stories as wholes
    corrections: tuple[str, ...]  # of both articles, by people


def find_article(connection: duckdb.DuckDBPyConnection, wanted: str) -> ArticleRef:
    """Return the article of this id, beginning of an id, or address; SettingsError when there is none, or several."""
    rows = connection.execute(
        "SELECT article_id, title, outlet FROM internal.articles "
        "WHERE starts_with(article_id, $1) OR url = $1 "
        "OR article_id IN (SELECT article_id FROM internal.entries WHERE link = $1) ORDER BY article_id LIMIT 3",
        [wanted],
    ).fetchall()
    if len(rows) != 1:
        found = "no article" if not rows else "more than one article"
        raise SettingsError(f"{wanted!r}: {found} has this id or address")
    article_id, title, outlet = rows[0]
    return ArticleRef(id=article_id, title=title, outlet=outlet, story_id=_story_of(connection, article_id))


def find_story(connection: duckdb.DuckDBPyConnection, wanted: str) -> tuple[str, str]:
    """Return (id, headline) of the story of this id or beginning of one; SettingsError when there is none."""
    rows = connection.execute(
        "SELECT story_id, headline FROM internal.stories WHERE starts_with(story_id, $1) ORDER BY story_id LIMIT 2",
        [wanted],
    ).fetchall()
    if len(rows) != 1:
        raise SettingsError(f"{wanted!r}: {'no story' if not rows else 'more than one story'} has this id")
    return rows[0][0], rows[0][1]


def members_of(connection: duckdb.DuckDBPyConnection, story_id: str) -> list[str]:
    """Return the ids of a story's articles, in order."""
    rows = connection.execute(
        "SELECT article_id FROM internal.story_articles WHERE story_id = $1 AND left_at IS NULL ORDER BY article_id",
        [story_id],
    ).fetchall()
    return [article_id for (article_id,) in rows]


def clusterer_of(connection: duckdb.DuckDBPyConnection) -> Clusterer:
    """Return the clusterer that made the file's stories, with its thresholds of that night."""
    row = connection.execute("SELECT clusterer, thresholds FROM internal.story_clusterer").fetchone()
    if row is None:
        raise StoreError("no night has grouped stories yet")
    return Settings.model_construct(stories=recorded_stories({"use": row[0], "options": row[1]})).clusterer()


def measure_of(clusterer: Clusterer) -> str | None:
    """Return what this clusterer's assessments measure, in words; None when it has none."""
    if isinstance(clusterer, MergeClassifier):
        return "chance that both tell one story"
    if isinstance(clusterer, AverageLinkage):
        return "average probability of their links"
    return None


def assess_merge(
    connection: duckdb.DuckDBPyConnection, clusterer: Clusterer, left: Sequence[str], right: Sequence[str]
) -> MergeAssessment | None:
    """Return how probably two groups of articles tell one story, by the clusterer's measure.

    None when it has no measure, or does not score groups that are hardly linked.
    """
    links = _links_among(connection, [*left, *right])
    if isinstance(clusterer, MergeClassifier):
        return clusterer.assess(_window(connection, [*left, *right]), links, left, right)
    if isinstance(clusterer, AverageLinkage):
        between = [link.probability for link in links if (link.article_a in left) != (link.article_b in left)]
        return MergeAssessment(probability=sum(between) / (len(left) * len(right)), threshold=clusterer.cut)
    return None


def explain(connection: duckdb.DuckDBPyConnection, article: ArticleRef, clusterer: Clusterer) -> Explanation:
    """Return what links an article to its story, and the nearest story it is not in, by this clusterer."""
    links = _pair_evidence(connection, article.id)
    members = members_of(connection, article.story_id) if article.story_id else []
    others = [member for member in members if member != article.id]
    outside = [link for link in links if link.other.story_id not in (None, article.story_id)]
    return Explanation(
        article=article,
        headline=find_story(connection, article.story_id)[1] if article.story_id else None,
        duplicate_of=_duplicate_of(connection, article.id),
        measure=measure_of(clusterer),
        others=len(others),
        assessment=assess_merge(connection, clusterer, [article.id], others) if others else None,
        links=tuple(link for link in links if link.other.id in others),
        nearby=_nearest_story(connection, clusterer, members, outside) if members else None,
        corrections=_corrections_of(connection, [article.id]),
    )


def explain_pair(
    connection: duckdb.DuckDBPyConnection, left: ArticleRef, right: ArticleRef, clusterer: Clusterer
) -> PairExplanation:
    """Return the link between two articles, the assessment of their two stories, and people's corrections of both."""
    one_story = left.story_id is not None and left.story_id == right.story_id
    assessment = None
    if left.story_id and right.story_id and not one_story:
        stories = (members_of(connection, story_id) for story_id in (left.story_id, right.story_id))
        assessment = assess_merge(connection, clusterer, *stories)
    return PairExplanation(
        one_story=one_story,
        link=next((link for link in _pair_evidence(connection, left.id) if link.other.id == right.id), None),
        measure=measure_of(clusterer),
        assessment=assessment,
        corrections=_corrections_of(connection, [left.id, right.id]),
    )


def _nearest_story(
    connection: duckdb.DuckDBPyConnection,
    clusterer: Clusterer,
    members: Sequence[str],
    links: Sequence[PairEvidence],
) -> NearbyStory | None:
    """Return, of the stories that these links (strongest first) lead to, the most probable to be the members' own."""
    strongest: dict[str, PairEvidence] = {}
    for link in links:
        if link.other.story_id:
            strongest.setdefault(link.other.story_id, link)
    found = [
        NearbyStory(
            story_id=story_id,
            headline=find_story(connection, story_id)[1],
            articles=len(theirs := members_of(connection, story_id)),
            strongest=link,
            assessment=assess_merge(connection, clusterer, members, theirs),
            corrections=_corrections_between(connection, members, theirs),
        )
        for story_id, link in strongest.items()
    ]
    return max(
        found,
        key=lambda story: (story.assessment.probability if story.assessment else 0, story.strongest.probability),
        default=None,
    )


def _links_among(connection: duckdb.DuckDBPyConnection, article_ids: Sequence[str]) -> list[Link]:
    rows = connection.execute(
        "SELECT article_a, article_b, probability FROM internal.links "
        "WHERE list_contains($1, article_a) AND list_contains($1, article_b) ORDER BY article_a, article_b",
        [list(article_ids)],
    ).fetchall()
    return [Link(article_a=a, article_b=b, probability=probability) for a, b, probability in rows]


def _window(connection: duckdb.DuckDBPyConnection, article_ids: Sequence[str]) -> Window:
    """Return these articles with their vectors of the model that embedded last; StoreError when some have none."""
    embeddings = {
        row["article_id"]: row
        for table in read_raw(connection, "internal", of=list(article_ids))
        for row in table.to_pylist()
        if row["title_vector"] is not None
    }
    rows = connection.execute(
        "SELECT article_id, url, canonical_url, title, text, language, outlet, published_at, date_quality, "
        "first_seen_at FROM internal.articles WHERE list_contains($1, article_id) ORDER BY article_id",
        [list(embeddings)],
    ).fetchall()
    if len(rows) != len(article_ids):
        raise StoreError(f"{len(article_ids) - len(rows)} of {len(article_ids)} articles have no vectors")
    return Window(
        articles=[
            Article(
                id=row[0],
                url=row[1],
                canonical_url=row[2],
                title=row[3],
                text=row[4],
                language=row[5],
                outlet=row[6],
                published_at=row[7].replace(tzinfo=UTC),
                date_quality=DateQuality(row[8]),
                first_seen_at=row[9].replace(tzinfo=UTC),
            )
            for row in rows
        ],
        vectors=np.array([embeddings[row[0]]["vector"] for row in rows], np.float32),
        title_vectors=np.array([embeddings[row[0]]["title_vector"] for row in rows], np.float32),
        model=next(iter(embeddings.values()))["model"],
    )


def _pair_evidence(connection: duckdb.DuckDBPyConnection, article_id: str) -> list[PairEvidence]:
    rows = connection.execute(
        """
        SELECT other.article_id, other.title, other.outlet, story_articles.story_id, found.probability, found.evidence
        FROM (
            SELECT article_b AS other_id, probability, evidence FROM internal.links WHERE article_a = $1
            UNION ALL
            SELECT article_a, probability, evidence FROM internal.links WHERE article_b = $1
        ) AS found
        JOIN internal.articles AS other ON other.article_id = found.other_id
        LEFT JOIN internal.story_articles
        ON story_articles.article_id = other.article_id AND story_articles.left_at IS NULL
        ORDER BY found.probability DESC, other.article_id
        """,
        [article_id],
    ).fetchall()
    return [
        PairEvidence(
            other=ArticleRef(id=other_id, title=title, outlet=outlet, story_id=story_id),
            probability=probability,
            evidence=evidence,
        )
        for other_id, title, outlet, story_id, probability, evidence in rows
    ]


def _story_of(connection: duckdb.DuckDBPyConnection, article_id: str) -> str | None:
    row = connection.execute(
        "SELECT story_id FROM internal.story_articles WHERE article_id = $1 AND left_at IS NULL", [article_id]
    ).fetchone()
    return row[0] if row else None


def _duplicate_of(connection: duckdb.DuckDBPyConnection, article_id: str) -> str | None:
    row = connection.execute(
        "SELECT original_title, original_outlet, evidence FROM duplicate_articles WHERE article_id = $1", [article_id]
    ).fetchone()
    return f"“{row[0]}” ({row[1]}): {row[2]}" if row else None


def _corrections_of(connection: duckdb.DuckDBPyConnection, article_ids: Sequence[str]) -> tuple[str, ...]:
    """Return people's corrections of these articles together, each as one line."""
    return _correction_lines(
        connection, "list_has_all(list_concat(article_ids, other_article_ids), $1)", [list(article_ids)]
    )


def _corrections_between(
    connection: duckdb.DuckDBPyConnection, left: Sequence[str], right: Sequence[str]
) -> tuple[str, ...]:
    """Return people's corrections that keep two groups of articles apart, each as one line."""
    parted = "list_has_any(article_ids, $1) AND list_has_any(other_article_ids, $2)"
    other_way = "list_has_any(article_ids, $2) AND list_has_any(other_article_ids, $1)"
    return _correction_lines(
        connection, f"kind = 'different' AND ({parted} OR {other_way})", [list(left), list(right)]
    )


def _correction_lines(
    connection: duckdb.DuckDBPyConnection, condition: str, parameters: list[Any]
) -> tuple[str, ...]:
    rows: list[Any] = connection.execute(
        f"SELECT correction_id, kind, made_at FROM story_corrections "  # noqa: S608 (conditions of ours)
        f"WHERE is_active AND {condition} ORDER BY made_at",
        parameters,
    ).fetchall()
    return tuple(f"{made_at:%Y-%m-%d}: {kind} ({correction_id})" for correction_id, kind, made_at in rows)
