-- What happened to each story, night by night.
CREATE OR REPLACE VIEW story_history AS
SELECT story_events.happened_at, story_events.story_id, stories.headline, story_events.event,
       story_events.articles::BIGINT AS articles,
       len(story_events.article_ids) AS moved_articles, nullif(story_events.other_story_id, '') AS other_story_id, story_events.reason
FROM internal.story_events
JOIN internal.stories ON stories.story_id = story_events.story_id
ORDER BY story_events.happened_at, story_events.story_id, story_events.event;
COMMENT ON VIEW story_history IS 'What happened to each story, night by night';
COMMENT ON COLUMN story_history.happened_at IS 'The night, UTC';
COMMENT ON COLUMN story_history.story_id IS 'The story';
COMMENT ON COLUMN story_history.headline IS 'Its headline today';
COMMENT ON COLUMN story_history.event IS 'born, grew, shrank, merged, split or closed';
COMMENT ON COLUMN story_history.articles IS 'Its articles afterwards';
COMMENT ON COLUMN story_history.moved_articles IS 'Articles that came, left or moved';
COMMENT ON COLUMN story_history.other_story_id IS 'The story it merged into or split from';
COMMENT ON COLUMN story_history.reason IS 'Why, in words';
