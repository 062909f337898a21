-- Work queue: pairs of articles of one living story that have not been judged since either text changed. An article
-- is judged with so many earlier ones of its story as `most` says, those with the nearest vectors of this model; so
-- a story costs so many pairs an article, however long it grows.
CREATE OR REPLACE MACRO todo_rewrites(model_name, fewest_words, most) AS TABLE
WITH members AS (
    SELECT story_articles.story_id, articles.article_id, articles.published_at, articles.changed_at, embeddings.vector
    FROM stories
    JOIN story_articles ON story_articles.story_id = stories.story_id AND story_articles.left_at IS NULL
    JOIN articles ON articles.article_id = story_articles.article_id
    LEFT JOIN embeddings ON embeddings.article_id = articles.article_id AND embeddings.model = model_name
    WHERE stories.state = 'living' AND articles.word_count >= fewest_words
), pairs AS (
    SELECT later.story_id, least(later.article_id, earlier.article_id) AS article_a,
           greatest(later.article_id, earlier.article_id) AS article_b,
           greatest(later.changed_at, earlier.changed_at) AS changed_at
    FROM members AS later
    JOIN members AS earlier
      ON earlier.story_id = later.story_id
     AND (earlier.published_at, earlier.article_id) < (later.published_at, later.article_id)
    QUALIFY row_number() OVER (
        PARTITION BY later.article_id
        ORDER BY list_dot_product(later.vector, earlier.vector) DESC NULLS LAST, earlier.published_at, earlier.article_id
    ) <= most
)
SELECT pairs.story_id, pairs.article_a, pairs.article_b
FROM pairs
ANTI JOIN rewrite_comparisons
  ON rewrite_comparisons.article_a = pairs.article_a AND rewrite_comparisons.article_b = pairs.article_b
 AND rewrite_comparisons.compared_at >= pairs.changed_at
ORDER BY pairs.story_id, pairs.article_a, pairs.article_b;
