-- A duplicate names an article that exists and is itself no duplicate.
SELECT duplicates.article_id, duplicates.original_id
FROM duplicates
LEFT JOIN articles ON articles.article_id = duplicates.original_id
WHERE articles.article_id IS NULL OR duplicates.original_id IN (SELECT article_id FROM duplicates);
