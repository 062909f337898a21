-- Who told each story: how many outlets, how many of them with a text of their own, and who was first.
CREATE OR REPLACE VIEW story_sources AS
WITH sightings AS (
    SELECT story_tellings.*, rewritten_articles.article_id IS NOT NULL AS is_rewrite,
           row(told_at, first_seen_at, published_at, story_tellings.article_id) AS age
    FROM story_tellings
    LEFT JOIN (SELECT DISTINCT article_id FROM rewritten_articles) AS rewritten_articles
    ON rewritten_articles.article_id = story_tellings.article_id
), counted AS (
    SELECT story_id,
           count(*) FILTER (NOT is_duplicate) AS articles, count(*) FILTER (is_duplicate) AS duplicates,
           count(*) FILTER (is_rewrite) AS rewrites,
           count(DISTINCT publisher) AS outlets,
           count(DISTINCT publisher) FILTER (NOT is_duplicate AND NOT is_rewrite) AS independent_outlets,
           list_sort(list(DISTINCT language)) AS languages,
           arg_min(sightings, age) FILTER (is_timed) AS first,
           arg_min(sightings, age) FILTER (is_timed AND language = 'en') AS first_en,
           arg_min(sightings, age) FILTER (is_timed AND language = 'fr') AS first_fr
    FROM sightings
    GROUP BY story_id
)
SELECT stories.story_id, stories.headline, stories.state, counted.articles, counted.duplicates, counted.rewrites,
       counted.outlets, counted.independent_outlets, counted.languages,
       counted.first.outlet AS first_outlet, counted.first.published_at AS first_at,
       counted.first.date_quality AS first_date_quality, counted.first.article_id AS first_article_id,
       counted.first_en.outlet AS first_en_outlet, counted.first_en.published_at AS first_en_at,
       counted.first_en.article_id AS first_en_article_id,
       counted.first_fr.outlet AS first_fr_outlet, counted.first_fr.published_at AS first_fr_at,
       counted.first_fr.article_id AS first_fr_article_id,
       round(date_diff('minute', counted.first_en.published_at, counted.first_fr.published_at) / 60.0, 2) AS en_fr_lead_hours
FROM counted
JOIN internal.stories ON stories.story_id = counted.story_id
ORDER BY counted.independent_outlets DESC, counted.outlets DESC, stories.last_at DESC, stories.story_id;
COMMENT ON VIEW story_sources IS 'Who told each story: outlets, those with a text of their own, languages, and who was first; closed stories included';
COMMENT ON COLUMN story_sources.story_id IS 'The story';
COMMENT ON COLUMN story_sources.headline IS 'Its headline';
COMMENT ON COLUMN story_sources.state IS 'living or closed';
COMMENT ON COLUMN story_sources.articles IS 'Original articles, rewrites included';
COMMENT ON COLUMN story_sources.duplicates IS 'Duplicates of them';
COMMENT ON COLUMN story_sources.rewrites IS 'Articles rewritten or translated from another of the story';
COMMENT ON COLUMN story_sources.outlets IS 'Publishers that carried the story, by duplicates too, each counted once';
COMMENT ON COLUMN story_sources.independent_outlets IS 'Publishers with an article that is neither a duplicate nor a rewrite';
COMMENT ON COLUMN story_sources.languages IS 'Languages, sorted';
COMMENT ON COLUMN story_sources.first_outlet IS 'Site that was first, by a duplicate too, of those whose date is given to the minute; NULL when none is';
COMMENT ON COLUMN story_sources.first_at IS 'When, UTC';
COMMENT ON COLUMN story_sources.first_date_quality IS 'given, or NULL with first_outlet';
COMMENT ON COLUMN story_sources.first_article_id IS 'Its article';
COMMENT ON COLUMN story_sources.first_en_outlet IS 'Site of the first English article with a date to the minute; NULL when there is none';
COMMENT ON COLUMN story_sources.first_en_at IS 'When, UTC';
COMMENT ON COLUMN story_sources.first_en_article_id IS 'That article';
COMMENT ON COLUMN story_sources.first_fr_outlet IS 'Site of the first French article with a date to the minute; NULL when there is none';
COMMENT ON COLUMN story_sources.first_fr_at IS 'When, UTC';
COMMENT ON COLUMN story_sources.first_fr_article_id IS 'That article';
COMMENT ON COLUMN story_sources.en_fr_lead_hours IS 'Hours from the first English article to the first French one, negative when French was first; NULL unless both dates are given to the minute';
