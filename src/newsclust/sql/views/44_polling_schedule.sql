-- When each listed feed is requested next, and what decided.
CREATE OR REPLACE VIEW polling_schedule AS
SELECT feeds.feed_id, feeds.title, feed_schedules.next_request_at, feed_schedules.rule, feed_schedules.why, feed_schedules.decided_at
FROM internal.feeds
JOIN internal.feed_schedules ON feed_schedules.feed_id = feeds.feed_id
WHERE feeds.listed
ORDER BY feed_schedules.next_request_at NULLS LAST, feeds.title;
COMMENT ON VIEW polling_schedule IS 'When each listed feed is requested next, the next first, and what decided';
COMMENT ON COLUMN polling_schedule.feed_id IS 'The feed';
COMMENT ON COLUMN polling_schedule.title IS 'Its title';
COMMENT ON COLUMN polling_schedule.next_request_at IS 'A run before this moment leaves it alone, UTC; NULL: it is requested no more';
COMMENT ON COLUMN polling_schedule.rule IS 'pace, http_freshness, update_hint, skip_hours, backoff, retry_after, gone, clock, requested, all or new';
COMMENT ON COLUMN polling_schedule.why IS 'The same in words, with its numbers';
COMMENT ON COLUMN polling_schedule.decided_at IS 'The night that decided, UTC';
