"""Pages and feed fields -> the texts of articles."""

from collections import deque
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

from newsclust.errors import ExtractError, ItemError, Reason
from newsclust.extract import (
    Extractor,
    ExtractOutcome,
    Provenance,
    boilerplate_candidates,
    drop_site_boilerplate,
    outlet_of,
    recurring_wall_key,
    walled,
)
from newsclust.extract.walls import MIN_CONTEXTS
from newsclust.model import ArticleInput, Count, Extraction, Run, TextSource
from newsclust.pipeline.in_hand import InHand
from newsclust.pipeline.runner import (
    Clock,
    batches,
    progress_bar,
    raise_on_systemic_failure,
    save_failures,
    tell_set_aside,
)
from newsclust.store import Database, articles, fingerprints

_BATCH = 300  # articles, whose pages are in memory at the same time and whose texts are stored together


def extract_articles(db: Database, run: Run, clock: Clock, extractor: Extractor) -> Count:
    """Take the text of every article that is new or changed, from its page or its feed.

    Paragraphs that recur under different titles of one site are learned as its boilerplate and dropped from tonight's
    texts once they stand under enough titles. A page whose text stands under titles that it says nothing of is a
    wall; articles whose text it became before it was known are read again. An extractor that is a context manager is
    entered for the step.
    """
    with InHand(db, "extract_articles") as in_hand:
        set_aside = _set_aside(db, run, clock, in_hand.broken)
        return set_aside + _extract(db, run, clock, extractor, in_hand)


def _extract(db: Database, run: Run, clock: Clock, extractor: Extractor, in_hand: InHand) -> Count:
    todo = articles.articles_to_extract(db)
    done = skipped = 0
    errors: list[ItemError] = []
    urls: list[str] = []
    step_context = extractor if isinstance(extractor, AbstractContextManager) else nullcontext()
    with step_context, progress_bar("extract_articles", len(todo)) as progress:
        waiting = deque(batches(todo, _BATCH))
        while waiting:
            ids = waiting.popleft()
            sources = articles.sources_of(db, ids)
            urls += [source.url for source in sources]
            outcomes = []
            in_hand.hold(ids[0])
            for number, outcome in enumerate(extractor.extract(sources), start=1):
                outcomes.append(outcome)
                in_hand.hold(ids[min(number, len(ids) - 1)])
                progress.update()
            in_hand.release()
            outcomes, again = _without_recurring_walls(db, run, sources, outcomes)
            waiting.extend(batches(again, _BATCH))
            extractions = [outcome.extraction for outcome in outcomes if outcome.extraction]
            failures = [
                (source.article_id, outcome.error)
                for source, outcome in zip(sources, outcomes, strict=True)
                if outcome.error
            ]
            provenance = {
                source.article_id: _provenance(source, outcome.extraction)
                for source, outcome in zip(sources, outcomes, strict=True)
                if outcome.extraction
            }
            save_failures(db, run, clock, "extract_articles", failures)
            known: set[int] = set()
            for min_titles, blocks in boilerplate_candidates(extractions, provenance).items():
                known |= fingerprints.learn_boilerplate(db, run, blocks, min_contexts=min_titles)
            cleaned = [drop_site_boilerplate(each, known, provenance[each.article_id]) for each in extractions]
            saved = articles.save_extractions(db, run, ids, cleaned)
            done += saved
            skipped += len(ids) - saved - sum(outcome.extraction is None for outcome in outcomes)
            errors.extend(error for _, error in failures)
    raise_on_systemic_failure("extract_articles", errors, urls)
    return Count(done=done, skipped=skipped, failed=len(errors))


def _set_aside(db: Database, run: Run, clock: Clock, article_id: str) -> Count:
    """Leave the article alone with which an earlier night broke, until it changes; say so."""
    if not article_id or article_id not in articles.articles_to_extract(db):
        return Count()
    (source,) = articles.sources_of(db, [article_id])
    error = ExtractError(source.url, Reason.SET_ASIDE, "an earlier night ended while it was read")
    save_failures(db, run, clock, "extract_articles", [(article_id, error)])
    tell_set_aside(db, run, "extract_articles", error)
    articles.save_extractions(db, run, [article_id], [])
    return Count(failed=1)


def _without_recurring_walls(
    db: Database, run: Run, sources: Sequence[ArticleInput], outcomes: Sequence[ExtractOutcome]
) -> tuple[list[ExtractOutcome], list[str]]:
    """Return the outcomes with those of recurring walls replaced, and the articles stored with the text of one."""
    taken = [outcome.extraction for outcome in outcomes if outcome.extraction]
    blocks = {
        each.article_id: block
        for each in taken
        if each.text_source is TextSource.PAGE and (block := recurring_wall_key(each.title, each.text))
    }
    # An article under an edited title stands under one title.
    stored = {article_id: text for article_id, _, text in articles.titles_and_texts(db, list(blocks))}
    new = [
        blocks[one.article_id] for one in taken if one.article_id in blocks and one.text != stored.get(one.article_id)
    ]
    known = fingerprints.learn_boilerplate(db, run, new, lookup=list(blocks.values()), min_contexts=MIN_CONTEXTS)
    if not known:
        return list(outcomes), []
    walls = {article_id for article_id, block in blocks.items() if block.key in known}
    return [
        walled(source, "the same words stand under other titles") if source.article_id in walls else outcome
        for source, outcome in zip(sources, outcomes, strict=True)
    ], articles.articles_to_read_again(db, {one.text for one in taken if one.article_id in walls})


def _provenance(source: ArticleInput, extraction: Extraction) -> Provenance:
    """Return whose word the text of an article is."""
    page_url = source.page.final_url if source.page else None
    outlet = outlet_of(extraction, url=source.url, teller=source.teller, page_url=page_url)
    return Provenance(outlet=outlet, is_own=source.teller is None)
