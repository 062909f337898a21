-- What each run saw of a feed for the first time, in numbers; and the feeds whose entries wait for a person.

CREATE TABLE feed_nights (
    feed_id      TEXT NOT NULL,
    run_id       TEXT NOT NULL,         -- the run that first saw the entries
    night_at     TIMESTAMP NOT NULL,
    items        INTEGER NOT NULL,
    old          INTEGER NOT NULL,      -- dated over a week before the feed's last earlier night
    undated      INTEGER NOT NULL,
    shared       INTEGER NOT NULL,      -- another feed showed the article before, or in the same run
    characters   DOUBLE NOT NULL,       -- median length of what the feed carries of an item
    languages    MAP(TEXT, INTEGER) NOT NULL,
    sites        MAP(TEXT, INTEGER) NOT NULL,
    content_type TEXT,                  -- of the document, as its site said
    breach       TEXT,                  -- flood, language, elsewhere; NULL: within its habits
    why          TEXT,
    held         BOOLEAN NOT NULL,      -- its entries become no articles
    PRIMARY KEY (feed_id, run_id)
);

CREATE TABLE quarantines (
    feed_id     TEXT NOT NULL,
    since       TIMESTAMP NOT NULL,     -- the night that broke with the feed's habits
    rule        TEXT NOT NULL,
    why         TEXT NOT NULL,
    released_at TIMESTAMP,              -- NULL: it stands
    released_by TEXT,                   -- habits, person
    run_id      TEXT NOT NULL,
    PRIMARY KEY (feed_id, since)
);
