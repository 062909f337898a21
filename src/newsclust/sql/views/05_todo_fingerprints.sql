-- Work queue: articles whose text has no fingerprint in its present state.
CREATE OR REPLACE VIEW todo_fingerprints AS
SELECT articles.article_id
FROM articles
LEFT JOIN fingerprints USING (article_id)
WHERE fingerprints.computed_at IS NULL OR fingerprints.computed_at < articles.changed_at
ORDER BY articles.article_id;
COMMENT ON VIEW todo_fingerprints IS 'Work queue: articles to fingerprint and compare';
COMMENT ON COLUMN todo_fingerprints.article_id IS 'The article';
