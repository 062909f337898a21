"""Topics of labelled sets by the pipeline's own grouping of stories, scored against the labels."""

import json
import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from newsclust import topics
from newsclust.centering import centre, is_shipped_for
from newsclust.embed import embedding_text
from newsclust.evaluation import measures
from newsclust.evaluation.baselines import noise_alone
from newsclust.evaluation.cross_validation import MIN_TRAINING_SETS, LabelledWindow, Leakage
from newsclust.evaluation.datasets import LabelledSet
from newsclust.topics import projection
from newsclust.topics.projection import LabelledTopics, train_projection

Vectors = NDArray[np.float32]

log = logging.getLogger("newsclust")


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicScores:
    """How well the topics of one set's stories fit their labels; a story outside any topic is one of its own."""

    stories: float  # counts are whole numbers, but for an average
    topics: float
    labels: float
    b3_precision: float
    b3_recall: float
    b3: float
    outside: float  # share of stories in no topic


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TopicFold:
    """The learned projection that scores the topics of one set, and whether it was trained on it."""

    directions: Vectors | None  # None: those that ship for the model, if any do
    leakage: Leakage


def topic_folds(sets: Sequence[LabelledWindow], seen: Sequence[bool]) -> list[TopicFold]:
    """Return for each set directions that were not trained on its labels, where they can be had.

    `seen` holds for each set whether the shipped directions were trained on it. When there are at least three such
    sets, each is scored by directions trained on the others alone: sets of the same articles count as one.
    """
    distinct: dict[str, LabelledWindow] = {}
    for each, was_seen in zip(sets, seen, strict=True):
        if was_seen and each.labelled.stories and each.labelled.topics:
            distinct.setdefault(each.labelled.fingerprint, each)
    training_sets = {fingerprint: training_set(each) for fingerprint, each in distinct.items()}
    found = []
    for each, was_seen in zip(sets, seen, strict=True):
        others = [topics for fingerprint, topics in training_sets.items() if fingerprint != each.labelled.fingerprint]
        if not was_seen:
            found.append(TopicFold(directions=None, leakage=Leakage.UNSEEN))
        elif len(others) >= MIN_TRAINING_SETS:
            log.info("%s: learning topics from the %d others alone", each.labelled.name, len(others))
            found.append(TopicFold(directions=train_projection(others), leakage=Leakage.LEFT_OUT))
        else:
            found.append(TopicFold(directions=None, leakage=Leakage.SEEN))
    return found


def training_set(each: LabelledWindow) -> LabelledTopics:
    """Return the labelled stories and topics of a set as training data of the projection."""
    members = _members(each.labelled.stories)
    return LabelledTopics(
        vectors=_centred_means(members, each.window.vectors, each.window.model), topics=_gold(each.labelled, members)
    )


def topic_scores(
    labelled: LabelledSet,
    stories: Sequence[str],
    vectors: Vectors,
    model: str,
    *,
    min_stories: int,
    directions: Vectors | None = None,
) -> TopicScores:
    """Return the scores of the topics that the pipeline makes of these stories, one name for each article.

    `directions` replace those that ship for this model, if any do.
    """
    members = _members(stories)
    gold = _gold(labelled, members)
    as_stories = [
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
    found = topics.find_topics(
        as_stories, rows, min_stories=min_stories, min_cosine=topics.min_cosine(model), outlets=outlets
    )
    topic_of = {story: number for number, topic in enumerate(found) for story in topic.stories}
    labels = [topic_of.get(story, -1) for story in members]
    score = measures.b_cubed(noise_alone(labels), gold)
    return TopicScores(
        stories=len(as_stories),
        topics=len(found),
        labels=len(set(gold)),
        b3_precision=score.precision,
        b3_recall=score.recall,
        b3=score.f1,
        outside=labels.count(-1) / len(labels),
    )


def topics_learned_from(labelled: LabelledSet, model: str) -> bool:
    """Return whether the shipped projection of this model was trained on the articles of this set.

    The projection's provenance names its windows by first day, last day and number of articles: who labelled them
    does not matter.
    """
    if not is_shipped_for(model):
        return False
    provenance = (
        resources.files("newsclust").joinpath(f"resources/{projection.RESOURCE}.json").read_text(encoding="utf-8")
    )
    first, last = days_of(labelled)
    return any(
        (window["from"], window["to"], window["articles"]) == (first, last, len(labelled.articles))
        for window in json.loads(provenance)["windows"]
    )


def days_of(labelled: LabelledSet) -> tuple[str, str]:
    """Return the first and the last day of a set's articles, in UTC."""
    days = [f"{article.published_at:%Y-%m-%d}" for article in labelled.articles]
    return min(days), max(days)


def mean_topic_scores(rows: Sequence[TopicScores]) -> TopicScores:
    """Return the mean of each score."""
    return TopicScores(
        **{field.name: float(np.mean([getattr(row, field.name) for row in rows])) for field in fields(TopicScores)}
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
