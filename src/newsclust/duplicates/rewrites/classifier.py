"""Pairs of articles -> whether each shares a text, how sure, and the reason in words.

The rule was found on 562 pairs of one event, labelled by reading or by construction (docs/experiments.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from newsclust.duplicates.rewrites.lexical import Shingle, find_anchors, lcs_length, shingles_of
from newsclust.duplicates.rewrites.semantic import (
    Alignment,
    Vectors,
    center_sentences,
    measure_alignment,
    shipped_sentence_means,
)
from newsclust.model import Article, RewriteComparison, RewriteMethod
from newsclust.text.sentences import MIN_WORDS, split_sentences, unquoted_sentences

MIN_ARTICLE_SENTENCES = 5  # of the shorter text; with fewer, independent reports align as well as translations do
MIN_ARTICLE_WORDS = MIN_ARTICLE_SENTENCES * MIN_WORDS  # a text with fewer cannot have the sentences

REWRITE_SCORE = 0.5  # the score of a shared text
SHINGLE_SHARE = 0.4  # the share of common runs whose score that is
CLOSENESS, ORDERED_SHARE = 0.5, 0.6  # the closeness and the share of sentences in order whose score that is

# From where on a pair's sentences are embedded: of the labelled pairs that share a text these let all through, of the
# independent ones .26 (wire news) and .41 (tech).
GATE_SHINGLE_SHARE, GATE_ANCHOR_SHARE = 0.02, 0.4


class SentenceEmbedder(Protocol):
    """What gives sentences directions: equal names, comparable vectors."""

    @property
    def name(self) -> str: ...

    def embed(self, texts: Sequence[str]) -> Vectors: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedArticle:
    """What is compared of one article."""

    article: Article
    sentences: tuple[str, ...]  # the reporter's own
    runs: frozenset[Shingle]
    anchors: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LexicalOverlap:
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


def compare_pairs(pairs: Sequence[tuple[Article, Article]], embedder: SentenceEmbedder) -> list[RewriteComparison]:
    """Return one derivation for each pair, in order; the order of a pair, and what else is asked, changes nothing.

    Embedded are only the sentences of pairs that words do not decide, those of each article once.
    """
    told = {article.id: prepare(article) for pair in pairs for article in pair}
    by_words = [compare_lexically(told[one.id], told[other.id]) for one, other in pairs]
    undecided = {article.id for pair, known in zip(pairs, by_words, strict=True) if known is None for article in pair}
    sentences = _embed_sentences([told[article_id] for article_id in sorted(undecided)], embedder)
    return [
        known or compare_semantically(told[one.id], told[other.id], sentences[one.id], sentences[other.id])
        for (one, other), known in zip(pairs, by_words, strict=True)
    ]


def prepare(article: Article) -> ComparedArticle:
    """Return what is compared of an article."""
    sentences = split_sentences(article.text)
    text = "\n".join(sentences)
    return ComparedArticle(
        article=article,
        sentences=tuple(unquoted_sentences(sentences)),
        runs=shingles_of(text),
        anchors=find_anchors(text),
    )


def compare_lexically(one: ComparedArticle, other: ComparedArticle) -> RewriteComparison | None:
    """Return what the words decide alone: too short to tell, the same words, or too little; None for the rest."""
    wording = lexical_overlap(one, other)
    fewest = min(len(one.sentences), len(other.sentences))
    if fewest < MIN_ARTICLE_SENTENCES:
        said = f"too short to tell: {fewest} of the {MIN_ARTICLE_SENTENCES} sentences that are needed"
        return _comparison(one, other, None, RewriteMethod.WORDING, said)
    if wording.run_share >= SHINGLE_SHARE:
        return _comparison(one, other, _lexical_score(wording), RewriteMethod.WORDING, _lexical_evidence(wording))
    if wording.run_share < GATE_SHINGLE_SHARE and wording.anchor_share < GATE_ANCHOR_SHARE:
        return _comparison(one, other, _lexical_score(wording), RewriteMethod.WORDING, _lexical_evidence(wording))
    return None


def compare_semantically(
    one: ComparedArticle, other: ComparedArticle, one_sentences: Vectors, other_sentences: Vectors
) -> RewriteComparison:
    """Return what words and sentences decide together; `*_sentences` are centred, one row for each of `sentences`."""
    (short, short_rows), (long, long_rows) = sorted(
        ((one, one_sentences), (other, other_sentences)),
        key=lambda side: (len(side[0].sentences), side[0].article.id),
    )
    wording, alignment = lexical_overlap(short, long), measure_alignment(short_rows, long_rows)
    score = max(_lexical_score(wording), _semantic_score(alignment))
    said = (
        f"{alignment.aligned} of the shorter's {alignment.sentences} sentences say what the other says, "
        f"{alignment.ordered} in its order; closeness {alignment.closeness:.2f}; {_lexical_evidence(wording)}"
    )
    return _comparison(short, long, score, RewriteMethod.MEANING, said)


def lexical_overlap(one: ComparedArticle, other: ComparedArticle) -> LexicalOverlap:
    """Return what the words of two articles have in common."""
    return LexicalOverlap(
        common_runs=len(one.runs & other.runs),
        runs=min(len(one.runs), len(other.runs)),
        common_anchors=lcs_length(one.anchors, other.anchors),
        anchors=min(len(one.anchors), len(other.anchors)),
    )


def _lexical_score(wording: LexicalOverlap) -> float:
    return min(1.0, REWRITE_SCORE * wording.run_share / SHINGLE_SHARE)


def _semantic_score(alignment: Alignment) -> float:
    """Return the weaker of two signs: independent reports are close out of order, or in order and far apart."""
    closeness = alignment.closeness / CLOSENESS
    ordered = alignment.ordered / alignment.sentences / ORDERED_SHARE
    return min(1.0, REWRITE_SCORE * min(closeness, ordered))


def _lexical_evidence(wording: LexicalOverlap) -> str:
    return (
        f"{wording.common_runs} of {wording.runs} four-word runs in common, "
        f"{wording.common_anchors} of {wording.anchors} names and numbers in one order"
    )


def _comparison(
    one: ComparedArticle, other: ComparedArticle, score: float | None, method: RewriteMethod, evidence: str
) -> RewriteComparison:
    article_a, article_b = sorted((one.article.id, other.article.id))
    return RewriteComparison(
        article_a=article_a,
        article_b=article_b,
        score=score,
        derived=score is not None and score >= REWRITE_SCORE,
        method=method,
        evidence=evidence,
    )


def _embed_sentences(articles: Sequence[ComparedArticle], embedder: SentenceEmbedder) -> dict[str, Vectors]:
    """Return the centred sentence vectors of each article by its id, all embedded in one call, none in none."""
    if not articles:
        return {}
    vectors = embedder.embed([sentence for told in articles for sentence in told.sentences])
    centres = shipped_sentence_means(embedder.name)
    ends = np.cumsum([len(told.sentences) for told in articles])
    return {
        told.article.id: center_sentences(rows, centres.get(told.article.language))
        for told, rows in zip(articles, np.split(vectors, ends[:-1]), strict=True)
    }
