"""Evaluation of stories and topics: labelled sets and settings in, scores of each set and method out."""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from newsclust.errors import SettingsError
from newsclust.evaluation.baselines import Baseline, UnavailableError
from newsclust.evaluation.cross_validation import FoldModels, LabelledWindow, Leakage, fold_models
from newsclust.evaluation.datasets import LabelledSet
from newsclust.evaluation.grouping import GroupingScores, grouped_stories, grouping_scores, mean_scores
from newsclust.evaluation.topics import (
    TopicFold,
    TopicScores,
    mean_topic_scores,
    topic_folds,
    topic_scores,
    topics_learned_from,
)
from newsclust.evaluation.vectors import CachedEmbedder, window_of
from newsclust.settings import Settings

OURS = "newsclust"

log = logging.getLogger("newsclust")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryResult:
    """How well one method rebuilds the stories of one set, or of several on average; without scores, why not."""

    sets: tuple[str, ...]
    articles: int
    method: str
    leakage: Leakage | None = None  # of our own model; a baseline has learned nothing
    scores: GroupingScores | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicResult:
    """How well topics made of one set's stories, labelled or found ones, fit the labels."""

    sets: tuple[str, ...]
    stories_from: str
    leakage: Leakage | None = None  # of the learned directions, and of what found the stories; an average has none
    scores: TopicScores


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupingEvaluation:
    """The results of each labelled set, in order, and last the averages over all.

    `predictions` holds the story of every article of every set by its id.
    """

    stories: tuple[tuple[StoryResult, ...], ...]
    topics: tuple[tuple[TopicResult, ...], ...]
    predictions: Mapping[str, str]


def evaluate(
    sets: Sequence[LabelledSet],
    settings: Settings,
    *,
    baselines: Mapping[str, Baseline],
    with_topics: bool = False,
    cache: Path | None = None,
) -> GroupingEvaluation:
    """Return how well the stages that the settings choose rebuild the labelled sets, and what they make of all.

    A set that our models saw in training is scored by ones trained without it, or else takes no part in the average
    (cross_validation.py, `topic_folds`). An average needs two sets, and is over the same sets for every method.
    """
    embedder = settings.embedder() if cache is None else CachedEmbedder(settings.embedder(), cache)
    windows = []
    for labelled in sets:
        begun = time.monotonic()
        windows.append(LabelledWindow(labelled, window_of(labelled, embedder, characters=settings.embed.characters)))
        log.info("%s: %d articles embedded in %.1f s", labelled.name, len(labelled.ids), time.monotonic() - begun)
    folds = fold_models(settings.linker(), settings.clusterer(), windows)
    groupings = [
        grouped_stories(each.window, models.linker, models.clusterer)
        for each, models in zip(windows, folds, strict=True)
    ]
    stories: list[tuple[StoryResult, ...]] = []
    predictions: dict[str, str] = {}
    for each, models, found in zip(windows, folds, groupings, strict=True):
        predictions.update(zip(each.labelled.ids, found, strict=True))
        if each.labelled.stories:
            ours = _our_result(each.labelled, found, models)
            stories.append((ours, *(_baseline_result(each, *baseline) for baseline in baselines.items())))
    topics: list[tuple[TopicResult, ...]] = []
    if with_topics:
        seen = [topics_learned_from(each.labelled, embedder.name) for each in windows]
        for each, found, models, topic_fold in zip(
            windows, groupings, folds, topic_folds(windows, seen), strict=True
        ):
            if each.labelled.stories and each.labelled.topics:
                topics.append(_topic_results(each, found, models, topic_fold, settings.topics.min_stories))
    counted = [rows for rows in stories if rows[0].leakage is not Leakage.SEEN]
    if len(counted) > 1:
        stories.append(tuple(map(_average, zip(*counted, strict=True))))
    counted_topics = [rows for rows in topics if all(row.leakage is not Leakage.SEEN for row in rows)]
    if len(counted_topics) > 1:
        topics.append(tuple(map(_average_topics, zip(*counted_topics, strict=True))))
    return GroupingEvaluation(stories=tuple(stories), topics=tuple(topics), predictions=predictions)


def write_predictions(path: Path, sets: Sequence[LabelledSet], predictions: Mapping[str, str]) -> None:
    """Write a JSON object to the file: the story of every article by its id, in the order of the sets.

    A story is named by the smallest id in it, so stories of two sets never share a name, as long as no two
    articles share an id.
    """
    ordered = {article_id: predictions[article_id] for labelled in sets for article_id in labelled.ids}
    try:
        path.write_text(json.dumps(ordered, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{path}: predictions cannot be written there ({error})") from error


def _our_result(labelled: LabelledSet, found: Sequence[str], models: FoldModels) -> StoryResult:
    return StoryResult(
        sets=(labelled.name,),
        articles=len(labelled.ids),
        method=OURS,
        leakage=models.leakage,
        scores=grouping_scores(found, labelled.stories, labelled.languages),
    )


def _baseline_result(window: LabelledWindow, method: str, baseline: Baseline) -> StoryResult:
    labelled = window.labelled
    result = StoryResult(sets=(labelled.name,), articles=len(labelled.ids), method=method)
    try:
        found = baseline(labelled.articles, window.window.vectors)
    except UnavailableError as error:
        return replace(result, note=str(error))
    return replace(result, scores=grouping_scores(found, labelled.stories, labelled.languages))


def _topic_results(
    window: LabelledWindow, found: Sequence[str], models: FoldModels, topic_fold: TopicFold, min_stories: int
) -> tuple[TopicResult, ...]:
    """Return a result for the labelled stories, and one for those we found, maybe by models that saw the set."""
    worst = max(models.leakage, topic_fold.leakage, key=list(Leakage).index)
    return tuple(
        TopicResult(
            sets=(window.labelled.name,),
            stories_from=stories_from,
            leakage=leakage,
            scores=topic_scores(
                window.labelled,
                stories,
                window.window.vectors,
                window.window.model,
                min_stories=min_stories,
                directions=topic_fold.directions,
            ),
        )
        for stories_from, stories, leakage in (
            ("labels", window.labelled.stories, topic_fold.leakage),
            (OURS, found, worst),
        )
    )


def _average(rows: Sequence[StoryResult]) -> StoryResult:
    """Return the average of one method over the sets; none when it could not be had for one of them."""
    known = [row.scores for row in rows if row.scores]
    notes = sorted({row.note for row in rows if row.note})
    return StoryResult(
        sets=tuple(name for row in rows for name in row.sets),
        articles=sum(row.articles for row in rows),
        method=rows[0].method,
        scores=mean_scores(known) if len(known) == len(rows) else None,
        note="; ".join(notes),
    )


def _average_topics(rows: Sequence[TopicResult]) -> TopicResult:
    return TopicResult(
        sets=tuple(name for row in rows for name in row.sets),
        stories_from=rows[0].stories_from,
        scores=mean_topic_scores([row.scores for row in rows]),
    )
