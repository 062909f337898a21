-- An article belongs to one story at a time, and a duplicate to none.
SELECT article_id, count(*) AS stories
FROM story_articles
WHERE left_at IS NULL
GROUP BY article_id
HAVING count(*) > 1
UNION ALL
SELECT story_articles.article_id, 0
FROM story_articles
SEMI JOIN duplicates ON duplicates.article_id = story_articles.article_id
WHERE story_articles.left_at IS NULL;
