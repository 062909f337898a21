"""Vectors of the window's articles -> links: pairs with the probability that they tell one story."""

from collections.abc import Collection
from dataclasses import replace

from newsclust.embed.bundled_model import is_readable
from newsclust.model import Count, Run, Window
from newsclust.pipeline.runner import ARTICLE_BATCH_SIZE, batches, progress_bar, since
from newsclust.store import Database, articles, pairs, word_counts
from newsclust.stories.pairs import Linker, word_rarity

_READ_CHARACTERS = 300  # of a text, to tell its script


def link_articles(db: Database, run: Run, linker: Linker, model: str, window_days: float) -> Count:
    """Score what is new in the window against all of it; done counts articles scored, skipped those scored before.

    Word counts are those of earlier nights; tonight's articles are counted afterwards, so that no article changes how
    two others are scored on the same night.
    """
    candidates = pairs.articles_in_window(db, since=since(run, window_days), until=run.night_at)
    new = pairs.articles_to_link(db, candidates, model=model, linker=linker.name)
    if not new and not word_counts.articles_to_count(db, candidates):
        return Count(skipped=len(candidates))  # texts and vectors of the window are not read for nothing
    window = window_of(db, run, model, window_days)
    ids = window.ids
    fresh = pairs.articles_to_link(db, ids, model=model, linker=linker.name)
    links = linker.link(replace(window, words=word_counts.word_counts(db)), set(fresh)) if fresh else []
    pairs.save_links(db, run, ids, fresh, links, model=model, linker=linker.name)
    _count_words(db, run, window)
    return Count(done=len(fresh), skipped=len(ids) - len(fresh))


def window_of(db: Database, run: Run, model: str, window_days: float, *, extra: Collection[str] = ()) -> Window:
    """Return the originals of the window that have vectors, and the `extra` articles, ordered by id.

    Those in a script that the model does not read are left out: their vectors are near each other whatever they tell.
    """
    ids = pairs.articles_in_window(db, since=since(run, window_days), until=run.night_at)
    ids = sorted({*ids, *extra})
    ids, vectors, title_vectors = articles.both_vectors_of(db, model, ids)
    found = articles.articles(db, ids)
    kept = [
        place
        for place, article in enumerate(found)
        if article.id in extra or is_readable(model, f"{article.title} {article.text[:_READ_CHARACTERS]}")
    ]
    if len(kept) < len(found):
        found, vectors, title_vectors = [found[place] for place in kept], vectors[kept], title_vectors[kept]
    return Window(articles=found, vectors=vectors, title_vectors=title_vectors, model=model)


def count_archive_words(db: Database, run: Run) -> None:
    """Count the words of every linked article that is not counted: of an archive restored without its counts."""
    todo = word_counts.uncounted_articles(db)
    with progress_bar("count words", len(todo)) as progress:
        for ids in batches(todo, ARTICLE_BATCH_SIZE):
            rows = articles.titles_and_texts(db, ids)
            counts = word_rarity.count_words((title, text[: word_rarity.LEAD_CHARACTERS]) for _, title, text in rows)
            word_counts.add_word_counts(db, run, ids, counts)
            progress.update(len(ids))


def _count_words(db: Database, run: Run, window: Window) -> None:
    """Add the words of the window's articles to the archive's word counts, each article once."""
    todo = set(word_counts.articles_to_count(db, window.ids))
    if todo:
        counts = word_rarity.count_words(
            (article.title, article.text[: word_rarity.LEAD_CHARACTERS])
            for article in window.articles
            if article.id in todo
        )
        word_counts.add_word_counts(db, run, sorted(todo), counts)
