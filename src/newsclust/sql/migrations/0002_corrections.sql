-- What people say of stories, and what each night said the headline was.

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
