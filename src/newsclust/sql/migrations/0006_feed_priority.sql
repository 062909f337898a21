-- Which feed is preferred when copies come at once, and how each earlier state of an article differs from the next.

ALTER TABLE feeds ADD COLUMN priority INTEGER DEFAULT 0;

ALTER TABLE article_versions ADD COLUMN diff TEXT;  -- to the state that replaced it; NULL: replaced before diffs were kept
