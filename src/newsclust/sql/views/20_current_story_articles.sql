-- The articles of the living stories, first to last.
CREATE OR REPLACE VIEW current_story_articles AS
SELECT stories.story_id, stories.headline, articles.article_id, articles.title, articles.outlet, articles.language,
       articles.published_at, articles.date_quality, articles.url, articles.paywall_marker IS NOT NULL AS is_paywalled,
       (SELECT count(*) FROM internal.duplicates WHERE duplicates.original_id = articles.article_id) AS duplicates,
       story_articles.joined_at, articles.publisher, articles.links_to
FROM internal.stories
JOIN internal.story_articles ON story_articles.story_id = stories.story_id AND story_articles.left_at IS NULL
JOIN internal.articles ON articles.article_id = story_articles.article_id
WHERE stories.state = 'living'
ORDER BY stories.last_at DESC, stories.story_id, articles.published_at, articles.article_id;
COMMENT ON VIEW current_story_articles IS 'The articles of the living stories; duplicates are counted, not listed';
COMMENT ON COLUMN current_story_articles.story_id IS 'The story';
COMMENT ON COLUMN current_story_articles.headline IS 'Headline of the story';
COMMENT ON COLUMN current_story_articles.article_id IS 'The article';
COMMENT ON COLUMN current_story_articles.title IS 'Title of the article';
COMMENT ON COLUMN current_story_articles.outlet IS 'Whose word it is';
COMMENT ON COLUMN current_story_articles.language IS 'ISO 639-1 code, "und" when unknown';
COMMENT ON COLUMN current_story_articles.published_at IS 'UTC; see date_quality';
COMMENT ON COLUMN current_story_articles.date_quality IS 'given, guessed, inferred, missing or future; first sight stands in for the last two';
COMMENT ON COLUMN current_story_articles.url IS 'Canonical address';
COMMENT ON COLUMN current_story_articles.is_paywalled IS 'A paywall cut its text';
COMMENT ON COLUMN current_story_articles.duplicates IS 'Its duplicates elsewhere';
COMMENT ON COLUMN current_story_articles.joined_at IS 'The night it joined the story, UTC';
COMMENT ON COLUMN current_story_articles.publisher IS 'Registered domain of the outlet: what counts as one voice; NULL: read before it was kept';
COMMENT ON COLUMN current_story_articles.links_to IS 'Host of its address: whom the link names; NULL: read before it was kept';
