"""Articles -> copies of others, and articles rewritten from others."""

from collections.abc import Iterator, Sequence

from newsclust.duplicates import METHOD, NEIGHBOURS, ends_of, find_duplicates, fingerprint
from newsclust.duplicates.rewrites import FEWEST_WORDS, find_derivations
from newsclust.embed import Embedder
from newsclust.model import Count, Run
from newsclust.overrides import Correction, duplicate_overrides
from newsclust.pipeline.runner import ARTICLES_AT_ONCE, Item, bar, batches
from newsclust.store import Database, articles, rewrites
from newsclust.store import fingerprints as store_fingerprints

_PAIRS_AT_ONCE = 256  # judged and stored together, and the rest of the last one's story
_SOURCES_OF_ONE = 12  # earlier articles of its story that an article is compared with: all, in stories of up to 13


def find_copies(db: Database, run: Run, said: Sequence[Correction], jaccard: float, containment: float) -> Count:
    """Say which of the new and changed articles repeat another; done counts articles compared.

    Articles that a person has said to be copies of none stay originals, whatever comes.
    """
    for ids in batches(store_fingerprints.articles_with_other_keys(db, METHOD), ARTICLES_AT_ONCE):
        store_fingerprints.save_keys(db, run, fingerprint(articles.articles(db, ids)), METHOD)
    kept = duplicate_overrides(said)
    store_fingerprints.sync_no_copies(db, run, kept)
    todo = store_fingerprints.articles_to_compare(db)
    fresh = articles.articles(db, todo)
    fingerprints = fingerprint(fresh)
    pairs = store_fingerprints.candidate_pairs(db, fingerprints)
    compared = {article_id for pair in pairs for article_id in pair}
    known = store_fingerprints.originals_of(db, [*todo, *sorted(compared)])
    others = articles.articles(db, sorted((compared | set(known.values())) - set(todo)))
    furniture = store_fingerprints.learn_ends(db, run, ends_of(fresh), beside=ends_of(others), neighbours=NEIGHBOURS)
    store_fingerprints.forget_ends(db, run, neighbours=NEIGHBOURS)
    duplicates = find_duplicates(
        fresh,
        others,
        pairs,
        known,
        furniture=furniture,
        no_copies=kept,
        jaccard=jaccard,
        containment=containment,
    )
    store_fingerprints.save_duplicates(db, run, fingerprints, duplicates, method=METHOD)
    return Count(done=len(todo))


def find_derived(db: Database, run: Run, embedder: Embedder) -> Count:
    """Judge which articles of one living story were rewritten or translated from others; done counts pairs judged.

    Each article's sentences are embedded once at most, because whole stories are judged together.
    """
    stories = rewrites.pairs_to_judge(db, embedder.name, fewest_words=FEWEST_WORDS, most=_SOURCES_OF_ONE)
    todo = sum(len(pairs) for pairs in stories)
    with bar("find_derived", todo) as progress:
        for pairs in _whole_stories(stories, _PAIRS_AT_ONCE):
            named = sorted({article_id for pair in pairs for article_id in pair})
            told = {article.id: article for article in articles.articles(db, named)}
            found = find_derivations([(told[one], told[other]) for one, other in pairs], embedder)
            rewrites.save_derivations(db, run, found)
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
