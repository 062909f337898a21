-- What happened to stories after a moment, and what people corrected: `FROM changes_since(TIMESTAMP '2026-02-04 06:00')`. With
-- stories_as_of of that moment it makes what there is now.
CREATE OR REPLACE MACRO changes_since(moment) AS TABLE
WITH corrected AS (
    SELECT correction_id, kind, nullif(headline, '') AS headline, run_id, made_at,
           unnest(CASE WHEN len(story_ids) = 0 THEN [NULL] ELSE story_ids END) AS story_id,
           len(article_ids) + len(other_article_ids) AS articles
    FROM internal.corrections
), changes AS (
    SELECT story_events.happened_at, story_events.event AS what, story_events.story_id, story_events.headline,
           story_events.articles::BIGINT AS articles, len(story_events.article_ids) AS moved_articles,
           nullif(story_events.other_story_id, '') AS other_story_id, story_events.reason
    FROM internal.story_events
    WHERE story_events.happened_at > moment
    UNION ALL
    SELECT coalesce(runs.night_at, corrected.made_at), 'corrected', corrected.story_id, corrected.headline,
           NULL, corrected.articles, NULL, 'a person: ' || corrected.kind
    FROM corrected
    LEFT JOIN internal.runs ON runs.run_id = corrected.run_id
    WHERE coalesce(runs.night_at, corrected.made_at) > moment
)
SELECT changes.happened_at, changes.what, changes.story_id, coalesce(changes.headline, stories.headline) AS headline, changes.articles,
       changes.moved_articles, changes.other_story_id, changes.reason
FROM changes
LEFT JOIN internal.stories ON stories.story_id = changes.story_id
ORDER BY changes.happened_at, changes.story_id, changes.what, changes.other_story_id, changes.reason;
COMMENT ON MACRO TABLE changes_since IS 'What happened to stories after a moment (born, grew, shrank, renamed, merged, split, closed, reopened) and what people corrected, by the night that applied it; headline is that of then, articles the members afterwards';
