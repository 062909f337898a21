-- The articles nearest to one, by the words of its title and by its vector: `FROM similar_articles('ID')`.
CREATE OR REPLACE MACRO similar_articles(id, number := 20) AS TABLE
WITH original AS (
    SELECT coalesce((SELECT original_id FROM internal.duplicates WHERE duplicates.article_id = id::TEXT), id::TEXT) AS article_id
), asked AS (
    SELECT articles.title AS text FROM original JOIN internal.articles ON articles.article_id = original.article_id
), asked_vector AS (
    SELECT embeddings.vector AS direction FROM original JOIN internal.embeddings ON embeddings.article_id = original.article_id
),
-- INCLUDE search_hits
SELECT row_number() OVER (ORDER BY best.score DESC, best.article_id) AS place,
       best.article_id, articles.title, articles.outlet, articles.language, articles.published_at, articles.date_quality,
       story_articles.story_id, best.why, best.score, best.words_rank, best.words_score, best.meaning_rank,
       best.meaning_score, articles.url
FROM (SELECT * FROM hits
      WHERE article_id <> (SELECT original.article_id FROM original) ORDER BY score DESC, article_id LIMIT number) AS best
JOIN internal.articles ON articles.article_id = best.article_id
LEFT JOIN internal.story_articles ON story_articles.article_id = best.article_id AND story_articles.left_at IS NULL
ORDER BY place;
COMMENT ON MACRO TABLE similar_articles IS 'The articles nearest to one, by the words of its title and by meaning, each with why; a duplicate counts as its original';
