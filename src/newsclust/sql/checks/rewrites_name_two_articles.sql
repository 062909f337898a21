-- A comparison names two articles in order, is a rewrite only with a score, and no source is rewritten from its rewrite.
SELECT article_a, article_b, score
FROM rewrite_comparisons
WHERE article_a >= article_b
   OR article_a NOT IN (SELECT article_id FROM articles)
   OR article_b NOT IN (SELECT article_id FROM articles)
   OR (is_rewrite AND score IS NULL)
   OR score NOT BETWEEN 0 AND 1
UNION ALL
SELECT rewrite.article_id, rewrite.source_id, rewrite.score
FROM rewritten_articles AS rewrite
SEMI JOIN rewritten_articles AS back ON back.article_id = rewrite.source_id AND back.source_id = rewrite.article_id;
