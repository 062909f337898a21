-- What people say of stories, what each night said the headline was, and which articles have been compared.

CREATE TABLE corrections (
    correction_id TEXT PRIMARY KEY,
    position      INTEGER NOT NULL,   -- line of the file; later ones win
    kind          TEXT NOT NULL,      -- same, different, rename, undo
    made_at       TIMESTAMP NOT NULL,
    articles      TEXT[] NOT NULL,
    others        TEXT[] NOT NULL,
    headline      TEXT NOT NULL,
    undoes        TEXT NOT NULL,
    story_ids     TEXT[] NOT NULL,    -- the stories it was made on, for people
    standing      BOOLEAN NOT NULL,   -- groupings honour it: no undo, and none took it back
    run_id        TEXT NOT NULL       -- the run that first honoured it
);

ALTER TABLE story_events ADD COLUMN headline TEXT;

CREATE TABLE linked (
    article_id  TEXT PRIMARY KEY,
    model       TEXT NOT NULL,        -- of the vectors that were compared
    linker      TEXT NOT NULL,        -- what judged them: its name, options and weights
    embedded_at TIMESTAMP NOT NULL,   -- of the vector that was compared
    run_id      TEXT NOT NULL
);
