-- What answers at a feed's address, who lists it, and whose article an entry of a collecting feed is.

ALTER TABLE feeds ADD COLUMN kind TEXT DEFAULT 'feed';   -- feed, sitemap, page, account
ALTER TABLE feeds ADD COLUMN selector TEXT;              -- CSS, of the links of a page
ALTER TABLE feeds ADD COLUMN token_env TEXT;             -- the environment variable that holds an account's token
ALTER TABLE feeds ADD COLUMN listed_by TEXT;             -- the living list that names the feed; NULL: feeds.toml does

ALTER TABLE entries ADD COLUMN source_title TEXT;        -- of the feed it came from, when this one collects others'
ALTER TABLE entries ADD COLUMN source_url TEXT;
