"""Pairs of articles -> whether each shares a text, a score, and the reason in words.

The thresholds were chosen on 562 pairs of one event, labelled by reading or by construction (docs/experiments.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from newsclust.arrays import Vectors
from newsclust.duplicates.rewrites.lexical import Shingle, find_anchors, lcs_length, shingles_of
from newsclust.duplicates.rewrites.semantic import (
    Alignment,
    center_sentences,
    measure_alignment,
    shipped_sentence_means,
)
from newsclust.model import Article, RewriteComparison, RewriteMethod
from newsclust.text.sentences import MIN_WORDS, split_sentences, unquoted_sentences

MIN_ARTICLE_SENTENCES = 5  # of the shorter text; with fewer, independent reports align as well as translations do
MIN_ARTICLE_WORDS = MIN_ARTICLE_SENTENCES * MIN_WORDS  # a text with fewer cannot have the sentences

REWRITE_SCORE = 0.5  # the score from which two articles share a text
SHINGLE_SHARE = 0.4  # the share of common shingles that gives this score
CLOSENESS, ORDERED_SHARE = 0.5, 0.6  # the closeness and the share of sentences in order that give this score

# From where on a pair's sentences are embedded: of the labelled pairs that share a text these let all through, of the
# independent ones .26 (wire news) and .41 (tech).
GATE_SHINGLE_SHARE, GATE_ANCHOR_SHARE = 0.02, 0.4


class SentenceEmbedder(Protocol):
    """Gives every sentence a unit vector."""

    @property
    def name(self) -> str:
        """Return what identifies the vectors: equal names, comparable vectors."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one row of unit length for each text, in order: shape (texts, dimensions)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedArticle:
    """What is compared of one article."""

    article: Article
    sentences: tuple[str, ...]  # the reporter's own
    shingles: frozenset[Shingle]
    anchors: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LexicalOverlap:
    """What the words of two texts have in common, and how many the text with fewer has."""

    common_shingles: int
    shingles: int
    common_anchors: int
    anchors: int

    @property
    def shingle_share(self) -> float:
        """Return the share of the shingles that is common, 0 to 1."""
        return self.common_shingles / self.shingles if self.shingles else 0.0

    @property
    def anchor_share(self) -> float:
        """Return the share of the anchors that is common and in one order, 0 to 1."""
        return self.common_anchors / self.anchors if self.anchors else 0.0


def compare_pairs(pairs: Sequence[tuple[Article, Article]], embedder: SentenceEmbedder) -> list[RewriteComparison]:
    """Return one comparison for each pair, in order; the order within a pair, and the other pairs, change nothing.

    Only the sentences of pairs that words do not decide are embedded, those of each article once.
    """
    prepared = {article.id: prepare(article) for pair in pairs for article in pair}
    by_words = [compare_lexically(prepared[left.id], prepared[right.id]) for left, right in pairs]
    undecided = {
        article.id for pair, decided in zip(pairs, by_words, strict=True) if decided is None for article in pair
    }
    sentences = _embed_sentences([prepared[article_id] for article_id in sorted(undecided)], embedder)
    return [
        decided
        or compare_semantically(prepared[left.id], prepared[right.id], sentences[left.id], sentences[right.id])
        for (left, right), decided in zip(pairs, by_words, strict=True)
    ]


def prepare(article: Article) -> ComparedArticle:
    """Return what is compared of an article."""
    sentences = split_sentences(article.text)
    text = "\n".join(sentences)
    return ComparedArticle(
        article=article,
        sentences=tuple(unquoted_sentences(sentences)),
        shingles=shingles_of(text),
        anchors=find_anchors(text),
    )


def compare_lexically(left: ComparedArticle, right: ComparedArticle) -> RewriteComparison | None:
    """Return what words alone decide: too short to tell, the same words, or too few in common; None for the rest."""
    overlap = lexical_overlap(left, right)
    fewest = min(len(left.sentences), len(right.sentences))
    if fewest < MIN_ARTICLE_SENTENCES:
        evidence = f"too short to tell: {fewest} of the {MIN_ARTICLE_SENTENCES} sentences that are needed"
        return _comparison(left, right, None, RewriteMethod.LEXICAL, evidence)
    is_alike = overlap.shingle_share >= SHINGLE_SHARE
    is_unlike = overlap.shingle_share < GATE_SHINGLE_SHARE and overlap.anchor_share < GATE_ANCHOR_SHARE
    if is_alike or is_unlike:
        score = _lexical_score(overlap)
        return _comparison(left, right, score, RewriteMethod.LEXICAL, _lexical_evidence(overlap))
    return None


def compare_semantically(
    left: ComparedArticle, right: ComparedArticle, left_vectors: Vectors, right_vectors: Vectors
) -> RewriteComparison:
    """Return what words and sentences decide together; the vectors are centred, one row for each sentence."""
    (short, short_vectors), (long, long_vectors) = sorted(
        ((left, left_vectors), (right, right_vectors)),
        key=lambda side: (len(side[0].sentences), side[0].article.id),
    )
    overlap, alignment = lexical_overlap(short, long), measure_alignment(short_vectors, long_vectors)
    score = max(_lexical_score(overlap), _semantic_score(alignment))
    evidence = (
        f"{alignment.aligned} of the shorter's {alignment.sentences} sentences say what the other says, "
        f"{alignment.ordered} in its order; closeness {alignment.closeness:.2f}; {_lexical_evidence(overlap)}"
    )
    return _comparison(short, long, score, RewriteMethod.SEMANTIC, evidence)


def lexical_overlap(left: ComparedArticle, right: ComparedArticle) -> LexicalOverlap:
    """Return what the words of two articles have in common."""
    return LexicalOverlap(
        common_shingles=len(left.shingles & right.shingles),
        shingles=min(len(left.shingles), len(right.shingles)),
        common_anchors=lcs_length(left.anchors, right.anchors),
        anchors=min(len(left.anchors), len(right.anchors)),
    )


def _lexical_score(overlap: LexicalOverlap) -> float:
    return min(1.0, REWRITE_SCORE * overlap.shingle_share / SHINGLE_SHARE)


def _semantic_score(alignment: Alignment) -> float:
    """Return the weaker of two signs: independent reports are close out of order, or in order and far apart."""
    closeness = alignment.closeness / CLOSENESS
    ordered = alignment.ordered / alignment.sentences / ORDERED_SHARE
    return min(1.0, REWRITE_SCORE * min(closeness, ordered))


def _lexical_evidence(overlap: LexicalOverlap) -> str:
    return (
        f"{overlap.common_shingles} of {overlap.shingles} four-word runs in common, "
        f"{overlap.common_anchors} of {overlap.anchors} names and numbers in one order"
    )


def _comparison(
    left: ComparedArticle, right: ComparedArticle, score: float | None, method: RewriteMethod, evidence: str
) -> RewriteComparison:
    article_a, article_b = sorted((left.article.id, right.article.id))
    return RewriteComparison(
        article_a=article_a,
        article_b=article_b,
        score=score,
        is_rewrite=score is not None and score >= REWRITE_SCORE,
        method=method,
        evidence=evidence,
    )


def _embed_sentences(articles: Sequence[ComparedArticle], embedder: SentenceEmbedder) -> dict[str, Vectors]:
    """Return the centred sentence vectors of each article by its id, embedded in one call; no articles, no call."""
    if not articles:
        return {}
    vectors = embedder.embed([sentence for article in articles for sentence in article.sentences])
    means = shipped_sentence_means(embedder.name)
    ends = np.cumsum([len(article.sentences) for article in articles])
    return {
        compared.article.id: center_sentences(rows, means.get(compared.article.language))
        for compared, rows in zip(articles, np.split(vectors, ends[:-1]), strict=True)
    }
