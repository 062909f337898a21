-- Work queue: originals whose present text has no vectors of this model; of those that were published, first seen and last
-- changed before `since` none, so that another model does not embed the archive in one night (`newsclust embed --all`).
CREATE OR REPLACE MACRO todo_embeddings(model_name, since) AS TABLE
SELECT articles.article_id
FROM articles
LEFT JOIN embeddings ON embeddings.article_id = articles.article_id AND embeddings.model = model_name
ANTI JOIN duplicates ON duplicates.article_id = articles.article_id
WHERE (embeddings.embedded_at IS NULL OR embeddings.title_vector IS NULL OR embeddings.embedded_at < articles.changed_at)
  AND greatest(articles.published_at, articles.first_seen_at, articles.changed_at) >= since
  AND articles.text_dropped_at IS NULL AND articles.vectors_dropped_at IS NULL
ORDER BY articles.article_id;
