-- When each listed feed is asked next, and what decided.
CREATE OR REPLACE VIEW feed_schedule AS
SELECT feeds.feed_id, feeds.title, schedules.next_at, schedules.rule, schedules.why, schedules.decided_at
FROM feeds
JOIN schedules ON schedules.feed_id = feeds.feed_id
WHERE feeds.listed
ORDER BY schedules.next_at NULLS LAST, feeds.title;
COMMENT ON VIEW feed_schedule IS 'When each listed feed is asked next, the soonest first, and what decided';
COMMENT ON COLUMN feed_schedule.feed_id IS 'The feed';
COMMENT ON COLUMN feed_schedule.title IS 'Its title';
COMMENT ON COLUMN feed_schedule.next_at IS 'A run before this moment leaves it alone, UTC; NULL: it is asked no more';
COMMENT ON COLUMN feed_schedule.rule IS 'pace, fresh, wish, skipped, back_off, retry_after, gone, asked_for, all or new';
COMMENT ON COLUMN feed_schedule.why IS 'The same in words, with its numbers';
COMMENT ON COLUMN feed_schedule.decided_at IS 'The night that decided, UTC';
