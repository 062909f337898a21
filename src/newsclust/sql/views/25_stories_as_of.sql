-- The stories as they stood at a moment: `FROM stories_as_of('2026-02-04 06:00')`.
CREATE OR REPLACE MACRO stories_as_of(moment) AS TABLE
WITH last_events AS (
    -- Of the events of one night the one that ends a story counts last.
    SELECT story_id, arg_max(event, position) AS event, arg_max(headline, position) AS headline
    FROM (
        SELECT story_id, event, headline,
               (happened_at, list_position(['born', 'split', 'reopened', 'shrank', 'grew', 'renamed', 'merged', 'closed'], event)) AS position
        FROM internal.story_events
        WHERE happened_at <= moment
    )
    GROUP BY story_id
), told AS (
    SELECT story_id, article_id, false AS is_duplicate
    FROM internal.story_articles
    WHERE joined_at <= moment AND (left_at IS NULL OR left_at > moment)
    UNION ALL
    SELECT story_articles.story_id, duplicates.article_id, true
    FROM internal.story_articles
    JOIN internal.duplicates ON duplicates.original_id = story_articles.article_id
    WHERE story_articles.joined_at <= moment AND (story_articles.left_at IS NULL OR story_articles.left_at > moment)
      AND duplicates.found_at <= moment
), members AS (
    SELECT told.story_id, count(*) FILTER (NOT is_duplicate) AS articles,
           count(DISTINCT coalesce(articles.publisher, articles.outlet)) AS outlets,
           list_sort(list(DISTINCT articles.language)) AS languages,
           arg_min({'at': articles.published_at, 'quality': articles.date_quality},
                   row(articles.date_quality <> 'given', greatest(articles.published_at, articles.attested_at),
                       articles.first_seen_at, articles.published_at, articles.article_id)) AS first,
           arg_max({'at': articles.published_at, 'quality': articles.date_quality}, row(articles.published_at, articles.article_id))
               FILTER (NOT is_duplicate) AS last,
           list(told.article_id ORDER BY told.article_id) FILTER (NOT is_duplicate) AS article_ids
    FROM told
    JOIN internal.articles ON articles.article_id = told.article_id
    GROUP BY told.story_id
)
SELECT last_events.story_id, last_events.headline, members.articles, members.outlets, members.languages,
       members.first.at AS first_at, members.first.quality AS first_date_quality,
       members.last.at AS last_at, members.last.quality AS last_date_quality, members.article_ids
FROM last_events
JOIN members ON members.story_id = last_events.story_id
WHERE last_events.event NOT IN ('merged', 'closed')
ORDER BY members.outlets DESC, members.articles DESC, last_at DESC, last_events.story_id;
COMMENT ON MACRO TABLE stories_as_of IS 'The stories as they stood at a moment: stories_as_of(TIMESTAMP ''2026-02-04 06:00''); outlets and dates as in current_stories';
