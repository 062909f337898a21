-- How each feed has been doing. Its state and the sentence that explains it are decided by the step update_feed_health
-- (newsclust.polling.health), as of its last answer; a feed that no night has judged is new.
CREATE OR REPLACE VIEW feed_health AS
WITH requested AS (
    SELECT item_id, count(*) AS requests, count(*) FILTER (reason IS NOT NULL) AS failed_requests,
           max(requested_at) AS last_request_at, max(requested_at) FILTER (reason IS NULL) AS last_answer_at,
           round(median(seconds), 3) AS median_seconds
    FROM internal.fetches
    WHERE kind = 'feed' AND reason IS DISTINCT FROM 'offline'
    GROUP BY item_id
), counted AS (
    SELECT feed_id, sum(requests) AS requests, sum(failed) AS failed_requests FROM internal.request_counts GROUP BY feed_id
), shown AS (
    SELECT feed_id, count(*) AS entries, max(published_at) AS last_published_at,
           arg_max(date_quality, published_at) AS last_date_quality,
           round(count(*) FILTER (date_quality IN ('inferred', 'missing', 'future')) / count(*), 3) AS share_undated
    FROM internal.entries
    GROUP BY feed_id
), nights AS (
    SELECT feed_id, median(items) AS median_items, round(sum(shared) / sum(items), 3) AS share_shared,
           median(median_characters) AS median_characters, arg_max(content_type, night_at) AS content_type
    FROM internal.feed_run_stats
    WHERE items > 0
    GROUP BY feed_id
), language_counts AS (
    SELECT feed_id, unnest(map_entries(languages)) AS pair
    FROM internal.feed_run_stats
    WHERE NOT quarantined
), spoken AS (
    SELECT feed_id, list(language ORDER BY items DESC, language) AS languages
    FROM (SELECT feed_id, pair.key AS language, sum(pair.value) AS items FROM language_counts GROUP BY ALL)
    GROUP BY feed_id
), waiting AS (
    SELECT feed_id, count(*) AS entries FROM quarantined_entries GROUP BY feed_id
)
SELECT feeds.feed_id, feeds.title, feeds.url, coalesce(states.state, 'new') AS state, states.reason,
       CASE WHEN states.feed_id IS NULL THEN feeds.added_at ELSE states.since END AS since,
       coalesce(states.why, 'no night has judged it yet') AS why,
       (coalesce(requested.requests, 0) + coalesce(counted.requests, 0))::BIGINT AS requests,
       (coalesce(requested.failed_requests, 0) + coalesce(counted.failed_requests, 0))::BIGINT AS failed_requests,
       requested.last_request_at, requested.last_answer_at, requested.median_seconds,
       coalesce(shown.entries, 0) AS entries, coalesce(waiting.entries, 0) AS quarantined_entries, shown.last_published_at,
       shown.last_date_quality, shown.share_undated,
       nights.median_items, nights.median_characters, nights.share_shared, coalesce(spoken.languages, []) AS languages,
       nights.content_type, coalesce(feed_warnings.warnings, []) AS warnings
FROM internal.feeds
LEFT JOIN internal.feed_health_states AS states ON states.feed_id = feeds.feed_id
LEFT JOIN requested ON requested.item_id = feeds.feed_id
LEFT JOIN counted ON counted.feed_id = feeds.feed_id
LEFT JOIN shown ON shown.feed_id = feeds.feed_id
LEFT JOIN nights ON nights.feed_id = feeds.feed_id
LEFT JOIN spoken ON spoken.feed_id = feeds.feed_id
LEFT JOIN waiting ON waiting.feed_id = feeds.feed_id
LEFT JOIN internal.feed_warnings ON feed_warnings.feed_id = feeds.feed_id
ORDER BY state = 'healthy', feeds.title;
COMMENT ON VIEW feed_health IS 'How each feed has been doing, the troubled ones first';
COMMENT ON COLUMN feed_health.feed_id IS 'The feed';
COMMENT ON COLUMN feed_health.title IS 'Its title';
COMMENT ON COLUMN feed_health.url IS 'Its address';
COMMENT ON COLUMN feed_health.state IS 'healthy, slow, silent, undated, changed (no feed any more, or all its guids or links new within the last seven days), throttled, gone, failing, unreadable, quarantined, new or unlisted';
COMMENT ON COLUMN feed_health.reason IS 'Why it fails or cannot be read';
COMMENT ON COLUMN feed_health.since IS 'Since when it is in this state, UTC; of unlisted ones when they were last requested; NULL for healthy ones';
COMMENT ON COLUMN feed_health.why IS 'The same in words, with its numbers';
COMMENT ON COLUMN feed_health.requests IS 'Requests so far, those left out that were made while this machine had no network';
COMMENT ON COLUMN feed_health.failed_requests IS 'Those that failed';
COMMENT ON COLUMN feed_health.last_request_at IS 'Last request, UTC';
COMMENT ON COLUMN feed_health.last_answer_at IS 'Last answer, UTC';
COMMENT ON COLUMN feed_health.median_seconds IS 'Median time to answer, of the requests kept ([retention] request_days)';
COMMENT ON COLUMN feed_health.entries IS 'Entries so far';
COMMENT ON COLUMN feed_health.quarantined_entries IS 'Those in quarantine, as new ones or as edits: see quarantined_entries';
COMMENT ON COLUMN feed_health.last_published_at IS 'Newest entry, UTC';
COMMENT ON COLUMN feed_health.last_date_quality IS 'given, guessed, inferred, missing or future; first sight stands in for the last two';
COMMENT ON COLUMN feed_health.share_undated IS 'Share of entries without a date one can trust';
COMMENT ON COLUMN feed_health.median_items IS 'Median number of new items of its nights that brought any';
COMMENT ON COLUMN feed_health.median_characters IS 'Median length of what it carries of an item, markup included';
COMMENT ON COLUMN feed_health.share_shared IS 'Share of its items that another feed showed first';
COMMENT ON COLUMN feed_health.languages IS 'Languages that it speaks, the most frequent first; quarantined nights left out';
COMMENT ON COLUMN feed_health.content_type IS 'What its site called its last document that brought something new';
COMMENT ON COLUMN feed_health.warnings IS 'Oddities of its last document';
