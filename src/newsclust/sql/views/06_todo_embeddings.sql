-- Work queue: originals whose present text has no vectors of this model.
CREATE OR REPLACE MACRO todo_embeddings(model_name) AS TABLE
SELECT articles.article_id
FROM articles
LEFT JOIN embeddings ON embeddings.article_id = articles.article_id AND embeddings.model = model_name
ANTI JOIN duplicates ON duplicates.article_id = articles.article_id
WHERE embeddings.embedded_at IS NULL OR embeddings.title_vector IS NULL OR embeddings.embedded_at < articles.changed_at
ORDER BY articles.article_id;
