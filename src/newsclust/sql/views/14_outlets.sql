-- Who tells: each outlet that is listed or was seen, and how much it told.
CREATE OR REPLACE VIEW outlets AS
WITH told AS (
    SELECT coalesce(articles.publisher, articles.outlet) AS publisher, count(DISTINCT articles.article_id) AS articles,
           count(DISTINCT articles.article_id) FILTER (duplicates.article_id IS NOT NULL) AS duplicates,
           count(DISTINCT story_articles.story_id) AS stories, max(articles.first_seen_at) AS last_seen_at
    FROM internal.articles
    LEFT JOIN internal.duplicates ON duplicates.article_id = articles.article_id
    LEFT JOIN internal.story_articles
        ON story_articles.article_id = coalesce(duplicates.original_id, articles.article_id) AND story_articles.left_at IS NULL
    GROUP BY ALL
)
SELECT outlet_profiles.publisher, outlet_profiles.name, outlet_profiles.host, outlet_profiles.country,
       outlet_profiles.languages, outlet_profiles.kind, outlet_profiles.source,
       coalesce(told.articles, 0) AS articles, coalesce(told.duplicates, 0) AS duplicates,
       coalesce(told.stories, 0) AS stories, told.last_seen_at
FROM internal.outlet_profiles
LEFT JOIN told ON told.publisher = outlet_profiles.publisher
ORDER BY articles DESC, outlet_profiles.publisher;
COMMENT ON VIEW outlets IS 'Each outlet that is listed or was seen: where it is, in which languages, of which kind, and how much it told';
COMMENT ON COLUMN outlets.publisher IS 'Registered domain, as in the publisher of articles: one voice';
COMMENT ON COLUMN outlets.name IS 'Its name; of an unlisted one its feed''s title, else the publisher';
COMMENT ON COLUMN outlets.host IS 'Where its home page is';
COMMENT ON COLUMN outlets.country IS 'ISO 3166-1 alpha-2, where its newsroom is; inferred ones by a country-code domain alone; NULL: unknown';
COMMENT ON COLUMN outlets.languages IS 'ISO 639-1; inferred ones by the majority of their articles; empty: unknown';
COMMENT ON COLUMN outlets.kind IS 'press, blog, company (an organisation in its own voice), aggregator or forum; NULL: unknown';
COMMENT ON COLUMN outlets.source IS 'Who says so: shipped (our list), yours (your outlets.toml) or inferred';
COMMENT ON COLUMN outlets.articles IS 'Its articles, duplicates of others'' included; 0: it is listed and was not seen';
COMMENT ON COLUMN outlets.duplicates IS 'Those of them that are duplicates';
COMMENT ON COLUMN outlets.stories IS 'Stories that it told, by duplicates, too; closed ones included';
COMMENT ON COLUMN outlets.last_seen_at IS 'When its newest article was first seen, UTC';
