-- A living story has articles; a merged one has none and names where they went.
SELECT stories.story_id, stories.state, stories.merged_into
FROM stories
LEFT JOIN story_articles ON story_articles.story_id = stories.story_id AND story_articles.left_at IS NULL
GROUP BY ALL
HAVING (stories.state = 'living' AND count(story_articles.article_id) = 0)
    OR (stories.state = 'merged' AND (count(story_articles.article_id) > 0 OR stories.merged_into IS NULL));
