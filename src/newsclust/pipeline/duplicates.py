"""Articles -> copies of others, and articles rewritten from others."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from newsclust.duplicates import KEY_METHOD, MIN_CONTEXTS, edge_blocks, fingerprint, originals
from newsclust.duplicates.rewrites import MIN_ARTICLE_WORDS, compare_pairs
from newsclust.embed import Embedder
from newsclust.model import Count, Run
from newsclust.overrides import Correction, duplicate_overrides
from newsclust.pipeline.runner import ARTICLE_BATCH_SIZE, batches, progress_bar
from newsclust.store import Database, articles, rewrites
from newsclust.store import fingerprints as store_fingerprints

Item = TypeVar("Item")
_PAIRS_AT_ONCE = 256  # judged and stored together, and the rest of the last one's story
_SOURCES_OF_ONE = 12  # earlier articles of its story that an article is compared with: all, in stories of up to 13


def find_duplicates(db: Database, run: Run, said: Sequence[Correction], jaccard: float, containment: float) -> Count:
    """Say which of the new and changed articles repeat another; done counts articles compared.

    Articles that a person has said to be copies of none stay originals, whatever comes.
    """
    for ids in batches(store_fingerprints.articles_with_outdated_keys(db, KEY_METHOD), ARTICLE_BATCH_SIZE):
        store_fingerprints.save_keys(db, run, fingerprint(articles.articles(db, ids)), KEY_METHOD)
    overrides = duplicate_overrides(said)
    store_fingerprints.sync_duplicate_overrides(db, run, overrides)
    todo = store_fingerprints.articles_to_compare(db)
    fresh = articles.articles(db, todo)
    fingerprints = fingerprint(fresh)
    pairs = store_fingerprints.candidate_pairs(db, fingerprints)
    compared = {article_id for pair in pairs for article_id in pair}
    known = store_fingerprints.originals_of(db, [*todo, *sorted(compared)])
    others = articles.articles(db, sorted((compared | set(known.values())) - set(todo)))
    boilerplate = store_fingerprints.learn_boilerplate(
        db, run, edge_blocks(fresh), lookup=edge_blocks(others), min_contexts=MIN_CONTEXTS
    )
    store_fingerprints.forget_boilerplate(db, run, min_contexts=MIN_CONTEXTS)
    duplicates = originals.find_duplicates(
        fresh,
        others,
        pairs,
        known,
        boilerplate=boilerplate,
        duplicate_overrides=overrides,
        jaccard=jaccard,
        containment=containment,
    )
    store_fingerprints.save_duplicates(db, run, fingerprints, duplicates, method=KEY_METHOD)
    return Count(done=len(todo))


def find_rewrites(db: Database, run: Run, embedder: Embedder) -> Count:
    """Judge which articles of one living story were rewritten or translated from others; done counts pairs judged.

    Each article's sentences are embedded once at most, because whole stories are judged together.
    """
    stories = rewrites.pairs_to_compare(db, embedder.name, fewest_words=MIN_ARTICLE_WORDS, most=_SOURCES_OF_ONE)
    todo = sum(len(pairs) for pairs in stories)
    with progress_bar("find_rewrites", todo) as progress:
        for pairs in _whole_stories(stories, _PAIRS_AT_ONCE):
            named = sorted({article_id for pair in pairs for article_id in pair})
            told = {article.id: article for article in articles.articles(db, named)}
            found = compare_pairs([(told[one], told[other]) for one, other in pairs], embedder)
            rewrites.save_rewrite_comparisons(db, run, found)
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
