"""Topics on labelled sets: the pipeline's own grouping of stories, and how well it fits the labels."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from newsclust import topics
from newsclust.centring import centre
from newsclust.embed import embedding_text
from newsclust.evaluate import measures
from newsclust.evaluate.baselines import noise_alone
from newsclust.evaluate.sets import LabelledSet
from newsclust.topics import projection

Vectors = NDArray[np.float32]


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


def topic_figures(
    labelled: LabelledSet, stories: Sequence[str], vectors: Vectors, model: str, *, min_stories: int
) -> TopicFigures:
    """Return the figures of the topics that the pipeline makes of these stories, one name for each article.

    What a story's topic should be is what most of its articles are labelled with; of equals, the first by name.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for place, story in enumerate(stories):
        members[story].append(place)
    gold = [_most(labelled.topics[place] for place in places) for places in members.values()]
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
    means = np.array([vectors[places].mean(axis=0) for places in members.values()], np.float32)
    outlets = sorted({article.outlet for article in labelled.articles})
    rows = topics.project(centre(means, model), model)
    found = topics.group_topics(told, rows, min_stories=min_stories, near=topics.near(model), outlets=outlets)
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
    """Whether the projection that ships for this model has learned from the labels of this set.

    What is told of the projection names its windows by first day, last day, articles and stories.
    """
    if not model.startswith(projection.SHIPPED_FOR):
        return False
    told = resources.files("newsclust").joinpath(f"resources/{projection.RESOURCE}.json").read_text(encoding="utf-8")
    days = sorted(f"{article.published_at:%Y-%m-%d}" for article in labelled.articles)
    return {
        "from": days[0],
        "to": days[-1],
        "articles": len(labelled.articles),
        "stories": len(set(labelled.stories)),
    } in json.loads(told)["windows"]


def mean_topics(rows: Sequence[TopicFigures]) -> TopicFigures:
    """Return the mean of each figure."""
    return TopicFigures(
        **{field.name: float(np.mean([getattr(row, field.name) for row in rows])) for field in fields(TopicFigures)}
    )


def _most(labels: Iterable[str]) -> str:
    count = Counter(labels)
    return min(count, key=lambda label: (-count[label], label))
