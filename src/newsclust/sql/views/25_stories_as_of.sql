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
), members AS (
    SELECT story_articles.story_id, count(*) AS articles, count(DISTINCT coalesce(articles.publisher, articles.outlet)) AS outlets,
           list_sort(list(DISTINCT articles.language)) AS languages,
           min(articles.published_at) AS first_at, max(articles.published_at) AS last_at,
           list(story_articles.article_id ORDER BY story_articles.article_id) AS article_ids
    FROM internal.story_articles
    JOIN internal.articles ON articles.article_id = story_articles.article_id
    WHERE story_articles.joined_at <= moment AND (story_articles.left_at IS NULL OR story_articles.left_at > moment)
    GROUP BY story_articles.story_id
)
SELECT last_events.story_id, last_events.headline, members.articles, members.outlets, members.languages, members.first_at,
       members.last_at, members.article_ids
FROM last_events
JOIN members ON members.story_id = last_events.story_id
WHERE last_events.event NOT IN ('merged', 'closed')
ORDER BY members.outlets DESC, members.articles DESC, members.last_at DESC, last_events.story_id;
