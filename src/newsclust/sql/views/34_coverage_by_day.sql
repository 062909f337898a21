-- How much was written, by day, story, language and outlet. A missing date is first sight, and is counted apart.
CREATE OR REPLACE VIEW coverage_by_day AS
WITH original AS (
    SELECT articles.article_id, coalesce(duplicates.original_id, articles.article_id) AS original_id,
           duplicates.article_id IS NOT NULL AS is_duplicate, articles.published_at::DATE AS day, articles.language, articles.outlet,
           coalesce(articles.publisher, articles.outlet) AS publisher,
           articles.date_quality IN ('missing', 'future') AS is_undated
    FROM internal.articles
    LEFT JOIN internal.duplicates ON duplicates.article_id = articles.article_id
), days AS (
    SELECT day, count(*) AS articles FROM original WHERE NOT is_duplicate GROUP BY day
), counted AS (
    SELECT original.day, members.story_id, original.language, original.publisher, original.outlet,
           count(*) FILTER (NOT is_duplicate) AS articles, count(*) FILTER (is_duplicate) AS duplicates,
           count(*) FILTER (is_undated) AS undated
    FROM original
    LEFT JOIN (SELECT story_id, article_id FROM internal.story_articles WHERE left_at IS NULL) AS members
      ON members.article_id = original.original_id
    GROUP BY ALL
)
SELECT counted.day, counted.story_id, stories.headline, placed.topic_id, topics.label AS topic, counted.language,
       counted.publisher, counted.outlet, counted.articles, counted.duplicates, counted.undated,
       counted.articles / nullif(days.articles, 0) AS ratio
FROM counted
LEFT JOIN days ON days.day = counted.day
LEFT JOIN internal.stories ON stories.story_id = counted.story_id
LEFT JOIN (SELECT story_id, topic_id FROM internal.topic_stories WHERE left_at IS NULL) AS placed
  ON placed.story_id = counted.story_id
LEFT JOIN internal.topics ON topics.topic_id = placed.topic_id
ORDER BY counted.day DESC, counted.articles DESC, counted.story_id, counted.language, counted.outlet, counted.publisher;
COMMENT ON VIEW coverage_by_day IS 'How much was written, by day, story, language and outlet, to be summed as the question needs';
COMMENT ON COLUMN coverage_by_day.day IS 'Day of publication, UTC; of articles without a date the day they were first seen';
COMMENT ON COLUMN coverage_by_day.story_id IS 'The story; NULL: in none';
COMMENT ON COLUMN coverage_by_day.headline IS 'Its headline';
COMMENT ON COLUMN coverage_by_day.topic_id IS 'Its topic; NULL: in none';
COMMENT ON COLUMN coverage_by_day.topic IS 'Label of the topic';
COMMENT ON COLUMN coverage_by_day.language IS 'ISO 639-1 code, "und" when unknown';
COMMENT ON COLUMN coverage_by_day.publisher IS 'Registered domain of the outlet: what counts as one voice';
COMMENT ON COLUMN coverage_by_day.outlet IS 'Whose word it is';
COMMENT ON COLUMN coverage_by_day.articles IS 'Original articles';
COMMENT ON COLUMN coverage_by_day.duplicates IS 'Articles there that repeat another one of the story';
COMMENT ON COLUMN coverage_by_day.undated IS 'Of both, those without a date of their own: their day is that of first sight';
COMMENT ON COLUMN coverage_by_day.ratio IS 'articles of all original articles of the day; sums of it are ratios, too. NULL: the day has duplicates alone';
