-- Feeds that are requested at another address than the list of feeds names, because they said for three days to have moved.
CREATE OR REPLACE VIEW moved_feeds AS
SELECT feed_moves.feed_id, feeds.title, feed_moves.from_url, feed_moves.to_url, feed_moves.moved_at, feed_moves.reverted_at,
       feed_moves.reverted_by
FROM internal.feed_moves
JOIN internal.feeds ON feeds.feed_id = feed_moves.feed_id
WHERE feeds.listed
ORDER BY feed_moves.reverted_at IS NOT NULL, feed_moves.moved_at DESC, feeds.title;
COMMENT ON VIEW moved_feeds IS 'Feeds that are requested at another address than the list names, since permanent redirects held for three days';
COMMENT ON COLUMN moved_feeds.feed_id IS 'The feed; it keeps the id that its listed address gave it';
COMMENT ON COLUMN moved_feeds.title IS 'Its title';
COMMENT ON COLUMN moved_feeds.from_url IS 'The address requested before';
COMMENT ON COLUMN moved_feeds.to_url IS 'The address that the redirects led to';
COMMENT ON COLUMN moved_feeds.moved_at IS 'The night that moved it, UTC';
COMMENT ON COLUMN moved_feeds.reverted_at IS 'When the move was reverted, UTC, for good; NULL: it holds';
COMMENT ON COLUMN moved_feeds.reverted_by IS 'person, or failures: the feed is gone there, or failed there on its last three days';
