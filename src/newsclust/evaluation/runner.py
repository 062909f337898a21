"""The evaluation itself: labelled sets and settings in, one row of figures for each set and method out."""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from newsclust.errors import SettingsError
from newsclust.evaluation.baselines import Baseline, UnavailableError
from newsclust.evaluation.cross_validation import Judge, Labelled, Standing, judges
from newsclust.evaluation.datasets import LabelledSet
from newsclust.evaluation.grouping import Figures, figures, grouped, mean_of
from newsclust.evaluation.topics import (
    TopicFigures,
    TopicJudge,
    mean_topics,
    topic_figures,
    topic_judges,
    topics_learned_from,
)
from newsclust.evaluation.vectors import KeptVectors, window_of
from newsclust.settings import Settings

OURS = "newsclust"

log = logging.getLogger("newsclust")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """How well one method rebuilds the stories of one set, or of several on average; without figures, why not."""

    sets: tuple[str, ...]
    articles: int
    method: str
    standing: Standing | None = None  # of our own model; a baseline has learned nothing
    figures: Figures | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicRow:
    """How well topics of one set's stories, as a person told them or as we found them, fit the labels."""

    sets: tuple[str, ...]
    stories_from: str
    standing: Standing | None = None  # of the learned directions, and of what found the stories; an average has none
    figures: TopicFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What came out: the rows of each labelled set, in the order given, and last the averages over all.

    `predictions` holds the story of every article of every set by its id.
    """

    stories: tuple[tuple[Row, ...], ...]
    topics: tuple[tuple[TopicRow, ...], ...]
    predictions: Mapping[str, str]


def evaluate(
    sets: Sequence[LabelledSet],
    settings: Settings,
    *,
    baselines: Mapping[str, Baseline],
    with_topics: bool = False,
    cache: Path | None = None,
) -> Evaluation:
    """Return how well the stages that the settings choose rebuild the labelled sets, and what they make of all.

    A set that our models saw in training is judged by ones trained without it, or else takes no part in the
    average (folds.py, `topic_judges`). An average needs two sets, and is over the same sets for every method.
    """
    embedder = settings.embedder() if cache is None else KeptVectors(settings.embedder(), cache)
    given = []
    for labelled in sets:
        begun = time.monotonic()
        given.append(Labelled(labelled, window_of(labelled, embedder, characters=settings.embed.characters)))
        log.info("%s: %d articles embedded in %.1f s", labelled.name, len(labelled.ids), time.monotonic() - begun)
    story_judges = judges(settings.linker(), settings.clusterer(), given)
    groupings = [
        grouped(one.window, judge.linker, judge.clusterer) for one, judge in zip(given, story_judges, strict=True)
    ]
    stories: list[tuple[Row, ...]] = []
    predictions: dict[str, str] = {}
    for one, judge, found in zip(given, story_judges, groupings, strict=True):
        predictions.update(zip(one.labelled.ids, found, strict=True))
        if one.labelled.stories:
            stories.append((_ours(one.labelled, found, judge), *(_theirs(one, *rule) for rule in baselines.items())))
    topics: list[tuple[TopicRow, ...]] = []
    if with_topics:
        seen = [topics_learned_from(one.labelled, embedder.name) for one in given]
        for one, found, judge, of_topics in zip(
            given, groupings, story_judges, topic_judges(given, seen), strict=True
        ):
            if one.labelled.stories and one.labelled.topics:
                topics.append(_topics(one, found, judge, of_topics, settings.topics.min_stories))
    counted = [rows for rows in stories if rows[0].standing is not Standing.SEEN]
    if len(counted) > 1:
        stories.append(tuple(map(_average, zip(*counted, strict=True))))
    counted_topics = [rows for rows in topics if all(row.standing is not Standing.SEEN for row in rows)]
    if len(counted_topics) > 1:
        topics.append(tuple(map(_average_topics, zip(*counted_topics, strict=True))))
    return Evaluation(stories=tuple(stories), topics=tuple(topics), predictions=predictions)


def write_predictions(path: Path, sets: Sequence[LabelledSet], predictions: Mapping[str, str]) -> None:
    """Leave a JSON object in the file: the story of every article by its id, in the order of the sets.

    A story is named by the smallest id in it, so stories of two sets never share a name, as long as no two
    articles share an id.
    """
    told = {article_id: predictions[article_id] for labelled in sets for article_id in labelled.ids}
    try:
        path.write_text(json.dumps(told, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{path}: predictions cannot be written there ({error})") from error


def _ours(labelled: LabelledSet, found: Sequence[str], judge: Judge) -> Row:
    return Row(
        sets=(labelled.name,),
        articles=len(labelled.ids),
        method=OURS,
        standing=judge.standing,
        figures=figures(found, labelled.stories, labelled.languages),
    )


def _theirs(given: Labelled, method: str, rule: Baseline) -> Row:
    labelled = given.labelled
    row = Row(sets=(labelled.name,), articles=len(labelled.ids), method=method)
    try:
        found = rule(labelled.articles, given.window.vectors)
    except UnavailableError as error:
        return replace(row, note=str(error))
    return replace(row, figures=figures(found, labelled.stories, labelled.languages))


def _topics(
    given: Labelled, found: Sequence[str], judge: Judge, of_topics: TopicJudge, min_stories: int
) -> tuple[TopicRow, ...]:
    """Return a row for stories as people tell them, and one for those we found, maybe by models that saw the set."""
    worst = max(judge.standing, of_topics.standing, key=list(Standing).index)
    return tuple(
        TopicRow(
            sets=(given.labelled.name,),
            stories_from=stories_from,
            standing=standing,
            figures=topic_figures(
                given.labelled,
                stories,
                given.window.vectors,
                given.window.model,
                min_stories=min_stories,
                directions=of_topics.directions,
            ),
        )
        for stories_from, stories, standing in (
            ("labels", given.labelled.stories, of_topics.standing),
            (OURS, found, worst),
        )
    )


def _average(rows: Sequence[Row]) -> Row:
    """Return the average of one method over the sets; none when it could not be had for one of them."""
    known = [row.figures for row in rows if row.figures]
    notes = sorted({row.note for row in rows if row.note})
    return Row(
        sets=tuple(name for row in rows for name in row.sets),
        articles=sum(row.articles for row in rows),
        method=rows[0].method,
        figures=mean_of(known) if len(known) == len(rows) else None,
        note="; ".join(notes),
    )


def _average_topics(rows: Sequence[TopicRow]) -> TopicRow:
    return TopicRow(
        sets=tuple(name for row in rows for name in row.sets),
        stories_from=rows[0].stories_from,
        figures=mean_topics([row.figures for row in rows]),
    )
