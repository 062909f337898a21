-- Why an article's text was taken from where it was, where its date comes from, and when it was updated.

ALTER TABLE articles ADD COLUMN text_choice TEXT;      -- NULL: taken before reasons were kept
ALTER TABLE articles ADD COLUMN date_source TEXT;      -- feed, page, first_seen; NULL: dated before it was kept
ALTER TABLE articles ADD COLUMN updated_at TIMESTAMP;  -- by the feed's word, else the page's; NULL: neither says so
