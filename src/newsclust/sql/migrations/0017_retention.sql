-- What retention drops leaves its row, which says when and why, and counts.

CREATE TABLE request_counts (
    run_id   TEXT NOT NULL,
    feed_id  TEXT NOT NULL,       -- '': pages, lists and robots.txt
    requests INTEGER NOT NULL,    -- whose rows are not kept
    made     INTEGER NOT NULL,    -- those of them that were sent
    failed   INTEGER NOT NULL,
    PRIMARY KEY (run_id, feed_id)
);

ALTER TABLE pages ADD COLUMN dropped_at TIMESTAMP;
ALTER TABLE pages ADD COLUMN dropped_reason TEXT;

ALTER TABLE entries ADD COLUMN dropped_at TIMESTAMP;
ALTER TABLE entries ADD COLUMN dropped_reason TEXT;

ALTER TABLE articles ADD COLUMN text_dropped_at TIMESTAMP;
ALTER TABLE articles ADD COLUMN text_dropped_reason TEXT;
ALTER TABLE articles ADD COLUMN vectors_dropped_at TIMESTAMP;
ALTER TABLE articles ADD COLUMN vectors_dropped_reason TEXT;

ALTER TABLE stories ADD COLUMN evidence_dropped_at TIMESTAMP;
ALTER TABLE stories ADD COLUMN evidence_dropped_reason TEXT;
