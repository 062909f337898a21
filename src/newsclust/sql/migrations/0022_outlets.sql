-- Who the publishers of articles are: what our list, a person's list or the articles themselves say of each.

CREATE TABLE outlet_profiles (
    publisher TEXT PRIMARY KEY,
    name      TEXT NOT NULL,
    host      TEXT NOT NULL,
    country   TEXT,              -- ISO 3166-1 alpha-2
    languages TEXT[] NOT NULL,   -- ISO 639-1
    kind      TEXT,              -- press, blog, company, aggregator, forum
    source    TEXT NOT NULL,     -- shipped, yours, inferred
    run_id    TEXT NOT NULL
);
