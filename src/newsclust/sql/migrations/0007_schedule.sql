-- When and where each feed is asked next: what answers say about it, what documents wish, what was decided.

ALTER TABLE fetches ADD COLUMN fresh_until TIMESTAMP;  -- until when the answer holds: Cache-Control, Expires
ALTER TABLE fetches ADD COLUMN retry_at TIMESTAMP;     -- before which the site wants no request: Retry-After
ALTER TABLE fetches ADD COLUMN moved_to TEXT;          -- where the permanent redirects led that stood before any other

CREATE TABLE feed_wishes (
    feed_id    TEXT PRIMARY KEY,
    every_s    BIGINT,                -- RSS ttl, or the period of the syndication module; NULL: neither is given
    skip_hours UTINYINT[] NOT NULL,   -- UTC
    skip_days  UTINYINT[] NOT NULL,   -- 0 is Monday, UTC
    run_id     TEXT NOT NULL
);

CREATE TABLE schedules (
    feed_id    TEXT PRIMARY KEY,
    next_at    TIMESTAMP,             -- NULL: never
    rule       TEXT NOT NULL,
    why        TEXT NOT NULL,
    decided_at TIMESTAMP NOT NULL,
    run_id     TEXT NOT NULL
);

-- A row for each address that a feed moved to; the newest that was not undone is the one that is asked.
CREATE TABLE feed_moves (
    feed_id   TEXT NOT NULL,
    from_url  TEXT NOT NULL,
    to_url    TEXT NOT NULL,
    moved_at  TIMESTAMP NOT NULL,
    undone_at TIMESTAMP,              -- by a person; it is not moved there again
    run_id    TEXT NOT NULL,
    PRIMARY KEY (feed_id, to_url)
);

CREATE TABLE robots (
    origin      TEXT PRIMARY KEY,     -- scheme, host and port
    asked_at    TIMESTAMP NOT NULL,
    body        BLOB,                 -- zlib; empty: there is no file; NULL: nobody could say
    unreachable TEXT NOT NULL,        -- why the last request brought no answer, '' when it did
    run_id      TEXT NOT NULL
);
