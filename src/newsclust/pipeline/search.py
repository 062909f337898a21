"""Articles -> the words that a search finds them by."""

import time

from newsclust.model import Count, Run
from newsclust.pipeline.runner import batches, log, progress_bar
from newsclust.search import count_words, stems_of
from newsclust.store import Database, search

BUDGET_S = 600.0  # an archive of 500,000 articles that has no index yet is indexed in one night, larger ones in some
_AT_ONCE = 2_000  # articles stored together: each time all known words are read


def index_articles(db: Database, run: Run, budget_s: float = BUDGET_S) -> Count:
    """Store the words of every article whose present title and text are not indexed, the newest first.

    After `budget_s` seconds the rest is left for the next night (skipped). What was stored stays when the step is
    killed.
    """
    started_at, done = time.monotonic(), 0
    search.forget_removed(db)
    todo = search.articles_to_index(db)
    with progress_bar("index_articles", len(todo)) as progress:
        for ids in batches(todo, _AT_ONCE):
            if time.monotonic() - started_at > budget_s:
                log.warning("index_articles: %d articles are left for the next night", len(todo) - done)
                break
            articles = search.folded(db, ids)
            search.save_indexed(db, run, articles, count_words(articles), stems_of)
            done += len(ids)
            progress.update(len(ids))
    return Count(done=done, skipped=len(todo) - done)
