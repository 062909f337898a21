"""Search, judged: queries with the articles that they should find, and how high a method ranks them."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from statistics import fmean

from newsclust.errors import SettingsError
from newsclust.evaluation.datasets import LabelledSet

FIRST = 10  # hits that a person looks at
_RESAMPLED = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is asked, in which language hits count (None: any), and the articles of its story that should be found.

    An article whose title is asked is not in the archive: else it would find its story by itself.
    """

    kind: str  # title, en-fr, fr-en or words
    words: str
    language: str | None
    wanted: frozenset[str]
    left_out: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchScores:
    """One method on the queries of one kind: means, with 90 % intervals by bootstrap over queries."""

    method: str
    kind: str
    queries: int
    recall: float  # share of the wanted articles among the first ten hits, of ten at most
    recall_interval: tuple[float, float]
    mrr: float  # mean reciprocal rank of the first wanted article
    mrr_interval: tuple[float, float]


def judged_queries(sets: Sequence[LabelledSet]) -> list[Query]:
    """Return the queries of `resources/search_queries.tsv` that ask for a story of these sets."""
    by_name = {labelled.name: labelled for labelled in sets}
    text = resources.files("newsclust").joinpath("resources", "search_queries.tsv").read_text(encoding="utf-8")
    found = []
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        kind, name, asked, words = line.split("\t")
        if name in by_name:
            found.append(_query(by_name[name], kind, asked, words))
    return found


def title_queries(labelled: LabelledSet) -> list[Query]:
    """Return for each story of several articles the title of the first by id, and once more across languages."""
    queries = []
    languages = dict(zip(labelled.ids, labelled.languages, strict=True))
    for story in sorted(set(labelled.stories)):
        members = sorted(one for one, label in zip(labelled.ids, labelled.stories, strict=True) if label == story)
        if len(members) < 2:
            continue
        queries.append(_query(labelled, "title", members[0], ""))
        own = languages[members[0]]
        if own in {"en", "fr"} and any(languages[one] not in {own, "und"} for one in members):
            queries.append(_query(labelled, "en-fr" if own == "en" else "fr-en", members[0], ""))
    return [query for query in queries if query.wanted]


def scores_of(method: str, queries: Sequence[Query], rankings: Sequence[Sequence[str]]) -> list[SearchScores]:
    """Return the scores of the rankings that a method gave, over all queries and by kind."""
    by_kind: dict[str, list[tuple[float, float]]] = {"all": []}
    for query, ranking in zip(queries, rankings, strict=True):
        found = sum(one in query.wanted for one in ranking[:FIRST]) / min(FIRST, len(query.wanted))
        rank = next((1 / place for place, one in enumerate(ranking, 1) if one in query.wanted), 0.0)
        for kind in ("all", query.kind):
            by_kind.setdefault(kind, []).append((found, rank))
    return [
        SearchScores(
            method=method,
            kind=kind,
            queries=len(rows),
            recall=fmean(recall for recall, _ in rows),
            recall_interval=_interval([recall for recall, _ in rows]),
            mrr=fmean(rank for _, rank in rows),
            mrr_interval=_interval([rank for _, rank in rows]),
        )
        for kind, rows in by_kind.items()
        if rows
    ]


def _query(labelled: LabelledSet, kind: str, asked: str, words: str) -> Query:
    articles = {article.id: article for article in labelled.articles}
    stories: Mapping[str, str] = dict(zip(labelled.ids, labelled.stories, strict=True))
    if kind == "words":
        wanted = {one for one, story in stories.items() if story == asked}
        if not wanted:
            raise SettingsError(f"{labelled.name} has no story {asked!r}: it is another one than the queries are for")
        return Query(kind=kind, words=words, language=None, wanted=frozenset(wanted))
    if asked not in articles:
        raise SettingsError(f"{labelled.name} has no article {asked!r}: it is another one than the queries are for")
    language = kind.partition("-")[2] or None
    wanted = {
        one
        for one, story in stories.items()
        if story == stories[asked] and one != asked and (language is None or articles[one].language == language)
    }
    return Query(kind=kind, words=articles[asked].title, language=language, wanted=frozenset(wanted), left_out=asked)


def _interval(figures: Sequence[float]) -> tuple[float, float]:
    rng = random.Random(0)  # noqa: S311 (no secret)
    means = sorted(fmean(rng.choices(figures, k=len(figures))) for _ in range(_RESAMPLED))
    return means[_RESAMPLED // 20], means[-_RESAMPLED // 20]
