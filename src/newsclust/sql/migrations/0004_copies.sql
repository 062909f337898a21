-- Keys of all kinds in one list, what outlets put around their texts, and what people say is no copy.

ALTER TABLE fingerprints DROP COLUMN bands;
ALTER TABLE fingerprints ADD COLUMN keys UBIGINT[];  -- 64-bit hashes that copies share; NULL until computed again
ALTER TABLE fingerprints ADD COLUMN method TEXT;     -- what made the keys: only those of one method can be equal

ALTER TABLE duplicates ADD COLUMN better TEXT;       -- why the copy would have been the better original; '' if not
UPDATE duplicates SET better = '';

CREATE TABLE furniture (
    key       UBIGINT NOT NULL,   -- of an outlet's run of sentences at the head or the tail of a text
    neighbour UBIGINT NOT NULL,   -- of the sentence it stood beside
    seen_at   TIMESTAMP NOT NULL, -- when it was first seen there
    run_id    TEXT NOT NULL
);

CREATE TABLE no_copies (
    article_id TEXT PRIMARY KEY,
    run_id     TEXT NOT NULL      -- the run that first honoured it
);
