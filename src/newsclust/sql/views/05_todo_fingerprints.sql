-- Work queue: articles whose present text has not been compared with the archive.
CREATE OR REPLACE VIEW todo_fingerprints AS
SELECT article_id
FROM articles
WHERE deduplicated_at IS NULL AND text_dropped_at IS NULL
ORDER BY article_id;
COMMENT ON VIEW todo_fingerprints IS 'Work queue: articles to fingerprint and compare';
COMMENT ON COLUMN todo_fingerprints.article_id IS 'The article';
