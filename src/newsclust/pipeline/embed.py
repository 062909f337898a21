"""Originals -> vectors of their texts and titles."""

from newsclust.embed import Embedder, embedding_text, title_text
from newsclust.model import Count, Run
from newsclust.pipeline.runner import ARTICLE_BATCH_SIZE, batches
from newsclust.store import Database, articles


def embed_articles(db: Database, run: Run, embedder: Embedder, characters: int) -> Count:
    """Store two vectors of the model for every original: of its title and lead, and of its title alone."""
    todo = articles.articles_to_embed(db, embedder.name)
    for ids in batches(todo, ARTICLE_BATCH_SIZE):
        rows = articles.titles_and_texts(db, ids)
        texts = [embedding_text(title, text, characters=characters) for _, title, text in rows]
        titles = [title_text(title, text, characters=characters) for _, title, text in rows]
        vectors = embedder.embed([*texts, *titles])
        row_ids = [article_id for article_id, _, _ in rows]
        articles.save_embeddings(db, run, embedder.name, row_ids, vectors[: len(rows)], vectors[len(rows) :])
    return Count(done=len(todo))
