-- The articles nearest to some words: `FROM search_articles('GDPR fine')`.
CREATE OR REPLACE MACRO search_articles(words, number := 20, vector := NULL) AS TABLE
WITH asked AS (
    SELECT words::TEXT AS text
), asked_vector AS (
    SELECT vector AS direction
),
-- INCLUDE search_hits
SELECT row_number() OVER (ORDER BY best.score DESC, best.article_id) AS place,
       best.article_id, articles.title, articles.outlet, articles.language, articles.published_at, articles.date_quality,
       story_articles.story_id, best.why, best.score, best.words_rank, best.words_score, best.meaning_rank,
       best.meaning_score, articles.url
FROM (SELECT * FROM hits ORDER BY score DESC, article_id LIMIT number) AS best
JOIN internal.articles ON articles.article_id = best.article_id
LEFT JOIN internal.story_articles ON story_articles.article_id = best.article_id AND story_articles.left_at IS NULL
ORDER BY place;
COMMENT ON MACRO TABLE search_articles IS 'The articles nearest to some words, by stems (BM25) and by meaning (vectors), each hit with why; the centred vector of the words can be given';
