"""Stories + yesterday's topics -> tonight's topics, and the words that name them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from newsclust.topics.clustering import cluster_topics
from newsclust.topics.labels import TopicTerms, label_groups
from newsclust.topics.projection import MIN_COSINE_PROJECTED, min_cosine, project

__all__ = ["Story", "Topic", "find_topics", "min_cosine", "project"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What topics need of a story beside its vector: its articles, each as (language, words of text)."""

    id: str
    texts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One group of stories; a strength is a story's cosine to the topic's centre, not below 0."""

    stories: frozenset[str]
    strengths: Mapping[str, float]
    words_en: tuple[str, ...]
    words_fr: tuple[str, ...]
    label: str
    central_story: str


def find_topics(
    stories: Sequence[Story],
    vectors: NDArray[np.float32],
    *,
    min_stories: int,
    near: float = MIN_COSINE_PROJECTED,
    outlets: Collection[str] = (),
    earlier: Collection[frozenset[str]] = (),
) -> list[Topic]:
    """Return the topics among these stories; stories in none are in no topic returned.

    `vectors` has one row of unit length for each story, as `project` leaves it; `earlier` holds the ids of the
    stories of each topic of yesterday. Rows are put in the order of the stories' ids first, because HDBSCAN's
    labels depend on the order of its input. Called again with its own answer as `earlier`, it gives that answer.
    """
    order = sorted(range(len(stories)), key=lambda i: stories[i].id)
    stories, rows = [stories[i] for i in order], vectors[order].astype(np.float64)
    themes = cluster_topics(rows, _earlier_labels(stories, earlier), min_stories=min_stories, near=near)
    groups = [np.flatnonzero(themes == number) for number in range(themes.max(initial=-1) + 1)]
    named = label_groups([story.texts for story in stories], groups, outlets)
    return [_topic(stories, rows, inside, words) for inside, words in zip(groups, named, strict=True)]


def _earlier_labels(stories: Sequence[Story], earlier: Collection[frozenset[str]]) -> NDArray[np.int64]:
    """Return for each story the number of its earlier topic, counted in the order of their first stories; else -1."""
    row = {story.id: position for position, story in enumerate(stories)}
    groups = sorted(sorted(row[member] for member in topic if member in row) for topic in earlier)
    places = np.full(len(stories), -1)
    for number, group in enumerate(groups):
        places[group] = number
    return places


def _topic(
    stories: Sequence[Story], vectors: NDArray[np.float64], inside: NDArray[np.int64], words: TopicTerms
) -> Topic:
    centre = vectors[inside].mean(axis=0)
    nearness = np.round(vectors[inside] @ (centre / max(float(np.linalg.norm(centre)), 1e-9)), 6)
    return Topic(
        stories=frozenset(stories[i].id for i in inside),
        strengths={stories[i].id: max(0.0, float(near)) for i, near in zip(inside, nearness, strict=True)},
        words_en=words.en,
        words_fr=words.fr,
        label=words.label,
        central_story=stories[inside[int(np.argmax(nearness))]].id,
    )
