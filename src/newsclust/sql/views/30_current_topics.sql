-- The living topics, the largest first; what is in none stands in a row of its own.
CREATE OR REPLACE VIEW current_topics AS
WITH placed AS (
    SELECT current_stories.topic_id, count(*) AS stories, sum(current_stories.articles)::BIGINT AS articles,
           max(current_stories.last_at) AS last_at, arg_max(current_stories.last_date_quality, current_stories.last_at) AS last_date_quality
    FROM current_stories
    GROUP BY current_stories.topic_id
)
SELECT placed.topic_id, coalesce(topics.label, 'not in a topic') AS label, topics.words_en, topics.words_fr,
       topics.headline, placed.stories, placed.articles, topics.born_at, placed.last_at,
       placed.last_date_quality
FROM placed
LEFT JOIN internal.topics ON topics.topic_id = placed.topic_id
ORDER BY placed.topic_id IS NULL, placed.stories DESC, placed.articles DESC, placed.topic_id;
COMMENT ON VIEW current_topics IS 'The topics of the living stories; a last row counts the stories in none';
COMMENT ON COLUMN current_topics.topic_id IS 'Lasting id of the topic; NULL for the stories in none';
COMMENT ON COLUMN current_topics.label IS 'Its most telling words, or "not in a topic"';
COMMENT ON COLUMN current_topics.words_en IS 'Its most telling English words';
COMMENT ON COLUMN current_topics.words_fr IS 'Its most telling French words';
COMMENT ON COLUMN current_topics.headline IS 'Headline of its most central story';
COMMENT ON COLUMN current_topics.stories IS 'Living stories in it';
COMMENT ON COLUMN current_topics.articles IS 'Their articles';
COMMENT ON COLUMN current_topics.born_at IS 'The night that found it, UTC';
COMMENT ON COLUMN current_topics.last_at IS 'Publication of its last article, UTC';
COMMENT ON COLUMN current_topics.last_date_quality IS 'given, guessed, inferred, missing or future; first sight stands in for the last two';
