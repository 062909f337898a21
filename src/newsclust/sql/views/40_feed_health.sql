-- How each feed has been doing.
CREATE OR REPLACE VIEW feed_health AS
WITH asked AS (
    SELECT item_id, count(*) AS requests, count(*) FILTER (reason IS NOT NULL) AS failed_requests,
           max(requested_at) AS last_asked_at, max(requested_at) FILTER (reason IS NULL) AS last_answer_at,
           arg_max(coalesce(reason, ''), requested_at) AS last_reason, round(median(seconds), 3) AS median_seconds
    FROM fetches
    WHERE kind = 'feed'
    GROUP BY item_id
), unread AS (
    SELECT item_id, arg_max(reason, failed_at) AS reason, max(failed_at) AS failed_at
    FROM failures
    WHERE step = 'parse_feeds'
    GROUP BY item_id
), shown AS (
    SELECT feed_id, count(*) AS entries, max(published_at) AS last_published_at,
           round(count(*) FILTER (date_quality IN ('missing', 'future')) / count(*), 3) AS share_undated
    FROM entries
    GROUP BY feed_id
)
SELECT feeds.feed_id, feeds.title, feeds.url,
       CASE
           WHEN NOT feeds.listed THEN 'unlisted'
           WHEN asked.requests IS NULL THEN 'new'
           WHEN asked.last_reason = 'gone' THEN 'gone'
           WHEN asked.last_reason <> '' THEN 'failing'
           WHEN unread.failed_at >= coalesce(readings.fetched_at, unread.failed_at) THEN 'unreadable'
           WHEN coalesce(shown.entries, 0) = 0 THEN 'silent'
           ELSE 'healthy'
       END AS state,
       coalesce(nullif(asked.last_reason, ''), CASE WHEN unread.failed_at >= coalesce(readings.fetched_at, unread.failed_at) THEN unread.reason END) AS reason,
       coalesce(asked.requests, 0) AS requests, coalesce(asked.failed_requests, 0) AS failed_requests,
       asked.last_asked_at, asked.last_answer_at, asked.median_seconds,
       coalesce(shown.entries, 0) AS entries, shown.last_published_at, shown.share_undated,
       coalesce(readings.warnings, []) AS warnings
FROM feeds
LEFT JOIN asked ON asked.item_id = feeds.feed_id
LEFT JOIN unread ON unread.item_id = feeds.feed_id
LEFT JOIN shown ON shown.feed_id = feeds.feed_id
LEFT JOIN readings ON readings.kind = 'feed' AND readings.item_id = feeds.feed_id
ORDER BY state = 'healthy', feeds.title;
COMMENT ON VIEW feed_health IS 'How each feed has been doing, the troubled ones first';
COMMENT ON COLUMN feed_health.feed_id IS 'The feed';
COMMENT ON COLUMN feed_health.title IS 'Its title';
COMMENT ON COLUMN feed_health.url IS 'Its address';
COMMENT ON COLUMN feed_health.state IS 'healthy, silent, unreadable, failing, gone, new or unlisted';
COMMENT ON COLUMN feed_health.reason IS 'Why it fails or cannot be read';
COMMENT ON COLUMN feed_health.requests IS 'Requests so far';
COMMENT ON COLUMN feed_health.failed_requests IS 'Those that failed';
COMMENT ON COLUMN feed_health.last_asked_at IS 'Last request, UTC';
COMMENT ON COLUMN feed_health.last_answer_at IS 'Last answer, UTC';
COMMENT ON COLUMN feed_health.median_seconds IS 'Median time to answer';
COMMENT ON COLUMN feed_health.entries IS 'Entries so far';
COMMENT ON COLUMN feed_health.last_published_at IS 'Newest entry, UTC';
COMMENT ON COLUMN feed_health.share_undated IS 'Share of entries without a date one can trust';
COMMENT ON COLUMN feed_health.warnings IS 'Oddities of its last document';
