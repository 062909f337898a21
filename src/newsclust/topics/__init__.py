"""Stories + yesterday's topics -> tonight's topics, and the terms that label them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from newsclust.arrays import Floats, Integers, Vectors
from newsclust.topics.clustering import cluster_topics
from newsclust.topics.labels import TopicTerms, label_groups
from newsclust.topics.projection import MIN_COSINE_PROJECTED, min_cosine, project

__all__ = ["Story", "Topic", "find_topics", "min_cosine", "project"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What topics need of a story beside its vector: its articles, each as (language, text)."""

    id: str
    texts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One group of stories; a similarity is a story's cosine to the topic's centroid, not below 0."""

    stories: frozenset[str]
    centroid_similarities: Mapping[str, float]
    words_en: tuple[str, ...]
    words_fr: tuple[str, ...]
    label: str
    central_story: str


def find_topics(
    stories: Sequence[Story],
    vectors: Vectors,
    *,
    min_stories: int,
    min_cosine: float = MIN_COSINE_PROJECTED,
    outlets: Collection[str] = (),
    earlier: Collection[frozenset[str]] = (),
) -> list[Topic]:
    """Return the topics among these stories; a story may be in none.

    `vectors` has one row of unit length for each story, as `project` returns it; `earlier` holds the ids of the
    stories of each topic of yesterday. Rows are put in the order of the stories' ids first, because HDBSCAN's
    labels depend on the order of its input. Called again with its own answer as `earlier`, it returns that answer.
    """
    order = sorted(range(len(stories)), key=lambda i: stories[i].id)
    stories, rows = [stories[i] for i in order], vectors[order].astype(np.float64)
    labels = cluster_topics(rows, _earlier_labels(stories, earlier), min_stories=min_stories, min_cosine=min_cosine)
    groups = [np.flatnonzero(labels == number) for number in range(labels.max(initial=-1) + 1)]
    terms = label_groups([story.texts for story in stories], groups, outlets)
    return [_topic(stories, rows, members, named) for members, named in zip(groups, terms, strict=True)]


def _earlier_labels(stories: Sequence[Story], earlier: Collection[frozenset[str]]) -> Integers:
    """Return for each story the number of its earlier topic, counted in the order of their first stories; else -1."""
    row = {story.id: position for position, story in enumerate(stories)}
    groups = sorted(sorted(row[member] for member in topic if member in row) for topic in earlier)
    labels = np.full(len(stories), -1)
    for number, group in enumerate(groups):
        labels[group] = number
    return labels


def _topic(stories: Sequence[Story], vectors: Floats, members: Integers, terms: TopicTerms) -> Topic:
    """Return one topic; its central story is the nearest to the centroid, the first of equals."""
    centroid = vectors[members].mean(axis=0)
    similarity = np.round(vectors[members] @ (centroid / max(float(np.linalg.norm(centroid)), 1e-9)), 6)
    return Topic(
        stories=frozenset(stories[i].id for i in members),
        centroid_similarities={
            stories[i].id: max(0.0, float(cosine)) for i, cosine in zip(members, similarity, strict=True)
        },
        words_en=terms.en,
        words_fr=terms.fr,
        label=terms.label,
        central_story=stories[members[int(np.argmax(similarity))]].id,
    )
