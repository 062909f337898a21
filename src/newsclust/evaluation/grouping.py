"""Stories of labelled sets by the pipeline's own linker and clusterer, scored against the labels."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from newsclust.evaluation import measures
from newsclust.evaluation.measures import PrecisionRecall
from newsclust.model import Window
from newsclust.stories.clustering import Clusterer
from newsclust.stories.pairs import Linker


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupingScores:
    """How well one grouping rebuilds one gold grouping; all scores are between 0 and 1."""

    b3_precision: float
    b3_recall: float
    b3: float
    b3_multi: float  # over the items of gold groups of two or more
    pair_precision: float
    pair_recall: float
    pair: float
    en_fr_precision: float | None  # over pairs of one English and one French item; None when gold has no such pair
    en_fr_recall: float | None
    en_fr: float | None
    exact: float  # gold groups of two or more that were found with exactly their items
    homogeneity: float
    completeness: float


def grouped_stories(window: Window, linker: Linker, clusterer: Clusterer) -> list[str]:
    """Return the story of each article, in order, as the pipeline's linker and clusterer group the set.

    The set is one window, however many days it has, and its duplicates are articles like the others. A story is
    named by the smallest id in it.
    """
    groups = clusterer.cluster(window, linker.link(window))
    story = {article: min(group) for group in groups for article in group}
    return [story[article_id] for article_id in window.ids]


def grouping_scores(found: Sequence[Hashable], gold: Sequence[Hashable], languages: Sequence[str]) -> GroupingScores:
    """Return all measures of one grouping; the three sequences have one member for each item."""
    b3, pair, en_fr = measures.b_cubed(found, gold), measures.pairwise(found, gold), _en_fr(found, gold, languages)
    homogeneity, completeness = measures.homogeneity_and_completeness(found, gold)
    return GroupingScores(
        b3_precision=b3.precision,
        b3_recall=b3.recall,
        b3=b3.f1,
        b3_multi=measures.b_cubed(found, gold, only=measures.in_a_pair(gold)).f1,
        pair_precision=pair.precision,
        pair_recall=pair.recall,
        pair=pair.f1,
        en_fr_precision=en_fr.precision if en_fr else None,
        en_fr_recall=en_fr.recall if en_fr else None,
        en_fr=en_fr.f1 if en_fr else None,
        exact=measures.exact(found, gold),
        homogeneity=homogeneity,
        completeness=completeness,
    )


def mean_scores(rows: Sequence[GroupingScores]) -> GroupingScores:
    """Return the mean of each measure over the rows that have it; ValueError when there is no row."""
    if not rows:
        raise ValueError("no rows to average")

    def mean(name: str) -> Any:  # None only where a Figures may hold it
        known = [value for row in rows if (value := getattr(row, name)) is not None]
        return float(np.mean(known)) if known else None

    return GroupingScores(**{field.name: mean(field.name) for field in fields(GroupingScores)})


def _en_fr(found: Sequence[Hashable], gold: Sequence[Hashable], languages: Sequence[str]) -> PrecisionRecall | None:
    """Return the pairwise score across English and French; None where gold has nothing to be found."""
    both = [place for place, language in enumerate(languages) if language in {"en", "fr"}]
    found, gold, sides = ([labels[place] for place in both] for labels in (found, gold, languages))
    return measures.pairwise(found, gold, sides=sides) if measures.pairs(gold, sides) else None
