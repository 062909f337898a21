"""Topics on labelled sets: the pipeline's own grouping of stories, and how well it fits the labels."""

import json
import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from newsclust import topics
from newsclust.centering import centre
from newsclust.embed import embedding_text
from newsclust.evaluation import measures
from newsclust.evaluation.baselines import noise_alone
from newsclust.evaluation.cross_validation import FEWEST_OTHERS, Labelled, Standing
from newsclust.evaluation.datasets import LabelledSet
from newsclust.topics import projection
from newsclust.topics.training import LabelledTopics, train_projection

Vectors = NDArray[np.float32]

log = logging.getLogger("newsclust")


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicFigures:
    """How well the topics of one set's stories fit their labels; a story outside any topic is one of its own."""

    stories: float  # counts are whole numbers, but for an average
    topics: float
    labels: float
    b3_precision: float
    b3_recall: float
    b3: float
    outside: float  # share of stories in no topic


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TopicJudge:
    """The learned directions that may judge the topics of one set, and what they have to do with it."""

    directions: Vectors | None  # None: those that ship for the model, if any do
    standing: Standing


def topic_judges(sets: Sequence[Labelled], seen: Sequence[bool]) -> list[TopicJudge]:
    """Return for each set directions that have not seen its labels, where they can be had.

    `seen` tells of each set whether the directions that ship have learned from it. When at least three such sets
    are given, each is judged by directions learned from the others alone: sets of the same articles count as one.
    """
    distinct: dict[str, Labelled] = {}
    for one, was_seen in zip(sets, seen, strict=True):
        if was_seen and one.labelled.stories and one.labelled.topics:
            distinct.setdefault(one.labelled.fingerprint, one)
    lessons = {fingerprint: lesson_of(one) for fingerprint, one in distinct.items()}
    found = []
    for one, was_seen in zip(sets, seen, strict=True):
        others = [lesson for fingerprint, lesson in lessons.items() if fingerprint != one.labelled.fingerprint]
        if not was_seen:
            found.append(TopicJudge(directions=None, standing=Standing.UNSEEN))
        elif len(others) >= FEWEST_OTHERS:
            log.info("%s: learning topics from the %d others alone", one.labelled.name, len(others))
            found.append(TopicJudge(directions=train_projection(others), standing=Standing.LEFT_OUT))
        else:
            found.append(TopicJudge(directions=None, standing=Standing.SEEN))
    return found


def lesson_of(one: Labelled) -> LabelledTopics:
    """Return what there is to learn from the labelled stories and topics of a set."""
    members = _members(one.labelled.stories)
    return LabelledTopics(
        vectors=_centred_means(members, one.window.vectors, one.window.model), topics=_gold(one.labelled, members)
    )


def topic_figures(
    labelled: LabelledSet,
    stories: Sequence[str],
    vectors: Vectors,
    model: str,
    *,
    min_stories: int,
    directions: Vectors | None = None,
) -> TopicFigures:
    """Return the figures of the topics that the pipeline makes of these stories, one name for each article.

    `directions` stand in for those that ship for this model, if any do.
    """
    members = _members(stories)
    gold = _gold(labelled, members)
    told = [
        topics.Story(
            id=story,
            texts=tuple(
                (article.language, embedding_text(article.title, article.text, characters=600))
                for article in (labelled.articles[place] for place in places)
            ),
        )
        for story, places in members.items()
    ]
    outlets = sorted({article.outlet for article in labelled.articles})
    rows = topics.project(_centred_means(members, vectors, model), model, directions)
    found = topics.find_topics(told, rows, min_stories=min_stories, near=topics.min_cosine(model), outlets=outlets)
    topic_of = {story: number for number, topic in enumerate(found) for story in topic.stories}
    labels = [topic_of.get(story, -1) for story in members]
    score = measures.b_cubed(noise_alone(labels), gold)
    return TopicFigures(
        stories=len(told),
        topics=len(found),
        labels=len(set(gold)),
        b3_precision=score.precision,
        b3_recall=score.recall,
        b3=score.f1,
        outside=labels.count(-1) / len(labels),
    )


def topics_learned_from(labelled: LabelledSet, model: str) -> bool:
    """Whether the projection that ships for this model has learned from the articles of this set.

    What is told of the projection names its windows by first day, last day and number of articles: who labelled
    them does not matter.
    """
    if not model.startswith(projection.SHIPPED_FOR):
        return False
    told = resources.files("newsclust").joinpath(f"resources/{projection.RESOURCE}.json").read_text(encoding="utf-8")
    first, last = days_of(labelled)
    return any(
        (window["from"], window["to"], window["articles"]) == (first, last, len(labelled.articles))
        for window in json.loads(told)["windows"]
    )


def days_of(labelled: LabelledSet) -> tuple[str, str]:
    """Return the first and the last day of a set's articles, in UTC."""
    days = [f"{article.published_at:%Y-%m-%d}" for article in labelled.articles]
    return min(days), max(days)


def mean_topics(rows: Sequence[TopicFigures]) -> TopicFigures:
    """Return the mean of each figure."""
    return TopicFigures(
        **{field.name: float(np.mean([getattr(row, field.name) for row in rows])) for field in fields(TopicFigures)}
    )


def _members(stories: Sequence[str]) -> dict[str, list[int]]:
    """Return the places of each story's articles, stories in the order of their first ones."""
    members: dict[str, list[int]] = defaultdict(list)
    for place, story in enumerate(stories):
        members[story].append(place)
    return dict(members)


def _centred_means(members: Mapping[str, Sequence[int]], vectors: Vectors, model: str) -> Vectors:
    means = np.array([vectors[places].mean(axis=0) for places in members.values()], np.float32)
    return centre(means, model)


def _gold(labelled: LabelledSet, members: Mapping[str, Sequence[int]]) -> list[str]:
    """Return each story's topic: what most of its articles are labelled with; of equals, the first by name."""
    return [_most(labelled.topics[place] for place in places) for places in members.values()]


def _most(labels: Iterable[str]) -> str:
    count = Counter(labels)
    return min(count, key=lambda label: (-count[label], label))
