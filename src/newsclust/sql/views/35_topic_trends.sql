-- Each topic by week, beside the week before. An article counts for the first topic that its story was in while it was in the
-- story: what later nights group otherwise changes no past week.
CREATE OR REPLACE VIEW topic_trends AS
WITH shared AS (
    SELECT story_articles.article_id,
           arg_min({'topic_id': topic_stories.topic_id, 'story_id': story_articles.story_id},
                   (greatest(story_articles.joined_at, topic_stories.joined_at), topic_stories.topic_id, story_articles.story_id)) AS place
    FROM internal.story_articles
    JOIN internal.topic_stories
      ON topic_stories.story_id = story_articles.story_id
     AND (topic_stories.left_at IS NULL OR topic_stories.left_at > story_articles.joined_at)
     AND (story_articles.left_at IS NULL OR story_articles.left_at > topic_stories.joined_at)
    GROUP BY story_articles.article_id
), counted AS (
    SELECT shared.place.topic_id AS topic_id, date_trunc('week', articles.published_at)::TIMESTAMP AS week_at,
           count(DISTINCT shared.place.story_id) AS stories, count(*) AS articles
    FROM shared
    JOIN internal.articles ON articles.article_id = shared.article_id
    GROUP BY ALL
), beside AS (  -- a week without articles has a row when the one before has some
    SELECT topic_id, week_at, stories, articles, 0 AS stories_before, 0 AS articles_before FROM counted
    UNION ALL
    SELECT topic_id, week_at + INTERVAL 7 DAY, 0, 0, stories, articles FROM counted
    WHERE week_at < (SELECT max(week_at) FROM counted)
), weeks AS (
    SELECT topic_id, week_at, sum(stories)::BIGINT AS stories, sum(articles)::BIGINT AS articles,
           sum(stories_before)::BIGINT AS stories_before, sum(articles_before)::BIGINT AS articles_before
    FROM beside
    GROUP BY topic_id, week_at
)
SELECT weeks.week_at, weeks.topic_id, topics.label, weeks.stories, weeks.articles, weeks.stories_before, weeks.articles_before,
       weeks.articles - weeks.articles_before AS change,
       coalesce(weeks.week_at + INTERVAL 7 DAY <= (SELECT max(night_at) FROM internal.runs), false) AS is_whole
FROM weeks
LEFT JOIN internal.topics ON topics.topic_id = weeks.topic_id
ORDER BY weeks.week_at DESC, weeks.articles DESC, weeks.topic_id;
COMMENT ON VIEW topic_trends IS 'Each topic by week, beside the week before; later regrouping changes no past week';
COMMENT ON COLUMN topic_trends.week_at IS 'Monday of the ISO week, UTC';
COMMENT ON COLUMN topic_trends.topic_id IS 'The topic';
COMMENT ON COLUMN topic_trends.label IS 'Its label as it is now: earlier ones are not kept';
COMMENT ON COLUMN topic_trends.stories IS 'Its stories with an article of the week';
COMMENT ON COLUMN topic_trends.articles IS 'Original articles of the week, by publication; first sight stands in for a missing date. Each counts for the first topic that its story was in';
COMMENT ON COLUMN topic_trends.stories_before IS 'The same of the week before';
COMMENT ON COLUMN topic_trends.articles_before IS 'The same of the week before';
COMMENT ON COLUMN topic_trends.change IS 'articles less articles_before';
COMMENT ON COLUMN topic_trends.is_whole IS 'Whether a night came after the week ended; if not, more may come';
