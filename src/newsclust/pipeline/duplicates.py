"""New articles -> duplicates of others, and the outlets' boilerplate."""

from collections.abc import Sequence

from newsclust.duplicates import KEY_METHOD, MIN_CONTEXTS, edge_blocks, fingerprint, originals
from newsclust.model import Count, Run
from newsclust.overrides import Correction, duplicate_overrides
from newsclust.pipeline.runner import ARTICLE_BATCH_SIZE, batches
from newsclust.store import Database, articles
from newsclust.store import fingerprints as store_fingerprints


def find_duplicates(
    db: Database, run: Run, corrections: Sequence[Correction], jaccard: float, containment: float
) -> Count:
    """Find which of the new and changed articles duplicate another; done counts articles compared.

    Articles that a person has declared to be originals stay originals, whatever comes.
    """
    for ids in batches(store_fingerprints.articles_with_outdated_keys(db, KEY_METHOD), ARTICLE_BATCH_SIZE):
        store_fingerprints.save_keys(db, run, fingerprint(articles.articles(db, ids)), KEY_METHOD)
    overrides = duplicate_overrides(corrections)
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
