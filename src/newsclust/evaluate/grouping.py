"""Stories on labelled sets: the pipeline's own stages and the baselines, on the same vectors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from newsclust.embed import Embedder, embedding_text
from newsclust.evaluate import measures
from newsclust.evaluate.baselines import Baseline
from newsclust.evaluate.sets import LabelledSet
from newsclust.links import Linker
from newsclust.stories import Clusterer

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How well one grouping rebuilds one gold grouping; all are shares between 0 and 1."""

    b3_precision: float
    b3_recall: float
    b3: float
    b3_multi: float  # over the items of gold groups of two or more
    pair_precision: float
    pair_recall: float
    pair: float
    en_fr: float  # pairwise F1 over pairs of one English and one French item
    exact: float
    homogeneity: float
    completeness: float


def figures(found: Sequence[object], gold: Sequence[object], languages: Sequence[str]) -> Figures:
    """Return all measures of one grouping; the three sequences have one member for each item."""
    found, gold = [str(label) for label in found], [str(label) for label in gold]
    b3, pair = measures.b_cubed(found, gold), measures.pairwise(found, gold)
    both = [place for place, language in enumerate(languages) if language in ("en", "fr")]
    across = measures.pairwise([found[i] for i in both], [gold[i] for i in both], sides=[languages[i] for i in both])
    homogeneity, completeness = measures.homogeneity_and_completeness(found, gold)
    return Figures(
        b3_precision=b3.precision,
        b3_recall=b3.recall,
        b3=b3.f1,
        b3_multi=measures.b_cubed(found, gold, only=measures.in_a_pair(gold)).f1,
        pair_precision=pair.precision,
        pair_recall=pair.recall,
        pair=pair.f1,
        en_fr=across.f1,
        exact=measures.exact(found, gold),
        homogeneity=homogeneity,
        completeness=completeness,
    )


def mean_of(rows: Sequence[Figures]) -> Figures:
    """Return the mean of each measure."""
    return Figures(**{f.name: float(np.mean([getattr(row, f.name) for row in rows])) for f in fields(Figures)})


def embedded(labelled: LabelledSet, embedder: Embedder, *, characters: int) -> Vectors:
    """Return the vectors of a set's articles, made as the pipeline makes them."""
    return embedder.embed([embedding_text(a.title, a.text, characters=characters) for a in labelled.articles])


def grouped(labelled: LabelledSet, vectors: Vectors, model: str, linker: Linker, clusterer: Clusterer) -> list[str]:
    """Return the story of each article, in order: what the pipeline's linker and clusterer make of the set.

    A story is named by the smallest id in it.
    """
    links = linker.link(labelled.articles, vectors, model)
    ids = [article.id for article in labelled.articles]
    story = {a: min(group) for group in clusterer.cluster(ids, links) for a in group}
    return [story[article_id] for article_id in ids]


def baseline_figures(
    labelled: LabelledSet, vectors: Vectors, baselines: Mapping[str, Baseline]
) -> dict[str, Figures]:
    """Return the figures of each baseline on one set."""
    gold, languages = list(labelled.stories), [article.language for article in labelled.articles]
    return {name: figures(rule(labelled.articles, vectors), gold, languages) for name, rule in baselines.items()}
