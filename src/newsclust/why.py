"""Why an article stands where it stands: read from the published file, told in words.

The evidence itself is in `links`; this room only chooses what a person needs to see of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from newsclust.errors import SettingsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One article as a person knows it."""

    id: str
    title: str
    outlet: str
    story_id: str | None  # None when it is a copy, or has no story yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """What is known of two articles: the probability that they tell one story, and what it rests on."""

    other: Told
    probability: float
    evidence: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """What ties an article to its story, and the nearest article that it was not joined to."""

    article: Told
    headline: str | None
    copy_of: str | None  # the evidence, when the article is a copy
    ties: tuple[Tie, ...]  # to the other articles of its story, strongest first
    unlinked: int  # articles of its story that it has no link with
    nearest_outside: Tie | None
    average_outside: float | None  # mean probability to all articles of that other story; a pair without a link is 0
    said: tuple[str, ...]  # what people said of it


def find_article(connection: duckdb.DuckDBPyConnection, wanted: str) -> Told:
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
    return Told(id=article_id, title=title, outlet=outlet, story_id=_story_of(connection, article_id))


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


def why(connection: duckdb.DuckDBPyConnection, article: Told) -> Why:
    """Return what ties an article to its story, and what it was kept apart from."""
    links = _ties(connection, article.id)
    mates = set(members_of(connection, article.story_id)) - {article.id} if article.story_id else set()
    inside = tuple(tie for tie in links if tie.other.id in mates)
    outside = next((tie for tie in links if tie.other.id not in mates and tie.other.story_id), None)
    average = None
    if outside and outside.other.story_id:
        theirs = members_of(connection, outside.other.story_id)
        known = {tie.other.id: tie.probability for tie in links}
        average = sum(known.get(member, 0.0) for member in theirs) / len(theirs)
    headline = None
    if article.story_id:
        headline = find_story(connection, article.story_id)[1]
    return Why(
        article=article,
        headline=headline,
        copy_of=_copy_of(connection, article.id),
        ties=inside,
        unlinked=len(mates) - len(inside),
        nearest_outside=outside,
        average_outside=average,
        said=_said(connection, [article.id]),
    )


def why_both(connection: duckdb.DuckDBPyConnection, one: Told, other: Told) -> tuple[Tie | None, tuple[str, ...]]:
    """Return the link between two articles, None when they were never candidates, and what people said of both."""
    tie = next((tie for tie in _ties(connection, one.id) if tie.other.id == other.id), None)
    return tie, _said(connection, [one.id, other.id])


def _ties(connection: duckdb.DuckDBPyConnection, article_id: str) -> list[Tie]:
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
        Tie(
            other=Told(id=other_id, title=title, outlet=outlet, story_id=story_id),
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


def _copy_of(connection: duckdb.DuckDBPyConnection, article_id: str) -> str | None:
    row = connection.execute(
        "SELECT original_title, original_outlet, evidence FROM duplicate_articles WHERE article_id = $1", [article_id]
    ).fetchone()
    return f"“{row[0]}” ({row[1]}): {row[2]}" if row else None


def _said(connection: duckdb.DuckDBPyConnection, article_ids: Sequence[str]) -> tuple[str, ...]:
    """Return what people said of these articles together, each as one line."""
    rows: list[Any] = connection.execute(
        "SELECT correction_id, kind, made_at FROM story_corrections WHERE standing "
        "AND list_has_all(list_concat(articles, others), $1) ORDER BY made_at",
        [list(article_ids)],
    ).fetchall()
    return tuple(f"{made_at:%Y-%m-%d}: {kind} ({correction_id})" for correction_id, kind, made_at in rows)
