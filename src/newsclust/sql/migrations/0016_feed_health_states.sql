-- How each feed does is decided by newsclust.polling.health and stored by the step update_feed_health.

CREATE TABLE feed_health_states (
    feed_id    TEXT PRIMARY KEY,
    state      TEXT NOT NULL,
    reason     TEXT,
    since      TIMESTAMP,
    why        TEXT NOT NULL,
    decided_at TIMESTAMP NOT NULL,
    run_id     TEXT NOT NULL
);
