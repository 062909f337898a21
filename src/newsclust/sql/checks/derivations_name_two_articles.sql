-- A derivation names two articles in order, derived only with a score; a source does not derive from its derivative.
SELECT article_a, article_b, score
FROM derivations
WHERE article_a >= article_b
   OR article_a NOT IN (SELECT article_id FROM articles)
   OR article_b NOT IN (SELECT article_id FROM articles)
   OR (derived AND score IS NULL)
   OR score NOT BETWEEN 0 AND 1
UNION ALL
SELECT derived.article_id, derived.source_id, derived.score
FROM derived_articles AS derived
SEMI JOIN derived_articles AS back ON back.article_id = derived.source_id AND back.source_id = derived.article_id;
