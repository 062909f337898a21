-- A link names its two articles in order, once, with a probability.
SELECT article_a, article_b, probability
FROM links
WHERE article_a >= article_b OR probability NOT BETWEEN 0 AND 1;
