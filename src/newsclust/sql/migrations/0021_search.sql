-- What search finds articles by: words and their stems, and which articles hold them.

CREATE TABLE search_documents (
    article_id  TEXT PRIMARY KEY,
    doc         INTEGER NOT NULL,  -- its number in search_postings
    language    TEXT NOT NULL,     -- whose stems its words got: en, fr, or '' for none
    title_words INTEGER NOT NULL,
    text_words  INTEGER NOT NULL,
    indexed_at  TIMESTAMP NOT NULL,
    run_id      TEXT NOT NULL
);

-- No primary key: its index would hold every word of the archive in memory, and one step alone writes the rows.
CREATE TABLE search_words (
    word     TEXT NOT NULL,  -- folded: lower case, without accents
    language TEXT NOT NULL,
    stem     TEXT,           -- NULL: a stop word
    term     INTEGER         -- the number of stem and language in search_postings
);

CREATE TABLE search_postings (
    term     INTEGER NOT NULL,
    doc      INTEGER NOT NULL,
    in_title INTEGER NOT NULL,  -- how often the title holds it
    in_text  INTEGER NOT NULL
);
