-- Every duplicate with its original and the evidence.
CREATE OR REPLACE VIEW duplicate_articles AS
SELECT duplicates.article_id, repeats.title, repeats.outlet, repeats.url, duplicates.original_id,
       originals.title AS original_title, originals.outlet AS original_outlet, originals.url AS original_url,
       duplicates.method, duplicates.similarity, duplicates.evidence, duplicates.better_original_reason, duplicates.found_at
FROM internal.duplicates
JOIN internal.articles AS repeats ON repeats.article_id = duplicates.article_id
JOIN internal.articles AS originals ON originals.article_id = duplicates.original_id
ORDER BY duplicates.found_at DESC, duplicates.article_id;
COMMENT ON VIEW duplicate_articles IS 'Every duplicate, its original, and why it is one';
COMMENT ON COLUMN duplicate_articles.article_id IS 'The duplicate';
COMMENT ON COLUMN duplicate_articles.title IS 'Its title';
COMMENT ON COLUMN duplicate_articles.outlet IS 'Its site';
COMMENT ON COLUMN duplicate_articles.url IS 'Its canonical address';
COMMENT ON COLUMN duplicate_articles.original_id IS 'The original';
COMMENT ON COLUMN duplicate_articles.original_title IS 'Title of the original';
COMMENT ON COLUMN duplicate_articles.original_outlet IS 'Site of the original';
COMMENT ON COLUMN duplicate_articles.original_url IS 'Canonical address of the original';
COMMENT ON COLUMN duplicate_articles.method IS 'same_url, same_text, near_text or contained (one text stands in the other)';
COMMENT ON COLUMN duplicate_articles.similarity IS '1 for equal texts and addresses; near: Jaccard overlap of word runs; contained: share of the shorter text';
COMMENT ON COLUMN duplicate_articles.evidence IS 'The reason in words';
COMMENT ON COLUMN duplicate_articles.better_original_reason IS 'Why the duplicate would have been the better original, had it come in time; empty when it would not';
COMMENT ON COLUMN duplicate_articles.found_at IS 'The night that found it, UTC';
