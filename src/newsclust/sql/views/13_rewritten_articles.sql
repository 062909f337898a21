-- Every article that was rewritten or translated, with the earliest article of its story whose text it shares.
CREATE OR REPLACE VIEW rewritten_articles AS
WITH members AS (
    SELECT story_articles.story_id, articles.article_id, articles.title, articles.outlet, articles.language,
           articles.published_at, articles.date_quality,
           -- The source is an article with a date to the minute, then the earlier one: an order, so there is no circle.
           row(articles.date_quality <> 'given', greatest(articles.published_at, articles.attested_at),
               articles.first_seen_at, articles.published_at, articles.article_id) AS age
    FROM internal.story_articles
    JOIN internal.articles ON articles.article_id = story_articles.article_id
    WHERE story_articles.left_at IS NULL
), shared AS (
    SELECT article_a AS one, article_b AS other, score, method, evidence, compared_at FROM internal.rewrite_comparisons WHERE is_rewrite
    UNION ALL
    SELECT article_b, article_a, score, method, evidence, compared_at FROM internal.rewrite_comparisons WHERE is_rewrite
)
SELECT later.story_id, later.article_id, later.title, later.outlet, later.language, later.published_at,
       later.date_quality,
       source.article_id AS source_id, source.title AS source_title, source.outlet AS source_outlet,
       source.language AS source_language, source.published_at AS source_published_at, source.date_quality AS source_date_quality,
       CASE WHEN later.date_quality = 'given' AND source.date_quality = 'given'
            THEN round(date_diff('minute', source.published_at, later.published_at) / 60.0, 2) END AS hours_behind,
       shared.score, shared.method, shared.evidence, shared.compared_at
FROM shared
JOIN members AS later ON later.article_id = shared.one
JOIN members AS source ON source.article_id = shared.other AND source.story_id = later.story_id AND source.age < later.age
QUALIFY row_number() OVER (PARTITION BY later.article_id ORDER BY source.age) = 1
ORDER BY later.published_at DESC, later.article_id;
COMMENT ON VIEW rewritten_articles IS 'Every article rewritten or translated from another of its story, with that source and the evidence';
COMMENT ON COLUMN rewritten_articles.story_id IS 'The story of both';
COMMENT ON COLUMN rewritten_articles.article_id IS 'The rewritten article';
COMMENT ON COLUMN rewritten_articles.title IS 'Its title';
COMMENT ON COLUMN rewritten_articles.outlet IS 'Its site';
COMMENT ON COLUMN rewritten_articles.language IS 'Its language';
COMMENT ON COLUMN rewritten_articles.published_at IS 'Its publication, UTC';
COMMENT ON COLUMN rewritten_articles.date_quality IS 'given, guessed, inferred, missing or future; first sight stands in for the last two';
COMMENT ON COLUMN rewritten_articles.source_id IS 'The earliest article of the story whose text it shares; both may come from a third, a wire or a press release';
COMMENT ON COLUMN rewritten_articles.source_title IS 'Title of the source';
COMMENT ON COLUMN rewritten_articles.source_outlet IS 'Site of the source';
COMMENT ON COLUMN rewritten_articles.source_language IS 'Language of the source; another one means a translation';
COMMENT ON COLUMN rewritten_articles.source_published_at IS 'Publication of the source, UTC';
COMMENT ON COLUMN rewritten_articles.source_date_quality IS 'As date_quality, of the source';
COMMENT ON COLUMN rewritten_articles.hours_behind IS 'Hours after the source; NULL unless both dates are given to the minute';
COMMENT ON COLUMN rewritten_articles.score IS 'From 0.5, where a shared text begins, to 1; no probability';
COMMENT ON COLUMN rewritten_articles.method IS 'lexical: the same runs of words; semantic: the same statements in the same order';
COMMENT ON COLUMN rewritten_articles.evidence IS 'The reason in words';
COMMENT ON COLUMN rewritten_articles.compared_at IS 'The night that compared them, UTC';
