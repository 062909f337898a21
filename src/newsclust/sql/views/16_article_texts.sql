-- Where each article's text and dates come from, and why, the latest first.
CREATE OR REPLACE VIEW article_texts AS
SELECT article_id, title, outlet, word_count::BIGINT AS word_count, text_source, text_source_reason, paywall_marker, published_at, date_quality, date_source,
       updated_at, text, canonical_url, text_dropped_at, text_dropped_reason, text_quality,
       language, told.story_id
FROM internal.articles
LEFT JOIN (SELECT article_id, story_id FROM story_tellings) AS told USING (article_id)
ORDER BY published_at DESC, article_id;
COMMENT ON VIEW article_texts IS 'Every article with its text, where that and its dates come from, and why';
COMMENT ON COLUMN article_texts.article_id IS 'The article';
COMMENT ON COLUMN article_texts.title IS 'Its title';
COMMENT ON COLUMN article_texts.outlet IS 'Its site';
COMMENT ON COLUMN article_texts.word_count IS 'Words of the text';
COMMENT ON COLUMN article_texts.text_source IS 'Where the text stood: page, feed_content or feed_summary; title: nobody gave one';
COMMENT ON COLUMN article_texts.text_source_reason IS 'Why it was taken from there: the words that each had, and why the page was not read; NULL: before reasons were kept';
COMMENT ON COLUMN article_texts.paywall_marker IS 'The words that say a paywall cuts it; NULL: it is whole';
COMMENT ON COLUMN article_texts.published_at IS 'UTC; see date_quality';
COMMENT ON COLUMN article_texts.date_quality IS 'given (with time and zone), guessed, inferred, missing or future; first sight stands in for the last two';
COMMENT ON COLUMN article_texts.date_source IS 'Where the date comes from: feed, page or first_seen; NULL: before it was kept';
COMMENT ON COLUMN article_texts.updated_at IS 'Last update by the feed, else by the page, UTC; NULL: neither says so';
COMMENT ON COLUMN article_texts.text IS 'Plain text, paragraphs parted by an empty line';
COMMENT ON COLUMN article_texts.canonical_url IS 'Its address as the page declares it, else where the page was found, else as the feed has it';
COMMENT ON COLUMN article_texts.text_dropped_at IS 'When retention dropped the text, UTC; NULL: it is there';
COMMENT ON COLUMN article_texts.text_dropped_reason IS 'The setting that did';
COMMENT ON COLUMN article_texts.text_quality IS 'full; partial: a feed''s short text; headline: no text; wall: the page was a check, a consent, a login or an error; paywalled: cut';
COMMENT ON COLUMN article_texts.language IS 'ISO 639-1 code, "und" when unknown';
COMMENT ON COLUMN article_texts.story_id IS 'The story that it, or its original, tells; NULL: none yet';
