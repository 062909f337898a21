"""Originals -> vectors of their texts and titles; and which languages are grouped less well."""

from collections import Counter
from collections.abc import Sequence

from newsclust.embed import Embedder, embedding_text, title_text
from newsclust.embed.bundled_model import is_readable
from newsclust.model import Count, NoticeKind, Run
from newsclust.overrides import Correction, grouping_constraints
from newsclust.pipeline.runner import ARTICLE_BATCH_SIZE, batches, progress_bar, since
from newsclust.store import Database, articles, runs
from newsclust.text.language import SUPPORTED, language_name

_FEWEST_TOLD = 3  # articles in other languages, for a notice


def embed_articles(
    db: Database,
    run: Run,
    embedder: Embedder,
    characters: int,
    window_days: float | None = None,
    corrections: Sequence[Correction] = (),
) -> Count:
    """Store two vectors of the model for every original: of its title and lead, and of its title alone.

    With `window_days` those of so many days, and those that corrections name: after a change of the model the archive
    is not embedded in one night. What was stored stays when the step is killed.
    """
    todo = articles.articles_to_embed(
        db,
        embedder.name,
        since=None if window_days is None else since(run, window_days),
        named=grouping_constraints(corrections).articles if window_days is not None else (),
    )
    with progress_bar("embed_articles", len(todo)) as progress:
        for ids in batches(todo, ARTICLE_BATCH_SIZE):
            rows = articles.titles_and_texts(db, ids)
            texts = [embedding_text(title, text, characters=characters) for _, title, text in rows]
            titles = [title_text(title, text, characters=characters) for _, title, text in rows]
            vectors = embedder.embed([*texts, *titles])
            row_ids = [article_id for article_id, _, _ in rows]
            articles.save_embeddings(db, run, embedder.name, row_ids, vectors[: len(rows)], vectors[len(rows) :])
            progress.update(len(ids))
    _tell_languages(db, run, embedder.name)
    return Count(done=len(todo))


def _tell_languages(db: Database, run: Run, model: str) -> None:
    """Store a notice of the languages of tonight's articles that are grouped less well, or not at all."""
    found = articles.beginnings_in_other_languages(db, run, SUPPORTED)
    if len(found) < _FEWEST_TOLD:
        return
    unread = Counter(language for language, beginning in found if not is_readable(model, beginning))
    read = Counter(language for language, _ in found) - unread
    parts = []
    if read:
        parts.append(
            f"{_counts(read)}: grouped into stories like those in English and French, for which thresholds, topic "
            "labels and word statistics are made"
        )
    if unread:
        parts.append(
            f"{_counts(unread)}: in no story, because the model does not read the script; another one in [embed] may"
        )
    text = f"Articles of tonight in other languages than English and French: {'; '.join(parts)}."
    runs.save_notice(db, run, NoticeKind.LANGUAGES, text, replace=True)


def _counts(languages: Counter[str]) -> str:
    return ", ".join(f"{count} in {language_name(language)}" for language, count in languages.most_common())
