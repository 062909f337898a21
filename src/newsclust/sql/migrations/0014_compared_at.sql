-- When a text was compared stands beside it: what is to be compared is found by a scan of one column, not by a join.

ALTER TABLE articles ADD COLUMN compared_at TIMESTAMP;
UPDATE articles SET compared_at = fingerprints.computed_at
FROM fingerprints
WHERE fingerprints.article_id = articles.article_id AND fingerprints.computed_at >= articles.changed_at;
ALTER TABLE fingerprints DROP COLUMN computed_at;
COMMENT ON COLUMN articles.compared_at IS 'When its present text was compared with the archive for copies, UTC; NULL: not yet';
