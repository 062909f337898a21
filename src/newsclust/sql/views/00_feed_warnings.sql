-- Oddities of the last document of each feed. The published file holds the rows as a table.
CREATE OR REPLACE VIEW internal.feed_warnings AS
SELECT item_id AS feed_id, warnings
FROM processed
WHERE kind = 'feed'
ORDER BY item_id;
COMMENT ON VIEW internal.feed_warnings IS 'Oddities of the last document of each feed';
COMMENT ON COLUMN internal.feed_warnings.feed_id IS 'The feed';
COMMENT ON COLUMN internal.feed_warnings.warnings IS 'What was odd, each in a few words';
