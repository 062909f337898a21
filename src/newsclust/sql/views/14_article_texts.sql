-- Where each article's text and dates come from, and why, the latest first.
CREATE OR REPLACE VIEW article_texts AS
SELECT article_id, title, outlet, words, text_source, text_choice, cut, published_at, date_quality, date_source,
       updated_at, text, canonical_url
FROM articles
ORDER BY published_at DESC, article_id;
COMMENT ON VIEW article_texts IS 'Every article with its text, where that and its dates come from, and why';
COMMENT ON COLUMN article_texts.article_id IS 'The article';
COMMENT ON COLUMN article_texts.title IS 'Its title';
COMMENT ON COLUMN article_texts.outlet IS 'Its site';
COMMENT ON COLUMN article_texts.words IS 'Words of the text';
COMMENT ON COLUMN article_texts.text_source IS 'Where the text stood: page, feed_content or feed_summary';
COMMENT ON COLUMN article_texts.text_choice IS 'Why it was taken from there: the words that each had, and why the page was not read; NULL: before reasons were kept';
COMMENT ON COLUMN article_texts.cut IS 'The words by which a paywall cut it; NULL: it is whole';
COMMENT ON COLUMN article_texts.published_at IS 'UTC; see date_quality';
COMMENT ON COLUMN article_texts.date_quality IS 'given (with time and zone), guessed, missing or future; first sight stands in for the last two';
COMMENT ON COLUMN article_texts.date_source IS 'Whose word the date is: feed, page or first_seen; NULL: before it was kept';
COMMENT ON COLUMN article_texts.updated_at IS 'Last update by the feed''s word, else the page''s, UTC; NULL: neither says so';
COMMENT ON COLUMN article_texts.text IS 'Plain text, paragraphs parted by an empty line';
COMMENT ON COLUMN article_texts.canonical_url IS 'Its address by the page''s own word, else where the page was found, else as the feed has it';
