-- How each feed has been doing. Slow: its last three answers took over five seconds each. Undated: over half of what it
-- last showed had no date one can trust. Silent: nothing new for two weeks and four times its mean pause between two
-- nights with something new. Both as of its last answer.
CREATE OR REPLACE VIEW feed_health AS
WITH requested AS (
    SELECT item_id, count(*) AS requests, count(*) FILTER (reason IS NOT NULL) AS failed_requests,
           max(requested_at) AS last_request_at, max(requested_at) FILTER (reason IS NULL) AS last_answer_at,
           max(requested_at) FILTER (reason IS NULL AND seconds <= 5) AS last_fast_at,
           arg_max(coalesce(reason, ''), requested_at) AS last_reason, arg_max(coalesce(detail, ''), requested_at) AS last_detail,
           round(median(seconds), 3) AS median_seconds
    FROM fetches
    WHERE kind = 'feed'
    GROUP BY item_id
), troubled AS (
    SELECT requested.item_id,
           min(requested_at) FILTER (reason IS NOT NULL AND requested_at > coalesce(last_answer_at, '-infinity'::TIMESTAMP)) AS failing_since,
           count(*) FILTER (reason IS NOT NULL AND requested_at > coalesce(last_answer_at, '-infinity'::TIMESTAMP)) AS failures,
           min(requested_at) FILTER (reason IS NULL AND requested_at > coalesce(last_fast_at, '-infinity'::TIMESTAMP)) AS slow_since,
           count(*) FILTER (reason IS NULL AND requested_at > coalesce(last_fast_at, '-infinity'::TIMESTAMP)) AS slow_answers
    FROM requested
    JOIN fetches ON fetches.item_id = requested.item_id AND fetches.kind = 'feed'
    GROUP BY requested.item_id
), shown AS (
    SELECT feed_id, count(*) AS entries, max(published_at) AS last_published_at, max(first_seen_at) AS last_new_at,
           max(last_seen_at) AS last_read_at,
           round(count(*) FILTER (date_quality IN ('missing', 'future')) / count(*), 3) AS share_undated
    FROM entries
    GROUP BY feed_id
), unread AS (
    SELECT item_id, arg_max(reason, failed_at) AS reason, max(failed_at) AS failed_at,
           min(failed_at) FILTER (failed_at > coalesce(shown.last_read_at, '-infinity'::TIMESTAMP)) AS since
    FROM failures
    LEFT JOIN shown ON shown.feed_id = failures.item_id
    WHERE step = 'parse_feeds'
    GROUP BY item_id
), nights AS (
    SELECT feed_id, median(items) AS median_items, round(sum(shared) / sum(items), 3) AS share_shared,
           median(median_characters) AS median_characters, arg_max(content_type, night_at) AS content_type,
           arg_max(undated > items / 2, night_at) AS is_undated,
           max(night_at) FILTER (undated <= items / 2) AS last_dated_at,
           date_diff('second', min(night_at), max(night_at)) / greatest(count(*) - 1, 1) AS mean_pause_s
    FROM feed_run_stats
    WHERE items > 0
    GROUP BY feed_id
), undated AS (
    SELECT nights.feed_id, min(night_at) AS since, sum(undated) AS undated, sum(items) AS items
    FROM nights
    JOIN feed_run_stats ON feed_run_stats.feed_id = nights.feed_id
    WHERE items > 0 AND nights.is_undated AND night_at > coalesce(last_dated_at, '-infinity'::TIMESTAMP)
    GROUP BY nights.feed_id
), language_counts AS (
    SELECT feed_id, unnest(map_entries(languages)) AS pair
    FROM feed_run_stats
    WHERE NOT quarantined
), spoken AS (
    SELECT feed_id, list(language ORDER BY items DESC, language) AS languages
    FROM (SELECT feed_id, pair.key AS language, sum(pair.value) AS items FROM language_counts GROUP BY ALL)
    GROUP BY feed_id
), changes AS (  -- one that comes within seven days of the one before goes on with it
    SELECT feed_id, changed_at, what, why,
           coalesce(changed_at > lag(changed_at) OVER (PARTITION BY feed_id ORDER BY changed_at) + INTERVAL 7 DAY, true) AS begins
    FROM feed_changes
), renamed AS (
    SELECT feed_id, min(changed_at) AS since, max(changed_at) AS last_at, count(DISTINCT changed_at) AS nights,
           string_agg(why, '; ' ORDER BY what) FILTER (changed_at = newest_at) AS why
    FROM (
        SELECT *, max(changed_at) OVER (PARTITION BY feed_id) AS newest_at,
               max(changed_at) FILTER (begins) OVER (PARTITION BY feed_id) AS begun_at
        FROM changes
    )
    WHERE changed_at >= begun_at
    GROUP BY feed_id
), refusing AS (
    SELECT requested.item_id AS feed_id, max(retry_at) AS until
    FROM requested
    JOIN fetches ON fetches.item_id = requested.item_id AND fetches.kind = 'feed' AND fetches.requested_at = requested.last_request_at
    GROUP BY requested.item_id
), waiting AS (
    SELECT feed_id, count(*) AS entries FROM quarantined_entries GROUP BY feed_id
), judged AS (
    SELECT feeds.feed_id,
           coalesce(unread.failed_at >= coalesce(processed.fetched_at, unread.failed_at), false) AS is_unread,
           CASE
               WHEN NOT feeds.listed THEN {'state': 'unlisted', 'since': requested.last_request_at, 'why': coalesce(feeds.listed_by, 'the list of feeds') || ' names it no more'}
               WHEN requested.requests IS NULL THEN {'state': 'new', 'since': feeds.added_at, 'why': 'never asked yet'}
               WHEN open_quarantine.since IS NOT NULL THEN {'state': 'quarantined', 'since': open_quarantine.since, 'why': open_quarantine.why}
               WHEN requested.last_reason = 'gone' THEN {'state': 'gone', 'since': troubled.failing_since, 'why': 'it answered that it is gone'}
               WHEN requested.last_reason = 'throttled' THEN {'state': 'throttled', 'since': troubled.failing_since, 'why': CASE WHEN refusing.until IS NOT NULL THEN format('its site wants no request before {}', strftime(refusing.until, '%Y-%m-%d %H:%M UTC')) ELSE format('its site wants fewer requests: {} refused in a row, the last one with {}', troubled.failures, requested.last_detail) END}
               WHEN requested.last_reason <> '' THEN {'state': 'failing', 'since': troubled.failing_since, 'why': CASE troubled.failures WHEN 1 THEN 'its last request failed: ' ELSE format('its last {} requests failed, the latest: ', troubled.failures) END || requested.last_reason || coalesce(' (' || nullif(requested.last_detail, '') || ')', '')}
               WHEN is_unread AND shown.entries > 0 AND unread.reason IN ('html_not_feed', 'not_a_feed') THEN {'state': 'changed', 'since': coalesce(unread.since, unread.failed_at), 'why': format('it was a feed, and is none any more: {}', unread.reason)}
               WHEN is_unread THEN {'state': 'unreadable', 'since': coalesce(unread.since, unread.failed_at), 'why': format('its document cannot be read: {}', unread.reason)}
               WHEN renamed.last_at > requested.last_answer_at - INTERVAL 7 DAY THEN {'state': 'changed', 'since': renamed.since, 'why': renamed.why || CASE WHEN renamed.nights > 1 THEN format(', on {} nights so far', renamed.nights) ELSE '' END}
               WHEN coalesce(shown.entries, 0) = 0 THEN {'state': 'silent', 'since': feeds.added_at, 'why': 'it never showed anything'}
               WHEN date_diff('second', shown.last_new_at, requested.last_answer_at) > greatest(14 * 86400, 4 * coalesce(nights.mean_pause_s, 0)) THEN {'state': 'silent', 'since': shown.last_new_at, 'why': format('nothing new for {} days', date_diff('day', shown.last_new_at, requested.last_answer_at))}
               WHEN undated.feed_id IS NOT NULL THEN {'state': 'undated', 'since': undated.since, 'why': format('{} of {} new items without a date one can trust', undated.undated, undated.items)}
               WHEN troubled.slow_answers >= 3 THEN {'state': 'slow', 'since': troubled.slow_since, 'why': format('{} answers in a row took over 5 s', troubled.slow_answers)}
               ELSE {'state': 'healthy', 'since': NULL::TIMESTAMP, 'why': ''}
           END AS verdict
    FROM feeds
    LEFT JOIN requested ON requested.item_id = feeds.feed_id
    LEFT JOIN troubled ON troubled.item_id = feeds.feed_id
    LEFT JOIN unread ON unread.item_id = feeds.feed_id
    LEFT JOIN shown ON shown.feed_id = feeds.feed_id
    LEFT JOIN nights ON nights.feed_id = feeds.feed_id
    LEFT JOIN undated ON undated.feed_id = feeds.feed_id
    LEFT JOIN renamed ON renamed.feed_id = feeds.feed_id
    LEFT JOIN refusing ON refusing.feed_id = feeds.feed_id
    LEFT JOIN quarantines AS open_quarantine ON open_quarantine.feed_id = feeds.feed_id AND open_quarantine.released_at IS NULL
    LEFT JOIN processed ON processed.kind = 'feed' AND processed.item_id = feeds.feed_id
)
SELECT feeds.feed_id, feeds.title, feeds.url, judged.verdict.state AS state,
       coalesce(nullif(requested.last_reason, ''), CASE WHEN judged.is_unread THEN unread.reason END) AS reason,
       judged.verdict.since AS since, judged.verdict.why AS why,
       coalesce(requested.requests, 0) AS requests, coalesce(requested.failed_requests, 0) AS failed_requests,
       requested.last_request_at, requested.last_answer_at, requested.median_seconds,
       coalesce(shown.entries, 0) AS entries, coalesce(waiting.entries, 0) AS quarantined_entries, shown.last_published_at, shown.share_undated,
       nights.median_items, nights.median_characters, nights.share_shared, coalesce(spoken.languages, []) AS languages,
       nights.content_type, coalesce(processed.warnings, []) AS warnings
FROM feeds
JOIN judged ON judged.feed_id = feeds.feed_id
LEFT JOIN requested ON requested.item_id = feeds.feed_id
LEFT JOIN unread ON unread.item_id = feeds.feed_id
LEFT JOIN shown ON shown.feed_id = feeds.feed_id
LEFT JOIN nights ON nights.feed_id = feeds.feed_id
LEFT JOIN spoken ON spoken.feed_id = feeds.feed_id
LEFT JOIN waiting ON waiting.feed_id = feeds.feed_id
LEFT JOIN processed ON processed.kind = 'feed' AND processed.item_id = feeds.feed_id
ORDER BY state = 'healthy', feeds.title;
COMMENT ON VIEW feed_health IS 'How each feed has been doing, the troubled ones first';
COMMENT ON COLUMN feed_health.feed_id IS 'The feed';
COMMENT ON COLUMN feed_health.title IS 'Its title';
COMMENT ON COLUMN feed_health.url IS 'Its address';
COMMENT ON COLUMN feed_health.state IS 'healthy, slow, silent, undated, changed (no feed any more, or all its guids or links new within the last seven days), throttled, gone, failing, unreadable, quarantined, new or unlisted';
COMMENT ON COLUMN feed_health.reason IS 'Why it fails or cannot be read';
COMMENT ON COLUMN feed_health.since IS 'Since when it is in this state, UTC; of unlisted ones when they were last requested; NULL for healthy ones';
COMMENT ON COLUMN feed_health.why IS 'The same in words, with its numbers';
COMMENT ON COLUMN feed_health.requests IS 'Requests so far';
COMMENT ON COLUMN feed_health.failed_requests IS 'Those that failed';
COMMENT ON COLUMN feed_health.last_request_at IS 'Last request, UTC';
COMMENT ON COLUMN feed_health.last_answer_at IS 'Last answer, UTC';
COMMENT ON COLUMN feed_health.median_seconds IS 'Median time to answer';
COMMENT ON COLUMN feed_health.entries IS 'Entries so far';
COMMENT ON COLUMN feed_health.quarantined_entries IS 'Those in quarantine, as new ones or as edits: see quarantined_entries';
COMMENT ON COLUMN feed_health.last_published_at IS 'Newest entry, UTC';
COMMENT ON COLUMN feed_health.share_undated IS 'Share of entries without a date one can trust';
COMMENT ON COLUMN feed_health.median_items IS 'Median number of new items of its nights that brought any';
COMMENT ON COLUMN feed_health.median_characters IS 'Median length of what it carries of an item, markup included';
COMMENT ON COLUMN feed_health.share_shared IS 'Share of its items that another feed showed first';
COMMENT ON COLUMN feed_health.languages IS 'Languages that it speaks, the most frequent first; quarantined nights left out';
COMMENT ON COLUMN feed_health.content_type IS 'What its site called its last document that brought something new';
COMMENT ON COLUMN feed_health.warnings IS 'Oddities of its last document';
