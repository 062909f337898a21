-- A word of one language stands once in the index, and a number is one article's.
SELECT word, language FROM search_words GROUP BY ALL HAVING count(*) > 1
UNION ALL
SELECT doc::TEXT, string_agg(article_id, ' ') FROM search_documents GROUP BY doc HAVING count(*) > 1;
