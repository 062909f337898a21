-- Every article was shown by some feed.
SELECT articles.article_id FROM articles ANTI JOIN entries USING (article_id);
