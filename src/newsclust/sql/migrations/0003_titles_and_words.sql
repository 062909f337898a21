-- A vector of the title alone beside that of title and beginning, and how often the archive has seen each word.

ALTER TABLE embeddings ADD COLUMN title_vector FLOAT[];  -- unit length; NULL until the article is embedded again

CREATE TABLE word_counts (
    word    TEXT NOT NULL,
    kind    TEXT NOT NULL,     -- stem: articles that hold it; capital, plain: how often it was written so in a lead
    times   BIGINT NOT NULL,
    run_id  TEXT NOT NULL,     -- the run that last counted it
    PRIMARY KEY (word, kind)
);

ALTER TABLE linked ADD COLUMN counted_at TIMESTAMP;  -- when the article's words were counted; NULL: not yet
