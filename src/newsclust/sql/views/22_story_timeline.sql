-- How each story was told: every article, with the hours since the first.
CREATE OR REPLACE VIEW story_timeline AS
WITH told AS (
    SELECT *, min(told_at) FILTER (is_timed) OVER (PARTITION BY story_id) AS first_told_at FROM story_tellings
)
SELECT stories.story_id, stories.headline, stories.state, told.published_at, told.date_quality,
       CASE WHEN told.is_timed THEN round(date_diff('minute', told.first_told_at, told.told_at) / 60.0, 2) END AS hours_since_first,
       told.outlet, told.language, told.title, told.article_id
FROM told
JOIN internal.stories ON stories.story_id = told.story_id
WHERE NOT told.is_duplicate
ORDER BY stories.story_id, told.published_at, told.article_id;
COMMENT ON VIEW story_timeline IS 'How each story was told across outlets and languages, closed stories included';
COMMENT ON COLUMN story_timeline.story_id IS 'The story';
COMMENT ON COLUMN story_timeline.headline IS 'Its headline';
COMMENT ON COLUMN story_timeline.state IS 'living, closed or merged';
COMMENT ON COLUMN story_timeline.published_at IS 'Publication of the article, UTC';
COMMENT ON COLUMN story_timeline.date_quality IS 'given, guessed, inferred, missing or future; first sight stands in for the last two';
COMMENT ON COLUMN story_timeline.hours_since_first IS 'Hours after the first telling, a duplicate too, whose date is given to the minute; NULL unless its own is; both as told_at of story_tellings has them';
COMMENT ON COLUMN story_timeline.outlet IS 'Site of the article';
COMMENT ON COLUMN story_timeline.language IS 'Language of the article';
COMMENT ON COLUMN story_timeline.title IS 'Title of the article';
COMMENT ON COLUMN story_timeline.article_id IS 'The article';
