-- Whose word an article is, beside whom its link names; which sites name a feed as theirs; how early an entry can have been.

ALTER TABLE articles ADD COLUMN publisher TEXT;
ALTER TABLE articles ADD COLUMN links_to TEXT;
ALTER TABLE articles ADD COLUMN attested_at TIMESTAMP;

ALTER TABLE entries ADD COLUMN absent_at TIMESTAMP;

CREATE TABLE feed_sites (
    feed_id      TEXT NOT NULL,
    site         TEXT NOT NULL,
    page_url     TEXT NOT NULL,
    is_confirmed BOOLEAN NOT NULL,
    why          TEXT NOT NULL,
    checked_at   TIMESTAMP NOT NULL,
    run_id       TEXT NOT NULL,
    PRIMARY KEY (feed_id, site)
);
