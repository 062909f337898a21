-- Which run last saw an entry changed, what feeds renamed at once, and the words of each night.

ALTER TABLE entries ADD COLUMN changed_in TEXT;                 -- run; NULL: as first seen, or changed before this was kept

ALTER TABLE feed_nights ADD COLUMN edited INTEGER DEFAULT 0;    -- entries of earlier runs that this one saw changed
-- No default: DuckDB 1.5 writes `DEFAULT []` into its WAL and cannot replay it after a crash.
ALTER TABLE feed_nights ADD COLUMN words TEXT[];                -- stems that recur in the night's items; NULL: not kept yet

CREATE TABLE feed_changes (
    feed_id    TEXT NOT NULL,
    changed_at TIMESTAMP NOT NULL,
    what       TEXT NOT NULL,       -- guids, links: of every entry that was known
    why        TEXT NOT NULL,
    sites      TEXT[] NOT NULL,     -- of the new links
    run_id     TEXT NOT NULL,
    PRIMARY KEY (feed_id, run_id, what)
);
