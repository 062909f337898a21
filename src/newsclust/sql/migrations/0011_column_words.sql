-- What the columns say that a person might take for something else; tables have no other comments.

COMMENT ON COLUMN entries.summary IS 'HTML of the feed without scripts, its links as written; articles.text is plain';
COMMENT ON COLUMN entries.content IS 'HTML of the feed without scripts, its links as written; articles.text is plain';
COMMENT ON COLUMN articles.text IS 'Plain text without markup, control characters or overrides of direction; paragraphs parted by an empty line';
COMMENT ON COLUMN articles.text_source IS 'Where the text stood: page, feed_content or feed_summary';
COMMENT ON COLUMN articles.text_choice IS 'Why it was taken from there, in words; NULL: taken before reasons were kept';
COMMENT ON COLUMN articles.date_quality IS 'given, guessed, missing or future; first sight stands in for the last two';
COMMENT ON COLUMN articles.date_source IS 'Whose word the date is: feed, page or first_seen; NULL: dated before it was kept';
COMMENT ON COLUMN articles.updated_at IS 'By the feed, else by the page, UTC; NULL: neither says so';
