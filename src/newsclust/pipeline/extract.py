"""Pages and feed fields -> the texts of articles."""

from contextlib import AbstractContextManager, nullcontext

from newsclust.errors import ItemError
from newsclust.extract import Extractor, boilerplate_candidates, drop_site_boilerplate
from newsclust.model import Count, Extraction, Run
from newsclust.pipeline.runner import Clock, batches, progress_bar, raise_on_systemic_failure, save_failures
from newsclust.store import Database, articles, fingerprints

_BATCH = 300  # articles, whose pages are in memory at the same time and whose texts are stored together


def extract_articles(db: Database, run: Run, clock: Clock, extractor: Extractor) -> Count:
    """Take the text of every article that is new or changed, from its page or its feed.

    Paragraphs that recur under different titles of one site are learned as its boilerplate and dropped from tonight's
    texts once they stand under enough titles. An extractor that is a context manager is entered for the step.
    """
    todo = articles.articles_to_extract(db)
    done = 0
    errors: list[ItemError] = []
    step_context = extractor if isinstance(extractor, AbstractContextManager) else nullcontext()
    with step_context, progress_bar("extract_articles", len(todo)) as progress:
        for ids in batches(todo, _BATCH):
            extractions: list[Extraction] = []
            failures: list[tuple[str, ItemError]] = []
            for source, outcome in zip(
                sources := articles.sources_of(db, ids), extractor.extract(sources), strict=True
            ):
                if outcome.extraction:
                    extractions.append(outcome.extraction)
                if outcome.error:
                    failures.append((source.article_id, outcome.error))
                progress.update()
            save_failures(db, run, clock, "extract_articles", failures)
            known: set[int] = set()
            for min_titles, blocks in boilerplate_candidates(extractions).items():
                known |= fingerprints.learn_boilerplate(db, run, blocks, min_contexts=min_titles)
            done += articles.save_extractions(
                db, run, ids, [drop_site_boilerplate(each, known) for each in extractions]
            )
            errors.extend(error for _, error in failures)
    raise_on_systemic_failure("extract_articles", errors, len(todo))
    return Count(done=done, skipped=len(todo) - done - len(errors), failed=len(errors))
