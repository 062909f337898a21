-- How each story was told: every article, with the hours since the first.
CREATE OR REPLACE VIEW story_timeline AS
SELECT stories.story_id, stories.headline, stories.state, articles.published_at,
       articles.date_quality,
       CASE WHEN articles.date_quality = 'given' THEN round(date_diff('minute',
           min(articles.published_at) FILTER (articles.date_quality = 'given') OVER (PARTITION BY stories.story_id),
           articles.published_at) / 60.0, 2) END AS hours_since_first,
       articles.outlet, articles.language, articles.title, articles.article_id
FROM internal.stories
JOIN internal.story_articles ON story_articles.story_id = stories.story_id AND story_articles.left_at IS NULL
JOIN internal.articles ON articles.article_id = story_articles.article_id
ORDER BY stories.story_id, articles.published_at, articles.article_id;
COMMENT ON VIEW story_timeline IS 'How each story was told across outlets and languages, closed stories included';
COMMENT ON COLUMN story_timeline.story_id IS 'The story';
COMMENT ON COLUMN story_timeline.headline IS 'Its headline';
COMMENT ON COLUMN story_timeline.state IS 'living, closed or merged';
COMMENT ON COLUMN story_timeline.published_at IS 'Publication of the article, UTC';
COMMENT ON COLUMN story_timeline.date_quality IS 'given, guessed, inferred, missing or future; first sight stands in for the last two';
COMMENT ON COLUMN story_timeline.hours_since_first IS 'Hours after the first article by published_at, of those whose date is given to the minute; NULL unless its own is, too';
COMMENT ON COLUMN story_timeline.outlet IS 'Site of the article';
COMMENT ON COLUMN story_timeline.language IS 'Language of the article';
COMMENT ON COLUMN story_timeline.title IS 'Title of the article';
COMMENT ON COLUMN story_timeline.article_id IS 'The article';
