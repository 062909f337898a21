-- Articles of each topic by day of publication.
CREATE OR REPLACE VIEW topic_days AS
SELECT articles.published_at::DATE AS day, topics.topic_id, coalesce(topics.label, 'not in a topic') AS label,
       count(DISTINCT stories.story_id) AS stories, count(*) AS articles
FROM internal.stories
JOIN internal.story_articles ON story_articles.story_id = stories.story_id AND story_articles.left_at IS NULL
JOIN internal.articles ON articles.article_id = story_articles.article_id
LEFT JOIN internal.topic_stories ON topic_stories.story_id = stories.story_id AND topic_stories.left_at IS NULL
LEFT JOIN internal.topics ON topics.topic_id = topic_stories.topic_id
GROUP BY ALL
ORDER BY day, articles DESC, label;
COMMENT ON VIEW topic_days IS 'Articles and stories of each topic by day of publication';
COMMENT ON COLUMN topic_days.day IS 'Day, UTC';
COMMENT ON COLUMN topic_days.topic_id IS 'The topic; NULL for the stories in none';
COMMENT ON COLUMN topic_days.label IS 'Its label';
COMMENT ON COLUMN topic_days.stories IS 'Stories with an article on that day';
COMMENT ON COLUMN topic_days.articles IS 'Articles of that day';
