-- The stories nearest to one, by the words of its headline and by its articles' vectors: `FROM similar_stories('ID')`.
CREATE OR REPLACE MACRO similar_stories(id, number := 20) AS TABLE
WITH asked AS (
    SELECT stories.headline AS text FROM internal.stories WHERE stories.story_id = id::TEXT
), asked_vector AS (
    SELECT list(number_there ORDER BY place) AS direction
    FROM (
        SELECT place, sum(number_there) AS number_there
        FROM (
            SELECT unnest(embeddings.vector::FLOAT[]) AS number_there,
                   generate_subscripts(embeddings.vector::FLOAT[], 1) AS place
            FROM internal.story_articles
            JOIN internal.embeddings ON embeddings.article_id = story_articles.article_id
            WHERE story_articles.story_id = id::TEXT AND story_articles.left_at IS NULL
        )
        GROUP BY place
    )
),
-- INCLUDE search_hits
SELECT row_number() OVER (ORDER BY best.score DESC, best.story_id) AS place,
       best.story_id, stories.headline, stories.state, best.articles_found, best.languages,
       best.why, best.score, best.words_rank, best.meaning_rank, best.meaning_score, best.article_id, best.title, best.outlet,
       best.language, best.published_at, best.date_quality, best.url
FROM (
    SELECT story_articles.story_id, max(hits.score) AS score, count(*) AS articles_found,
           list_sort(list(DISTINCT articles.language)) AS languages,
           CASE WHEN bool_or(hits.why <> 'meaning') AND bool_or(hits.why <> 'words') THEN 'both' ELSE min(hits.why) END AS why,
           min(hits.words_rank) AS words_rank, min(hits.meaning_rank) AS meaning_rank, max(hits.meaning_score) AS meaning_score,
           arg_max(hits.article_id, hits.score) AS article_id, arg_max(articles.title, hits.score) AS title,
           arg_max(articles.outlet, hits.score) AS outlet, arg_max(articles.language, hits.score) AS language,
           arg_max(articles.published_at, hits.score) AS published_at, arg_max(articles.date_quality, hits.score) AS date_quality,
           arg_max(articles.url, hits.score) AS url
    FROM hits
    JOIN internal.articles ON articles.article_id = hits.article_id
    JOIN internal.story_articles ON story_articles.article_id = hits.article_id AND story_articles.left_at IS NULL
    WHERE story_articles.story_id <> id::TEXT
    GROUP BY story_articles.story_id
    ORDER BY score DESC, story_articles.story_id
    LIMIT number
) AS best
JOIN internal.stories ON stories.story_id = best.story_id
ORDER BY place;
COMMENT ON MACRO TABLE similar_stories IS 'The stories nearest to one, by the words of its headline and by meaning, closed ones included, each with its nearest article';
