-- Which pairs of articles of one story share a text, and which do not: each pair that was judged.

CREATE TABLE derivations (
    article_a   TEXT NOT NULL,      -- < article_b; who derives from whom is a matter of dates: view derived_articles
    article_b   TEXT NOT NULL,
    score       DOUBLE,             -- 0 to 1; NULL: a text is too short to tell
    derived     BOOLEAN NOT NULL,
    method      TEXT NOT NULL,      -- wording, meaning
    evidence    TEXT NOT NULL,
    compared_at TIMESTAMP NOT NULL, -- a pair is judged again when a text changes after it
    run_id      TEXT NOT NULL,
    PRIMARY KEY (article_a, article_b)
);
