-- What a night wants a person to know beside its failures.

CREATE TABLE run_notices (
    run_id     TEXT NOT NULL,
    kind       TEXT NOT NULL,
    text       TEXT NOT NULL,
    noticed_at TIMESTAMP NOT NULL,
    PRIMARY KEY (run_id, kind, text)
);
