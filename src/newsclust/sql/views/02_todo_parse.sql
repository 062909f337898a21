-- Work queue: downloaded feed documents that have not been read in this state.
CREATE OR REPLACE VIEW todo_parse AS
SELECT pages.item_id AS feed_id, pages.fetched_at
FROM pages
LEFT JOIN processed ON processed.kind = pages.kind AND processed.item_id = pages.item_id
WHERE pages.kind = 'feed' AND processed.fetched_at IS DISTINCT FROM pages.fetched_at
ORDER BY pages.item_id;
COMMENT ON VIEW todo_parse IS 'Work queue: downloaded feed documents not read yet';
COMMENT ON COLUMN todo_parse.feed_id IS 'The feed';
COMMENT ON COLUMN todo_parse.fetched_at IS 'When its document was downloaded, UTC';
