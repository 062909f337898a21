-- Work queue: articles whose present title and text are not indexed for search, the newest first.
CREATE OR REPLACE VIEW todo_search AS
SELECT articles.article_id
FROM articles
LEFT JOIN search_documents ON search_documents.article_id = articles.article_id
WHERE search_documents.indexed_at IS NULL OR search_documents.indexed_at < articles.changed_at
   OR search_documents.indexed_at < articles.text_dropped_at
ORDER BY articles.published_at DESC, articles.article_id;
COMMENT ON VIEW todo_search IS 'Articles to index for search';
COMMENT ON COLUMN todo_search.article_id IS 'The article';
