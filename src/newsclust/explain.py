"""Explain why an article is in its story and not in the nearest other one, from the published file.

The evidence of two articles is in `links`; how probable it is that two groups of them tell one story is computed
anew, by the clusterer that made the stories.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from newsclust.stories.pairs.word_rarity import LEAD_CHARACTERS, written_forms

_SHARED = "both say "  # how the pair model names what both articles say
_OUTLETS = ("outlets", "same outlet")  # how it names what their outlets weigh; the second in older files
_MOST_NAMED = 4  # of what a beginning of an id may mean
_MOST_ASSESSED = 40  # articles of a story: each is compared with all others
_MOST_COMPARED = 12  # other stories


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
    evidence: Mapping[str, float]  # to the log-odds, in words
    names: Mapping[str, float] = field(default_factory=dict)  # what both say, as it is written, by its rarity
    article: ArticleRef | None = None  # whose link it is, where several articles are asked about


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
class StoryRef:
    """A story by id and headline, living or not, and its articles."""

    id: str
    headline: str
    state: str  # living, closed or merged
    merged_into: str | None
    article_ids: tuple[str, ...]  # in order of publication


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberEvidence:
    """An article of a story, and how probably it tells what the others do."""

    article: ArticleRef
    language: str
    links: int  # to other articles of the story
    assessment: MergeAssessment | None  # None when it is hardly linked to them, or not assessed


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryExplanation:
    """What holds a story together, and the nearest other one."""

    story: StoryRef
    measure: str | None
    members: tuple[MemberEvidence, ...]
    nearby: NearbyStory | None
    corrections: tuple[str, ...]  # of its articles, by people


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupExplanation:
    """What links a story, as a whole, and another story or an article, or keeps them apart."""

    is_member: bool  # the article is one of the story's
    measure: str | None
    assessment: MergeAssessment | None
    links: int
    strongest: PairEvidence | None
    corrections: tuple[str, ...]  # by people, that keep the two apart


@dataclass(frozen=True, slots=True, kw_only=True)
class PairExplanation:
    """What links two articles, or keeps them in two stories."""

    one_story: bool
    link: PairEvidence | None  # None when they were never candidates
    measure: str | None
    assessment: MergeAssessment | None  # of their two stories as wholes
    corrections: tuple[str, ...]  # of both articles, by people


def find_subject(connection: duckdb.DuckDBPyConnection, wanted: str) -> ArticleRef | StoryRef:
    """Return the article or the story of this id or beginning of one, or the article of this address.

    SettingsError when there is none, or several.
    """
    articles, stories = _articles_called(connection, wanted), _stories_called(connection, wanted)
    if len(articles) + len(stories) != 1:
        if not articles and not stories:
            raise SettingsError(f"{wanted!r}: no article has this id or address, and no story this id")
        shown = [f"article {article.id} “{article.title}”" for article in articles]
        shown += [f"story {story_id} “{headline}”" for story_id, headline in stories]
        raise SettingsError(f"{wanted!r} is the beginning of several ids: {', '.join(shown[:_MOST_NAMED])}, ...")
    return articles[0] if articles else _story(connection, stories[0][0])


def find_article(connection: duckdb.DuckDBPyConnection, wanted: str) -> ArticleRef:
    """Return the article of this id, beginning of an id, or address; SettingsError when there is none, or several."""
    found = _articles_called(connection, wanted)
    if len(found) != 1:
        raise SettingsError(
            f"{wanted!r}: {'no article' if not found else 'more than one article'} has this id or address"
            + _instead("story", exists=bool(not found and _stories_called(connection, wanted)))
        )
    return found[0]


def find_story(connection: duckdb.DuckDBPyConnection, wanted: str) -> tuple[str, str]:
    """Return (id, headline) of the story of this id or beginning of one; SettingsError when there is none."""
    found = _stories_called(connection, wanted)
    if len(found) != 1:
        raise SettingsError(
            f"{wanted!r}: {'no story' if not found else 'more than one story'} has this id"
            + _instead("article", exists=bool(not found and _articles_called(connection, wanted)))
        )
    return found[0]


def _instead(kind: str, *, exists: bool) -> str:
    return f"; {'an' if kind == 'article' else 'a'} {kind} has" if exists else ""


def _articles_called(connection: duckdb.DuckDBPyConnection, wanted: str) -> list[ArticleRef]:
    """Return some articles of this id, beginning of an id, or address; SettingsError when nothing is wanted."""
    rows = connection.execute(
        "SELECT article_id, title, outlet FROM internal.articles "
        "WHERE starts_with(article_id, $1) OR url = $1 "
        "OR article_id IN (SELECT article_id FROM internal.entries WHERE link = $1) "
        "ORDER BY article_id <> $1, article_id LIMIT 3",
        [_named(wanted)],
    ).fetchall()
    exact = [row for row in rows if row[0] == wanted.strip()]
    return [
        ArticleRef(id=article_id, title=title, outlet=outlet, story_id=_story_of(connection, article_id))
        for article_id, title, outlet in exact or rows
    ]


def _stories_called(connection: duckdb.DuckDBPyConnection, wanted: str) -> list[tuple[str, str]]:
    """Return (id, headline) of some stories of this id or beginning of one; SettingsError when nothing is wanted."""
    return connection.execute(
        "SELECT story_id, headline FROM internal.stories WHERE starts_with(story_id, $1) ORDER BY story_id LIMIT 3",
        [_named(wanted)],
    ).fetchall()


def _named(wanted: str) -> str:
    if not wanted.strip():
        raise SettingsError("nothing is named: give an article's id or address, or a story's id")
    return wanted.strip()


def _story(connection: duckdb.DuckDBPyConnection, story_id: str) -> StoryRef:
    ((headline, state, merged_into),) = connection.execute(
        "SELECT headline, state, merged_into FROM internal.stories WHERE story_id = $1", [story_id]
    ).fetchall()
    rows = connection.execute(
        "SELECT article_id FROM internal.story_articles JOIN internal.articles USING (article_id) "
        "WHERE story_id = $1 AND left_at IS NULL ORDER BY published_at, article_id",
        [story_id],
    ).fetchall()
    articles = tuple(article_id for (article_id,) in rows)
    return StoryRef(
        id=story_id, headline=headline, state=state, merged_into=merged_into or None, article_ids=articles
    )


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


def explain_story(connection: duckdb.DuckDBPyConnection, story: StoryRef, clusterer: Clusterer) -> StoryExplanation:
    """Return how firmly each article of a story belongs to the others, and the nearest other story.

    Of a story of many articles the first are assessed, and the stories with the strongest links compared.
    """
    members = set(story.article_ids)
    links = _evidence_of(connection, story.article_ids)
    inside: dict[str, int] = {}
    for link in links:
        if link.article and link.other.id in members:
            inside[link.article.id] = inside.get(link.article.id, 0) + 1
    outside = [link for link in links if link.other.story_id not in (None, story.id)]
    nearest = set(list(dict.fromkeys(link.other.story_id for link in outside))[:_MOST_COMPARED])
    return StoryExplanation(
        story=story,
        measure=measure_of(clusterer),
        members=tuple(
            MemberEvidence(
                article=article,
                language=language,
                links=inside.get(article.id, 0),
                assessment=assess_merge(connection, clusterer, [article.id], sorted(members - {article.id}))
                if len(members) > 1 and number < _MOST_ASSESSED
                else None,
            )
            for number, (article, language) in enumerate(_members(connection, story))
        ),
        nearby=_nearest_story(
            connection,
            clusterer,
            story.article_ids,
            [link for link in outside if link.other.story_id in nearest],
        )
        if members
        else None,
        corrections=_correction_lines(
            connection, "list_has_any(list_concat(article_ids, other_article_ids), $1)", [list(story.article_ids)]
        ),
    )


def explain_groups(
    connection: duckdb.DuckDBPyConnection,
    left: ArticleRef | StoryRef,
    right: ArticleRef | StoryRef,
    clusterer: Clusterer,
) -> GroupExplanation:
    """Return what links a story and another story, or an article, or keeps them apart.

    An article that is in the story is compared with the rest of it.
    """
    first, second = (set(side.article_ids if isinstance(side, StoryRef) else [side.id]) for side in (left, right))
    is_member = bool(first & second)
    if is_member and len(first) > len(second):
        first -= second
    elif is_member:
        second -= first
    links = [link for link in _evidence_of(connection, sorted(first)) if link.other.id in second]
    return GroupExplanation(
        is_member=is_member,
        measure=measure_of(clusterer),
        assessment=assess_merge(connection, clusterer, sorted(first), sorted(second)) if first and second else None,
        links=len(links),
        strongest=links[0] if links else None,
        corrections=_corrections_between(connection, sorted(first), sorted(second)),
    )


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
    """Return the links of an article, the strongest first."""
    return [replace(link, article=None) for link in _evidence_of(connection, [article_id])]


def _evidence_of(connection: duckdb.DuckDBPyConnection, article_ids: Sequence[str]) -> list[PairEvidence]:
    """Return the links of these articles, the strongest first; one between two of them comes twice."""
    rows = connection.execute(
        f"""
        SELECT mine.article_id, mine.title, mine.outlet, mine.title || ' ' || mine.text[:{LEAD_CHARACTERS}],
               other.article_id, other.title, other.outlet, other.title || ' ' || other.text[:{LEAD_CHARACTERS}],
               story_articles.story_id, found.probability, found.evidence
        FROM (
            SELECT article_a AS article_id, article_b AS other_id, probability, evidence FROM internal.links
            UNION ALL
            SELECT article_b, article_a, probability, evidence FROM internal.links
        ) AS found
        JOIN internal.articles AS mine ON mine.article_id = found.article_id
        JOIN internal.articles AS other ON other.article_id = found.other_id
        LEFT JOIN internal.story_articles
        ON story_articles.article_id = other.article_id AND story_articles.left_at IS NULL
        WHERE list_contains($1, found.article_id)
        ORDER BY found.probability DESC, other.article_id, mine.article_id
        """,  # noqa: S608 (a number of ours)
        [list(article_ids)],
    ).fetchall()
    found = []
    for mine_id, title, outlet, text, other_id, other_title, other_outlet, other_text, story_id, *link in rows:
        probability, stored = link
        evidence, names = _in_words(stored, one_outlet=outlet == other_outlet, texts=(text, other_text))
        found.append(
            PairEvidence(
                article=ArticleRef(id=mine_id, title=title, outlet=outlet, story_id=None),
                other=ArticleRef(id=other_id, title=other_title, outlet=other_outlet, story_id=story_id),
                probability=probability,
                evidence=evidence,
                names=names,
            )
        )
    return found


def _in_words(
    stored: Mapping[str, float], *, one_outlet: bool, texts: tuple[str, str]
) -> tuple[dict[str, float], dict[str, float]]:
    """Return (weights by what weighs, rarity by name) of stored evidence, as a person reads it.

    The model calls a weight by its column, whatever its value: of two outlets it must not say "same outlet". Names
    are stored as stems; a stem that neither text has any more (it was edited) is left out.
    """
    forms = written_forms(texts[1]) | written_forms(texts[0])
    evidence: dict[str, float] = {}
    names: dict[str, float] = {}
    for term, weight in stored.items():
        if term.startswith(_SHARED):
            if (form := forms.get(term.removeprefix(_SHARED))) is not None:
                names[form] = weight
        elif term in _OUTLETS:
            evidence["one outlet" if one_outlet else "two outlets"] = weight
        else:
            evidence[term] = weight
    return evidence, names


def _members(connection: duckdb.DuckDBPyConnection, story: StoryRef) -> list[tuple[ArticleRef, str]]:
    """Return each article of a story with its language, in order of publication."""
    rows = connection.execute(
        "SELECT article_id, title, outlet, language FROM internal.articles WHERE list_contains($1, article_id) "
        "ORDER BY published_at, article_id",
        [list(story.article_ids)],
    ).fetchall()
    return [
        (ArticleRef(id=article_id, title=title, outlet=outlet, story_id=story.id), language)
        for article_id, title, outlet, language in rows
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
