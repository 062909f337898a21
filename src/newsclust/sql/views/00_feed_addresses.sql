-- Where each feed is requested: the address of the list of feeds, or the one it moved to.
CREATE OR REPLACE VIEW feed_addresses AS
WITH moved AS (
    SELECT feed_id, arg_max(to_url, moved_at) AS url
    FROM internal.feed_moves
    WHERE reverted_at IS NULL
    GROUP BY feed_id
)
SELECT feeds.feed_id, coalesce(moved.url, feeds.url) AS url
FROM internal.feeds
LEFT JOIN moved ON moved.feed_id = feeds.feed_id
ORDER BY feeds.feed_id;
COMMENT ON VIEW feed_addresses IS 'Where each feed is requested';
COMMENT ON COLUMN feed_addresses.feed_id IS 'The feed';
COMMENT ON COLUMN feed_addresses.url IS 'The address of the list of feeds, or the one that the feed moved to (moved_feeds)';
