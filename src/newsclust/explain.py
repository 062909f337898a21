"""Why an article stands where it stands: read from the published file, told in words.

The evidence of two articles is in `links`; what the grouping makes of two groups of them is asked anew, of the
clusterer that made the stories.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import duckdb
import numpy as np

from newsclust.errors import SettingsError, StoreError
from newsclust.model import Article, DateQuality, Link, Window
from newsclust.settings import Settings, StorySettings
from newsclust.stories.clustering import AverageLinkage, Clusterer, MergeClassifier
from newsclust.stories.clustering.merge_classifier import MergeAssessment


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleRef:
    """One article as a person knows it."""

    id: str
    title: str
    outlet: str
    story_id: str | None  # None when it is a copy, or has no story yet


@dataclass(frozen=True, slots=True, kw_only=True)
class PairEvidence:
    """What is known of two articles: the probability that they tell one story, and what it rests on."""

    other: ArticleRef
    probability: float
    evidence: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class NearbyStory:
    """A story that an article was not joined to, though it has a link with an article of it."""

    story_id: str
    headline: str
    articles: int
    closest: PairEvidence  # of the article's links with that story's articles
    judgement: MergeAssessment | None  # of both stories as wholes; None when they are hardly linked
    said: tuple[str, ...]  # what people said that keeps them apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What ties an article to its story, and the nearest story that it was not joined to."""

    article: ArticleRef
    headline: str | None
    copy_of: str | None  # the evidence, when the article is a copy
    measure: str | None  # what the judgements' chance is, in words; None when the grouping names none
    mates: int  # the other articles of its story
    belongs: MergeAssessment | None  # of the article and its mates as two groups; None when they are hardly linked
    ties: tuple[PairEvidence, ...]  # to the other articles of its story, strongest first
    neighbour: NearbyStory | None
    said: tuple[str, ...]  # what people said of it


@dataclass(frozen=True, slots=True, kw_only=True)
class PairExplanation:
    """What is known of two articles together."""

    one_story: bool
    tie: PairEvidence | None  # None when they were never candidates
    measure: str | None
    judgement: MergeAssessment | None  # of their two stories as wholes
    said: tuple[str, ...]  # what people said of both


def find_article(connection: duckdb.DuckDBPyConnection, wanted: str) -> ArticleRef:
    """Return the article of this id, beginning of an id, or address; SettingsError when there is none, or several."""
    rows = connection.execute(
        "SELECT article_id, title, outlet FROM articles "
        "WHERE starts_with(article_id, $1) OR url = $1 "
        "OR article_id IN (SELECT article_id FROM entries WHERE link = $1) ORDER BY article_id LIMIT 3",
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
        "SELECT story_id, headline FROM stories WHERE starts_with(story_id, $1) ORDER BY story_id LIMIT 2", [wanted]
    ).fetchall()
    if len(rows) != 1:
        raise SettingsError(f"{wanted!r}: {'no story' if not rows else 'more than one story'} has this id")
    return rows[0][0], rows[0][1]


def members_of(connection: duckdb.DuckDBPyConnection, story_id: str) -> list[str]:
    """Return the ids of a story's articles, in order."""
    rows = connection.execute(
        "SELECT article_id FROM story_articles WHERE story_id = $1 AND left_at IS NULL ORDER BY article_id",
        [story_id],
    ).fetchall()
    return [article_id for (article_id,) in rows]


def clusterer_of(connection: duckdb.DuckDBPyConnection) -> Clusterer:
    """Return the clusterer that made the file's stories, as the settings of that night chose it."""
    row = connection.execute(
        "SELECT settings -> 'stories' FROM runs JOIN steps USING (run_id) "
        "WHERE step = 'group_stories' AND steps.error IS NULL ORDER BY runs.started_at DESC LIMIT 1"
    ).fetchone()
    if row is None:
        raise StoreError("no night has grouped stories yet")
    chosen = json.loads(row[0])
    stories = StorySettings(use=chosen["use"], options=chosen["options"])
    return Settings.model_construct(stories=stories).clusterer()


def measure_of(clusterer: Clusterer) -> str | None:
    """Return what this clusterer measures two groups by, in words; None when nothing is known of it."""
    if isinstance(clusterer, MergeClassifier):
        return "chance that both tell one story"
    if isinstance(clusterer, AverageLinkage):
        return "average probability of their links"
    return None


def assess_merge(
    connection: duckdb.DuckDBPyConnection, clusterer: Clusterer, one: Sequence[str], other: Sequence[str]
) -> MergeAssessment | None:
    """Return how surely two groups of articles tell one story, as they stand and by the clusterer's measure.

    None when it has no measure, or when it does not ask about groups that are so hardly linked.
    """
    links = _links_among(connection, [*one, *other])
    if isinstance(clusterer, MergeClassifier):
        return clusterer.assess(_window(connection, [*one, *other]), links, one, other)
    if isinstance(clusterer, AverageLinkage):
        between = [link.probability for link in links if (link.article_a in one) != (link.article_b in one)]
        return MergeAssessment(probability=sum(between) / (len(one) * len(other)), threshold=clusterer.cut)
    return None


def explain(connection: duckdb.DuckDBPyConnection, article: ArticleRef, clusterer: Clusterer) -> Explanation:
    """Return what ties an article to its story, and what it was kept apart from, as this clusterer sees it."""
    ties = _pair_evidence(connection, article.id)
    members = members_of(connection, article.story_id) if article.story_id else []
    mates = [member for member in members if member != article.id]
    outside = [tie for tie in ties if tie.other.story_id not in (None, article.story_id)]
    return Explanation(
        article=article,
        headline=find_story(connection, article.story_id)[1] if article.story_id else None,
        copy_of=_duplicate_of(connection, article.id),
        measure=measure_of(clusterer),
        mates=len(mates),
        belongs=assess_merge(connection, clusterer, [article.id], mates) if mates else None,
        ties=tuple(tie for tie in ties if tie.other.id in mates),
        neighbour=_nearest_story(connection, clusterer, members, outside) if members else None,
        said=_corrections_of(connection, [article.id]),
    )


def explain_pair(
    connection: duckdb.DuckDBPyConnection, one: ArticleRef, other: ArticleRef, clusterer: Clusterer
) -> PairExplanation:
    """Return the link between two articles, what this clusterer makes of their stories, and what people said."""
    one_story = one.story_id is not None and one.story_id == other.story_id
    judgement = None
    if one.story_id and other.story_id and not one_story:
        stories = (members_of(connection, story_id) for story_id in (one.story_id, other.story_id))
        judgement = assess_merge(connection, clusterer, *stories)
    return PairExplanation(
        one_story=one_story,
        tie=next((tie for tie in _pair_evidence(connection, one.id) if tie.other.id == other.id), None),
        measure=measure_of(clusterer),
        judgement=judgement,
        said=_corrections_of(connection, [one.id, other.id]),
    )


def _nearest_story(
    connection: duckdb.DuckDBPyConnection, clusterer: Clusterer, members: Sequence[str], ties: Sequence[PairEvidence]
) -> NearbyStory | None:
    """Return of the stories that these ties (strongest first) lead to the one likeliest to be the members' own."""
    closest: dict[str, PairEvidence] = {}
    for tie in ties:
        if tie.other.story_id:
            closest.setdefault(tie.other.story_id, tie)
    found = [
        NearbyStory(
            story_id=story_id,
            headline=find_story(connection, story_id)[1],
            articles=len(theirs := members_of(connection, story_id)),
            closest=tie,
            judgement=assess_merge(connection, clusterer, members, theirs),
            said=_corrections_between(connection, members, theirs),
        )
        for story_id, tie in closest.items()
    ]
    return max(
        found, key=lambda n: (n.judgement.probability if n.judgement else 0, n.closest.probability), default=None
    )


def _links_among(connection: duckdb.DuckDBPyConnection, article_ids: Sequence[str]) -> list[Link]:
    rows = connection.execute(
        "SELECT article_a, article_b, probability FROM links "
        "WHERE list_contains($1, article_a) AND list_contains($1, article_b) ORDER BY article_a, article_b",
        [list(article_ids)],
    ).fetchall()
    return [Link(article_a=a, article_b=b, probability=probability) for a, b, probability in rows]


def _window(connection: duckdb.DuckDBPyConnection, article_ids: Sequence[str]) -> Window:
    """Return these articles with the vectors that the last night compared; StoreError when some have none."""
    (model,) = connection.execute(
        "SELECT model FROM link_progress JOIN runs USING (run_id) ORDER BY runs.started_at DESC, article_id LIMIT 1"
    ).fetchall()[0]
    rows = connection.execute(
        "SELECT article_id, url, canonical_url, title, text, language, outlet, published_at, date_quality, "
        "first_seen_at, vector, title_vector FROM articles JOIN embeddings USING (article_id) "
        "WHERE embeddings.model = $1 AND title_vector IS NOT NULL AND list_contains($2, article_id) "
        "ORDER BY article_id",
        [model, list(article_ids)],
    ).fetchall()
    if len(rows) != len(article_ids):
        raise StoreError(f"{len(article_ids) - len(rows)} of {len(article_ids)} articles have no vectors of {model}")
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
        vectors=np.array([row[10] for row in rows], np.float32),
        title_vectors=np.array([row[11] for row in rows], np.float32),
        model=model,
    )


def _pair_evidence(connection: duckdb.DuckDBPyConnection, article_id: str) -> list[PairEvidence]:
    rows = connection.execute(
        """
        SELECT other.article_id, other.title, other.outlet, story_articles.story_id, found.probability, found.evidence
        FROM (
            SELECT article_b AS other_id, probability, evidence FROM links WHERE article_a = $1
            UNION ALL
            SELECT article_a, probability, evidence FROM links WHERE article_b = $1
        ) AS found
        JOIN articles AS other ON other.article_id = found.other_id
        LEFT JOIN story_articles ON story_articles.article_id = other.article_id AND story_articles.left_at IS NULL
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
        "SELECT story_id FROM story_articles WHERE article_id = $1 AND left_at IS NULL", [article_id]
    ).fetchone()
    return row[0] if row else None


def _duplicate_of(connection: duckdb.DuckDBPyConnection, article_id: str) -> str | None:
    row = connection.execute(
        "SELECT original_title, original_outlet, evidence FROM duplicate_articles WHERE article_id = $1", [article_id]
    ).fetchone()
    return f"“{row[0]}” ({row[1]}): {row[2]}" if row else None


def _corrections_of(connection: duckdb.DuckDBPyConnection, article_ids: Sequence[str]) -> tuple[str, ...]:
    """Return what people said of these articles together, each as one line."""
    return _correction_lines(
        connection, "list_has_all(list_concat(article_ids, other_article_ids), $1)", [list(article_ids)]
    )


def _corrections_between(
    connection: duckdb.DuckDBPyConnection, one: Sequence[str], other: Sequence[str]
) -> tuple[str, ...]:
    """Return what people said that keeps two groups of articles apart, each as one line."""
    parted = "list_has_any(article_ids, $1) AND list_has_any(other_article_ids, $2)"
    other_way = "list_has_any(article_ids, $2) AND list_has_any(other_article_ids, $1)"
    return _correction_lines(
        connection, f"kind = 'different' AND ({parted} OR {other_way})", [list(one), list(other)]
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
