"""Pairs of articles of one story -> which share a text: rewrites and translations."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from newsclust.duplicates.rewrites import MIN_ARTICLE_WORDS, compare_pairs
from newsclust.embed import Embedder
from newsclust.model import Count, Run
from newsclust.pipeline.runner import progress_bar
from newsclust.store import Database, articles, rewrites

Item = TypeVar("Item")
_PAIRS_AT_ONCE = 256  # compared and stored together, and the rest of the last one's story
_SOURCES_OF_ONE = 12  # earlier articles of its story that an article is compared with: all, in stories of up to 13


def find_rewrites(db: Database, run: Run, embedder: Embedder) -> Count:
    """Find which articles of one living story were rewritten or translated from others; done counts pairs compared.

    Each article's sentences are embedded once at most, because whole stories are compared together.
    """
    stories = rewrites.pairs_to_compare(db, embedder.name, fewest_words=MIN_ARTICLE_WORDS, most=_SOURCES_OF_ONE)
    todo = sum(len(pairs) for pairs in stories)
    with progress_bar("find_rewrites", todo) as progress:
        for pairs in _whole_stories(stories, _PAIRS_AT_ONCE):
            ids = sorted({article_id for pair in pairs for article_id in pair})
            by_id = {article.id: article for article in articles.articles(db, ids)}
            comparisons = compare_pairs([(by_id[left], by_id[right]) for left, right in pairs], embedder)
            rewrites.save_rewrite_comparisons(db, run, comparisons)
            progress.update(len(pairs))
    return Count(done=todo)


def _whole_stories(stories: Sequence[Sequence[Item]], size: int) -> Iterator[list[Item]]:
    """Yield the items of all stories, those of one together, at least `size` at a time but for the last."""
    batch: list[Item] = []
    for story in stories:
        batch.extend(story)
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch
