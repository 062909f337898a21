-- The articles that are nearest to a text, of the two rows before: asked(text) and asked_vector(direction), which
-- may be NULL. A word is read as when articles were indexed (search/document.py), and counts as much as it is rare: BM25 with
-- title and text as two fields (Robertson, Zaragoza and Taylor, 2004). Words and meaning are fused by reciprocal rank
-- (Cormack, Clarke and Buettcher, 2009).
asked_words AS (
    SELECT DISTINCT unnest(
        regexp_extract_all(text, '[\p{L}\p{N}]+')
        || regexp_extract_all(regexp_replace(array_to_string(
               regexp_extract_all(text, '[\p{L}\p{N}]+(?:[-._][\p{L}\p{N}]+)+'), ' '), '[-._]', '', 'g'), '[\p{L}\p{N}]+')
        || regexp_extract_all(regexp_replace(text, '(\p{L}) (\d)', '\1\2', 'g'), '[\p{L}\p{N}]+')
    ) AS word
    FROM (SELECT lower(strip_accents(text)) AS text FROM asked)
), written AS MATERIALIZED (
    SELECT asked_words.word, search_words.language, search_words.term
    FROM asked_words
    JOIN internal.search_words ON search_words.word = asked_words.word
), known AS MATERIALIZED (
    SELECT word, language, term FROM written
    UNION ALL  -- an ending that no article has ("chips" where all say "chip"): the longest stem that the word begins with
    SELECT word, language, term
    FROM (
        SELECT unwritten.word, search_words.language, search_words.term,
               row_number() OVER (
                   PARTITION BY unwritten.word, search_words.language ORDER BY length(search_words.stem) DESC, search_words.term
               ) AS place
        FROM (
            SELECT word FROM asked_words
            WHERE NOT regexp_matches(word, '[0-9]') AND word NOT IN (SELECT written.word FROM written)
        ) AS unwritten
        JOIN internal.search_words ON starts_with(unwritten.word, search_words.stem)
             AND length(search_words.stem) >= greatest(3, length(unwritten.word) - 3)
    )
    WHERE place = 1
), held AS MATERIALIZED (
    SELECT known.word, search_postings.doc, search_postings.in_title, search_postings.in_text
    FROM known
    JOIN internal.search_postings ON search_postings.term = known.term
), sizes AS MATERIALIZED (
    SELECT count(*) AS docs, avg(title_words) AS title_words, avg(text_words) AS text_words FROM internal.search_documents
), rarity AS (
    SELECT counted.word, ln(1 + (sizes.docs - counted.docs + 0.5) / (counted.docs + 0.5)) AS weight
    FROM (
        SELECT word, least(sum(docs), (SELECT docs FROM sizes)) AS docs
        FROM (
            SELECT word, count(*) AS docs FROM held GROUP BY word
            UNION ALL  -- a stop word of one language stands in all articles of it, also when it is a word of another
            SELECT known.word, count(*) FROM known
            JOIN internal.search_documents ON search_documents.language = known.language
            WHERE known.term IS NULL
            GROUP BY known.word
        )
        GROUP BY word
    ) AS counted
    CROSS JOIN sizes
), word_docs AS (
    SELECT found.doc, sum(found.weight * found.times / (1.2 + found.times)) AS score
    FROM (
        SELECT held.doc, rarity.weight,
               3.0 * held.in_title / (0.5 + 0.5 * search_documents.title_words / sizes.title_words)
               + held.in_text / (0.25 + 0.75 * search_documents.text_words / sizes.text_words) AS times
        FROM held
        JOIN rarity ON rarity.word = held.word
        JOIN internal.search_documents ON search_documents.doc = held.doc
        CROSS JOIN sizes
    ) AS found
    GROUP BY found.doc
    ORDER BY score DESC, found.doc
    LIMIT greatest(100, 2 * number)
), word_hits AS MATERIALIZED (
    SELECT article_id, score, row_number() OVER (ORDER BY score DESC, article_id) AS place
    FROM (
        SELECT coalesce(duplicates.original_id, search_documents.article_id) AS article_id, max(word_docs.score) AS score
        FROM word_docs
        JOIN internal.search_documents ON search_documents.doc = word_docs.doc
        LEFT JOIN internal.duplicates ON duplicates.article_id = search_documents.article_id
        GROUP BY ALL
    )
), sought AS MATERIALIZED (  -- without a vector, the mean of those of the best word hits, the very best before all
    SELECT coalesce((SELECT direction::FLOAT[] FROM asked_vector), (
        SELECT list(number_there ORDER BY place)::FLOAT[]
        FROM (
            SELECT place, sum(number_there * score ** 4) AS number_there
            FROM (
                SELECT word_hits.score, unnest(embeddings.vector::FLOAT[]) AS number_there,
                       generate_subscripts(embeddings.vector::FLOAT[], 1) AS place
                FROM word_hits
                JOIN internal.embeddings ON embeddings.article_id = word_hits.article_id
                WHERE word_hits.place <= 10
            )
            GROUP BY place
        )
    ))::FLOAT[384] AS vector
), near_cells AS MATERIALIZED (
    SELECT search_cells.cell,
           row_number() OVER (
               ORDER BY array_cosine_similarity(search_cells.centre::FLOAT[384], sought.vector) DESC, search_cells.cell
           ) AS place
    FROM internal.search_cells
    CROSS JOIN sought
    WHERE sought.vector IS NOT NULL
), meaning_hits AS (
    SELECT article_id, cosine, row_number() OVER (ORDER BY cosine DESC, article_id) AS place
    FROM (
        SELECT near.article_id, array_cosine_similarity(near.vector::FLOAT[384], sought.vector) AS cosine
        FROM (  -- of each near cell by itself DuckDB reads nothing else: of 100,000 articles 34 ms in place of 240
            SELECT embeddings.article_id, embeddings.vector FROM (FROM near_cells WHERE place = 1) AS near
            JOIN internal.embeddings ON embeddings.cell = near.cell
            UNION ALL
            SELECT embeddings.article_id, embeddings.vector FROM (FROM near_cells WHERE place = 2) AS near
            JOIN internal.embeddings ON embeddings.cell = near.cell
            UNION ALL
            SELECT embeddings.article_id, embeddings.vector FROM (FROM near_cells WHERE place = 3) AS near
            JOIN internal.embeddings ON embeddings.cell = near.cell
            UNION ALL
            SELECT embeddings.article_id, embeddings.vector FROM (FROM near_cells WHERE place = 4) AS near
            JOIN internal.embeddings ON embeddings.cell = near.cell
            UNION ALL
            SELECT embeddings.article_id, embeddings.vector FROM (FROM near_cells WHERE place = 5) AS near
            JOIN internal.embeddings ON embeddings.cell = near.cell
            UNION ALL
            SELECT embeddings.article_id, embeddings.vector FROM (FROM near_cells WHERE place = 6) AS near
            JOIN internal.embeddings ON embeddings.cell = near.cell
        ) AS near
        CROSS JOIN sought
        ORDER BY cosine DESC, near.article_id
        LIMIT greatest(100, number)
    )
    WHERE cosine >= 0.35
), hits AS (
    SELECT coalesce(word_hits.article_id, meaning_hits.article_id) AS article_id,
           CASE WHEN meaning_hits.place IS NULL THEN 'words' WHEN word_hits.place IS NULL THEN 'meaning' ELSE 'both' END AS why,
           coalesce(1 / (60 + word_hits.place), 0) + coalesce(1 / (60 + meaning_hits.place), 0) AS score,
           word_hits.place AS words_rank, word_hits.score AS words_score,
           meaning_hits.place AS meaning_rank, meaning_hits.cosine::DOUBLE AS meaning_score
    FROM word_hits
    FULL JOIN meaning_hits ON meaning_hits.article_id = word_hits.article_id
)
