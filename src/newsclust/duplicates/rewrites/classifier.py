"""Pairs of articles -> whether each shares a text, how sure, and the reason in words.

The rule was found on 562 pairs of one event, labelled by reading or by construction (docs/experiments.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from newsclust.duplicates.rewrites.lexical import Run, anchors_of, in_order, runs_of
from newsclust.duplicates.rewrites.semantic import Alignment, Vectors, alignment_of, centred, centres_of
from newsclust.model import Article, Derivation, DerivationMethod
from newsclust.text.sentences import MIN_WORDS, split_sentences, unquoted_sentences

FEWEST_SENTENCES = 5  # of the shorter text; with fewer, independent reports align as well as translations do
FEWEST_WORDS = FEWEST_SENTENCES * MIN_WORDS  # a text with fewer cannot have the sentences

DERIVED = 0.5  # the score of a shared text
RUNS = 0.4  # the share of common runs whose score that is
CLOSENESS, ORDERED = 0.5, 0.6  # the closeness and the share of sentences in order whose score that is

# From where on a pair's sentences are embedded: of the labelled pairs that share a text these let all through, of the
# independent ones .26 (wire news) and .41 (tech).
GATE_RUNS, GATE_ANCHORS = 0.02, 0.4


class SentenceEmbedder(Protocol):
    """What gives sentences directions: equal names, comparable vectors."""

    @property
    def name(self) -> str: ...

    def embed(self, texts: Sequence[str]) -> Vectors: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is compared of one article."""

    article: Article
    sentences: tuple[str, ...]  # the reporter's own
    runs: frozenset[Run]
    anchors: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What the words of two texts have in common, and how many the text with fewer has."""

    common_runs: int
    runs: int
    common_anchors: int
    anchors: int

    @property
    def run_share(self) -> float:
        return self.common_runs / self.runs if self.runs else 0.0

    @property
    def anchor_share(self) -> float:
        return self.common_anchors / self.anchors if self.anchors else 0.0


def find_derivations(pairs: Sequence[tuple[Article, Article]], embedder: SentenceEmbedder) -> list[Derivation]:
    """Return one derivation for each pair, in order; the order of a pair, and what else is asked, changes nothing.

    Embedded are only the sentences of pairs that words do not decide, those of each article once.
    """
    told = {article.id: told_by(article) for pair in pairs for article in pair}
    by_words = [judge_wording(told[one.id], told[other.id]) for one, other in pairs]
    undecided = {article.id for pair, known in zip(pairs, by_words, strict=True) if known is None for article in pair}
    sentences = _centred_sentences([told[article_id] for article_id in sorted(undecided)], embedder)
    return [
        known or judge_meaning(told[one.id], told[other.id], sentences[one.id], sentences[other.id])
        for (one, other), known in zip(pairs, by_words, strict=True)
    ]


def told_by(article: Article) -> Told:
    """Return what is compared of an article."""
    sentences = split_sentences(article.text)
    text = "\n".join(sentences)
    return Told(
        article=article,
        sentences=tuple(unquoted_sentences(sentences)),
        runs=runs_of(text),
        anchors=anchors_of(text),
    )


def judge_wording(one: Told, other: Told) -> Derivation | None:
    """Return what the words decide alone: too short to tell, the same words, or too little; None for the rest."""
    wording = wording_of(one, other)
    fewest = min(len(one.sentences), len(other.sentences))
    if fewest < FEWEST_SENTENCES:
        said = f"too short to tell: {fewest} of the {FEWEST_SENTENCES} sentences that are needed"
        return _derivation(one, other, None, DerivationMethod.WORDING, said)
    if wording.run_share >= RUNS:
        return _derivation(one, other, _by_wording(wording), DerivationMethod.WORDING, _in_words(wording))
    if wording.run_share < GATE_RUNS and wording.anchor_share < GATE_ANCHORS:
        return _derivation(one, other, _by_wording(wording), DerivationMethod.WORDING, _in_words(wording))
    return None


def judge_meaning(one: Told, other: Told, one_sentences: Vectors, other_sentences: Vectors) -> Derivation:
    """Return what words and sentences decide together; `*_sentences` are centred, one row for each of `sentences`."""
    (short, short_rows), (long, long_rows) = sorted(
        ((one, one_sentences), (other, other_sentences)),
        key=lambda side: (len(side[0].sentences), side[0].article.id),
    )
    wording, alignment = wording_of(short, long), alignment_of(short_rows, long_rows)
    score = max(_by_wording(wording), _by_meaning(alignment))
    said = (
        f"{alignment.aligned} of the shorter's {alignment.sentences} sentences say what the other says, "
        f"{alignment.ordered} in its order; closeness {alignment.closeness:.2f}; {_in_words(wording)}"
    )
    return _derivation(short, long, score, DerivationMethod.MEANING, said)


def wording_of(one: Told, other: Told) -> Wording:
    """Return what the words of two articles have in common."""
    return Wording(
        common_runs=len(one.runs & other.runs),
        runs=min(len(one.runs), len(other.runs)),
        common_anchors=in_order(one.anchors, other.anchors),
        anchors=min(len(one.anchors), len(other.anchors)),
    )


def _by_wording(wording: Wording) -> float:
    return min(1.0, DERIVED * wording.run_share / RUNS)


def _by_meaning(alignment: Alignment) -> float:
    """Return the weaker of two signs: independent reports are close out of order, or in order and far apart."""
    closeness = alignment.closeness / CLOSENESS
    ordered = alignment.ordered / alignment.sentences / ORDERED
    return min(1.0, DERIVED * min(closeness, ordered))


def _in_words(wording: Wording) -> str:
    return (
        f"{wording.common_runs} of {wording.runs} four-word runs in common, "
        f"{wording.common_anchors} of {wording.anchors} names and numbers in one order"
    )


def _derivation(one: Told, other: Told, score: float | None, method: DerivationMethod, evidence: str) -> Derivation:
    article_a, article_b = sorted((one.article.id, other.article.id))
    return Derivation(
        article_a=article_a,
        article_b=article_b,
        score=score,
        derived=score is not None and score >= DERIVED,
        method=method,
        evidence=evidence,
    )


def _centred_sentences(articles: Sequence[Told], embedder: SentenceEmbedder) -> dict[str, Vectors]:
    """Return the centred sentence vectors of each article by its id, all embedded in one call, none in none."""
    if not articles:
        return {}
    vectors = embedder.embed([sentence for told in articles for sentence in told.sentences])
    centres = centres_of(embedder.name)
    ends = np.cumsum([len(told.sentences) for told in articles])
    return {
        told.article.id: centred(rows, centres.get(told.article.language))
        for told, rows in zip(articles, np.split(vectors, ends[:-1]), strict=True)
    }
