-- The tables of the first night. Times are UTC. There are no foreign keys: DuckDB refuses some deletes of
-- parent and child in one transaction; sql/checks/*.sql state the same as queries that must return no row.

CREATE TABLE runs (
    run_id      TEXT PRIMARY KEY,
    flow        TEXT NOT NULL,
    night_at    TIMESTAMP NOT NULL,   -- the moment the night reckons as "now"
    started_at  TIMESTAMP NOT NULL,
    finished_at TIMESTAMP,
    outcome     TEXT NOT NULL,        -- running, finished, failed
    error       TEXT,
    settings    JSON NOT NULL,
    version     TEXT NOT NULL
);

CREATE TABLE steps (
    run_id      TEXT NOT NULL,
    step        TEXT NOT NULL,
    attempt     INTEGER NOT NULL,
    started_at  TIMESTAMP NOT NULL,
    seconds     DOUBLE NOT NULL,
    done        INTEGER NOT NULL,
    skipped     INTEGER NOT NULL,
    failed      INTEGER NOT NULL,
    error       TEXT,                 -- NULL when the step came to its end
    PRIMARY KEY (run_id, step, attempt)
);

CREATE TABLE failures (
    run_id    TEXT NOT NULL,
    step      TEXT NOT NULL,
    item      TEXT NOT NULL,          -- the id or address that a person can look for
    item_id   TEXT NOT NULL,          -- the feed's or article's id
    reason    TEXT NOT NULL,
    detail    TEXT NOT NULL,
    failed_at TIMESTAMP NOT NULL,
    PRIMARY KEY (run_id, step, item_id, reason)
);

CREATE TABLE feeds (
    feed_id   TEXT PRIMARY KEY,
    url       TEXT NOT NULL,
    title     TEXT NOT NULL,
    site_url  TEXT,
    language  TEXT,
    tags      TEXT[] NOT NULL,
    pages     TEXT NOT NULL,          -- auto, always, never
    added_at  TIMESTAMP NOT NULL,
    listed    BOOLEAN NOT NULL,       -- still in the list of feeds
    run_id    TEXT NOT NULL
);

CREATE TABLE fetches (
    run_id         TEXT NOT NULL,
    kind           TEXT NOT NULL,     -- feed, page
    item_id        TEXT NOT NULL,
    url            TEXT NOT NULL,
    requested_at   TIMESTAMP NOT NULL,
    seconds        DOUBLE NOT NULL,
    status         SMALLINT,
    final_url      TEXT NOT NULL,
    redirects      SMALLINT NOT NULL,
    received_bytes BIGINT NOT NULL,
    etag           TEXT,
    last_modified  TEXT,
    reason         TEXT,              -- NULL when the address answered
    detail         TEXT
);

CREATE TABLE pages (
    kind       TEXT NOT NULL,         -- feed, page
    item_id    TEXT NOT NULL,
    url        TEXT NOT NULL,
    final_url  TEXT NOT NULL,
    fetched_at TIMESTAMP NOT NULL,
    headers    MAP(TEXT, TEXT) NOT NULL,
    body       BLOB NOT NULL,         -- zlib
    run_id     TEXT NOT NULL,
    PRIMARY KEY (kind, item_id)
);

-- Which state of a page has been read; beside the page, so that each table has one writing step.
CREATE TABLE readings (
    kind       TEXT NOT NULL,
    item_id    TEXT NOT NULL,
    fetched_at TIMESTAMP NOT NULL,    -- of the page that was read
    warnings   TEXT[] NOT NULL,
    run_id     TEXT NOT NULL,
    PRIMARY KEY (kind, item_id)
);

CREATE TABLE entries (
    entry_id      TEXT PRIMARY KEY,
    feed_id       TEXT NOT NULL,
    article_id    TEXT NOT NULL,
    guid          TEXT,
    link          TEXT NOT NULL,
    url           TEXT NOT NULL,      -- canonical
    title         TEXT NOT NULL,
    summary       TEXT,
    content       TEXT,
    author        TEXT,
    language      TEXT,
    published_at  TIMESTAMP NOT NULL,
    date_quality  TEXT NOT NULL,      -- given, guessed, missing, future
    updated_at    TIMESTAMP,
    warnings      TEXT[] NOT NULL,
    wants_page    BOOLEAN NOT NULL,
    content_hash  TEXT NOT NULL,
    first_seen_at TIMESTAMP NOT NULL,
    changed_at    TIMESTAMP NOT NULL, -- when title, summary or content last differed
    last_seen_at  TIMESTAMP NOT NULL,
    run_id        TEXT NOT NULL       -- the run that first saw it
);

CREATE TABLE articles (
    article_id      TEXT PRIMARY KEY,
    url             TEXT NOT NULL,
    canonical_url   TEXT NOT NULL,
    title           TEXT NOT NULL,
    text            TEXT NOT NULL,
    language        TEXT NOT NULL,
    language_source TEXT NOT NULL,
    author          TEXT,
    outlet          TEXT NOT NULL,
    published_at    TIMESTAMP NOT NULL,
    date_quality    TEXT NOT NULL,
    text_source     TEXT NOT NULL,
    cut             TEXT,
    words           INTEGER NOT NULL,
    first_seen_at   TIMESTAMP NOT NULL,
    changed_at      TIMESTAMP NOT NULL, -- when title or text last differed
    extracted_at    TIMESTAMP NOT NULL,
    run_id          TEXT NOT NULL       -- the run that first saw it
);

CREATE TABLE article_versions (
    article_id  TEXT NOT NULL,
    version     INTEGER NOT NULL,     -- 1 is the first text seen
    title       TEXT NOT NULL,
    text        TEXT NOT NULL,
    text_source TEXT NOT NULL,
    seen_at     TIMESTAMP NOT NULL,   -- when this state was first seen
    replaced_at TIMESTAMP NOT NULL,
    run_id      TEXT NOT NULL,
    PRIMARY KEY (article_id, version)
);

CREATE TABLE fingerprints (
    article_id  TEXT PRIMARY KEY,
    text_hash   TEXT NOT NULL,
    shingles    INTEGER NOT NULL,
    bands       UBIGINT[] NOT NULL,
    computed_at TIMESTAMP NOT NULL,
    run_id      TEXT NOT NULL
);

CREATE TABLE duplicates (
    article_id  TEXT PRIMARY KEY,
    original_id TEXT NOT NULL,
    method      TEXT NOT NULL,        -- same_url, same_text, near_text
    similarity  DOUBLE NOT NULL,
    evidence    TEXT NOT NULL,
    found_at    TIMESTAMP NOT NULL,
    run_id      TEXT NOT NULL
);

CREATE TABLE embeddings (
    article_id  TEXT NOT NULL,
    model       TEXT NOT NULL,
    vector      FLOAT[] NOT NULL,     -- unit length
    embedded_at TIMESTAMP NOT NULL,
    run_id      TEXT NOT NULL,
    PRIMARY KEY (article_id, model)
);

CREATE TABLE links (
    article_a   TEXT NOT NULL,        -- < article_b
    article_b   TEXT NOT NULL,
    probability DOUBLE NOT NULL,
    evidence    MAP(TEXT, DOUBLE) NOT NULL,
    linked_at   TIMESTAMP NOT NULL,
    run_id      TEXT NOT NULL,
    PRIMARY KEY (article_a, article_b)
);

CREATE TABLE stories (
    story_id     TEXT PRIMARY KEY,
    headline     TEXT NOT NULL,       -- the title of the most central article
    headline_en  TEXT,
    headline_fr  TEXT,
    state        TEXT NOT NULL,       -- living, closed, merged
    merged_into  TEXT,
    born_at      TIMESTAMP NOT NULL,
    first_at     TIMESTAMP NOT NULL,  -- of its articles
    last_at      TIMESTAMP NOT NULL,
    run_id       TEXT NOT NULL
);

CREATE TABLE story_articles (
    story_id   TEXT NOT NULL,
    article_id TEXT NOT NULL,
    joined_at  TIMESTAMP NOT NULL,
    left_at    TIMESTAMP,             -- NULL: still a member
    run_id     TEXT NOT NULL,
    PRIMARY KEY (story_id, article_id, joined_at)
);

CREATE TABLE story_events (
    story_id       TEXT NOT NULL,
    event          TEXT NOT NULL,     -- born, grew, shrank, merged, split, closed
    happened_at    TIMESTAMP NOT NULL,
    articles       INTEGER NOT NULL,  -- members afterwards
    other_story_id TEXT NOT NULL,     -- '' where no other story takes part
    article_ids    TEXT[] NOT NULL,   -- the articles that came, left or moved
    reason         TEXT NOT NULL,
    run_id         TEXT NOT NULL,
    PRIMARY KEY (story_id, event, happened_at, other_story_id)
);

CREATE TABLE topics (
    topic_id  TEXT PRIMARY KEY,
    label     TEXT NOT NULL,
    words_en  TEXT[] NOT NULL,
    words_fr  TEXT[] NOT NULL,
    headline  TEXT NOT NULL,          -- of its most central story
    living    BOOLEAN NOT NULL,
    born_at   TIMESTAMP NOT NULL,
    seen_at   TIMESTAMP NOT NULL,     -- the last night that found it
    run_id    TEXT NOT NULL
);

CREATE TABLE topic_stories (
    topic_id  TEXT NOT NULL,
    story_id  TEXT NOT NULL,
    strength  DOUBLE NOT NULL,        -- cosine to the topic's centre, 0 to 1
    joined_at TIMESTAMP NOT NULL,
    left_at   TIMESTAMP,
    run_id    TEXT NOT NULL,
    PRIMARY KEY (topic_id, story_id, joined_at)
);
