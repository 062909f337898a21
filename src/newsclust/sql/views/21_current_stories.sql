-- The living stories, the most told first.
CREATE OR REPLACE VIEW current_stories AS
WITH members AS (
    SELECT story_id, count(*) FILTER (NOT is_duplicate) AS articles, count(*) FILTER (is_duplicate) AS duplicates,
           count(DISTINCT publisher) AS outlets, list_sort(list(DISTINCT language)) AS languages,
           arg_min(story_tellings, row(NOT is_timed, told_at, first_seen_at, published_at, article_id)) AS first,
           arg_max(story_tellings, row(published_at, article_id)) FILTER (NOT is_duplicate) AS last
    FROM story_tellings
    GROUP BY story_id
), topic AS (
    SELECT topic_stories.story_id, topics.topic_id, topics.label
    FROM internal.topic_stories
    JOIN internal.topics ON topics.topic_id = topic_stories.topic_id
    WHERE topic_stories.left_at IS NULL
)
SELECT stories.story_id, stories.headline, stories.headline_en, stories.headline_fr,
       members.articles, members.duplicates, members.outlets, members.languages,
       members.first.published_at AS first_at, members.first.date_quality AS first_date_quality,
       stories.last_at, members.last.date_quality AS last_date_quality, stories.born_at,
       topic.topic_id, coalesce(topic.label, 'not in a topic') AS topic
FROM internal.stories
JOIN members ON members.story_id = stories.story_id
LEFT JOIN topic ON topic.story_id = stories.story_id
WHERE stories.state = 'living'
ORDER BY members.outlets DESC, members.articles DESC, stories.last_at DESC, stories.story_id;
COMMENT ON VIEW current_stories IS 'The living stories, the most told first';
COMMENT ON COLUMN current_stories.story_id IS 'Lasting id of the story';
COMMENT ON COLUMN current_stories.headline IS 'Title of its most central article';
COMMENT ON COLUMN current_stories.headline_en IS 'The same among its English articles';
COMMENT ON COLUMN current_stories.headline_fr IS 'The same among its French articles';
COMMENT ON COLUMN current_stories.articles IS 'Original articles';
COMMENT ON COLUMN current_stories.duplicates IS 'Duplicates of them';
COMMENT ON COLUMN current_stories.outlets IS 'Publishers that carried the story, by duplicates too, each counted once';
COMMENT ON COLUMN current_stories.languages IS 'Languages, sorted';
COMMENT ON COLUMN current_stories.first_at IS 'Publication of its first article, UTC, a duplicate too: of those whose date is given to the minute, if there are any';
COMMENT ON COLUMN current_stories.first_date_quality IS 'given, guessed, inferred, missing or future; first sight stands in for the last two';
COMMENT ON COLUMN current_stories.last_at IS 'Publication of its last article, UTC';
COMMENT ON COLUMN current_stories.last_date_quality IS 'given, guessed, inferred, missing or future; first sight stands in for the last two';
COMMENT ON COLUMN current_stories.born_at IS 'The night that found it, UTC';
COMMENT ON COLUMN current_stories.topic_id IS 'Its topic; NULL when it is in none';
COMMENT ON COLUMN current_stories.topic IS 'Label of its topic, or "not in a topic"';
