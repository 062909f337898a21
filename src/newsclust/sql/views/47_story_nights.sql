-- The living stories of each night, as they stood after it: stories_as_of of all nights at once. Between two changes of a
-- story nothing of it differs, so each state is reckoned once and repeated for its nights.
CREATE OR REPLACE VIEW story_nights AS
WITH nights AS (
    SELECT DISTINCT runs.night_at
    FROM internal.runs
    JOIN internal.steps ON steps.run_id = runs.run_id
    WHERE steps.step = 'group_stories' AND steps.error IS NULL
), held AS (
    SELECT story_id, article_id, joined_at, left_at, 1 AS articles FROM internal.story_articles
    UNION ALL
    SELECT story_articles.story_id, duplicates.article_id, greatest(story_articles.joined_at, duplicates.found_at),
           story_articles.left_at, 0
    FROM internal.story_articles
    JOIN internal.duplicates ON duplicates.original_id = story_articles.article_id
    WHERE story_articles.left_at IS NULL OR duplicates.found_at < story_articles.left_at
), moves AS (
    SELECT story_id, article_id, joined_at AS changed_at, articles, 1 AS voices FROM held
    UNION ALL
    SELECT story_id, article_id, left_at, -articles, -1 FROM held WHERE left_at IS NOT NULL
), voices AS (
    SELECT moves.story_id, moves.changed_at, coalesce(articles.publisher, articles.outlet) AS publisher,
           sum(moves.articles) AS articles, sum(moves.voices) AS step
    FROM moves
    JOIN internal.articles ON articles.article_id = moves.article_id
    GROUP BY ALL
), heard AS (
    SELECT story_id, changed_at, articles, step, sum(step) OVER (PARTITION BY story_id, publisher ORDER BY changed_at) AS held FROM voices
), sized AS (
    SELECT story_id, changed_at, sum(articles) AS articles,
           count(*) FILTER (held > 0 AND held <= step) - count(*) FILTER (held = 0 AND step < 0) AS outlets
    FROM heard
    GROUP BY story_id, changed_at
), events AS (  -- of one night, the event that ends a story counts last
    SELECT story_id, happened_at AS changed_at, arg_max(event IN ('merged', 'closed'), position) AS is_end, arg_max(headline, position) AS headline
    FROM (
        SELECT story_id, happened_at, event, headline,
               list_position(['born', 'split', 'reopened', 'shrank', 'grew', 'renamed', 'merged', 'closed'], event) AS position
        FROM internal.story_events
    )
    GROUP BY ALL
), changes AS (
    SELECT story_id, changed_at, articles, outlets, NULL AS is_end, NULL AS headline FROM sized
    UNION ALL
    SELECT story_id, changed_at, 0, 0, is_end, headline FROM events
), moments AS (
    SELECT story_id, changed_at, sum(articles) AS articles, sum(outlets) AS outlets, bool_or(is_end) AS is_end, max(headline) AS headline
    FROM changes
    GROUP BY story_id, changed_at
), states AS (
    SELECT story_id, changed_at, coalesce(lead(changed_at) OVER story, 'infinity'::TIMESTAMP) AS until,
           (sum(articles) OVER story)::BIGINT AS articles, (sum(outlets) OVER story)::BIGINT AS outlets,
           last_value(is_end IGNORE NULLS) OVER story AS is_over, last_value(headline IGNORE NULLS) OVER story AS headline
    FROM moments
    WINDOW story AS (PARTITION BY story_id ORDER BY changed_at)
), shown AS (
    SELECT states.story_id, states.changed_at, states.until, states.articles, states.outlets,
           coalesce(states.headline, stories.headline) AS headline
    FROM states
    JOIN internal.stories ON stories.story_id = states.story_id
    WHERE NOT states.is_over AND states.articles > 0
)
SELECT nights.night_at, shown.story_id, shown.headline, shown.articles, shown.outlets
FROM shown
JOIN nights ON nights.night_at >= shown.changed_at AND nights.night_at < shown.until
ORDER BY nights.night_at DESC, shown.outlets DESC, shown.articles DESC, shown.story_id;
COMMENT ON VIEW story_nights IS 'The living stories of each night, as they stood after it';
COMMENT ON COLUMN story_nights.night_at IS 'The night, UTC';
COMMENT ON COLUMN story_nights.story_id IS 'The story';
COMMENT ON COLUMN story_nights.headline IS 'Its headline then; today''s where nights kept none';
COMMENT ON COLUMN story_nights.articles IS 'Its original articles then';
COMMENT ON COLUMN story_nights.outlets IS 'Publishers that told it then, duplicates included, each counted once';
