-- Every article that tells a story, duplicates included: what counts outlets and finds the first reads this.
CREATE OR REPLACE VIEW story_tellings AS
WITH told AS (
    SELECT story_id, article_id, article_id AS original_id, false AS is_duplicate, joined_at
    FROM internal.story_articles
    WHERE left_at IS NULL
    UNION ALL
    SELECT story_articles.story_id, duplicates.article_id, duplicates.original_id, true, duplicates.found_at
    FROM internal.story_articles
    JOIN internal.duplicates ON duplicates.original_id = story_articles.article_id
    WHERE story_articles.left_at IS NULL
)
SELECT told.story_id, told.article_id, told.original_id, told.is_duplicate, articles.outlet,
       coalesce(articles.publisher, articles.outlet) AS publisher, articles.language, articles.published_at, articles.date_quality,
       articles.date_quality = 'given' AS is_timed, greatest(articles.published_at, articles.attested_at) AS told_at,
       articles.first_seen_at, told.joined_at, articles.title, articles.url
FROM told
JOIN internal.articles ON articles.article_id = told.article_id
ORDER BY told.story_id, NOT is_timed, told_at, told.article_id;
COMMENT ON VIEW story_tellings IS 'Every article that tells a story, duplicates included; closed stories too';
COMMENT ON COLUMN story_tellings.story_id IS 'The story';
COMMENT ON COLUMN story_tellings.article_id IS 'The article';
COMMENT ON COLUMN story_tellings.original_id IS 'The original that it is, or that it duplicates';
COMMENT ON COLUMN story_tellings.is_duplicate IS 'Whether it is a duplicate';
COMMENT ON COLUMN story_tellings.outlet IS 'Its site';
COMMENT ON COLUMN story_tellings.publisher IS 'Registered domain of the site: what counts as one outlet';
COMMENT ON COLUMN story_tellings.language IS 'ISO 639-1 code, "und" when unknown';
COMMENT ON COLUMN story_tellings.published_at IS 'UTC; see date_quality';
COMMENT ON COLUMN story_tellings.date_quality IS 'given, guessed, inferred, missing or future; first sight stands in for the last two';
COMMENT ON COLUMN story_tellings.is_timed IS 'Whether its date is given to the minute: only then it may be first, and have a delay';
COMMENT ON COLUMN story_tellings.told_at IS 'When it counts as told, UTC: published_at, or later when another date of it contradicts that';
COMMENT ON COLUMN story_tellings.first_seen_at IS 'First night that saw it, UTC';
COMMENT ON COLUMN story_tellings.joined_at IS 'The night it joined the story, or was found to be a duplicate, UTC';
COMMENT ON COLUMN story_tellings.title IS 'Its title';
COMMENT ON COLUMN story_tellings.url IS 'Canonical address';
