-- Each step of each night, with its share of the time.
CREATE OR REPLACE VIEW night_steps AS
SELECT runs.night_at, steps.run_id, steps.step, steps.attempt::BIGINT AS attempt,
       steps.done::BIGINT AS done, steps.skipped::BIGINT AS skipped, steps.failed::BIGINT AS failed,
       round(steps.seconds, 2) AS seconds,
       round(steps.seconds / nullif(sum(steps.seconds) OVER (PARTITION BY steps.run_id), 0), 3) AS share, steps.error
FROM internal.steps
JOIN internal.runs ON runs.run_id = steps.run_id
ORDER BY runs.started_at, steps.started_at;
COMMENT ON VIEW night_steps IS 'Each step of each night, what it did and how long it took';
COMMENT ON COLUMN night_steps.night_at IS 'The night, UTC';
COMMENT ON COLUMN night_steps.run_id IS 'The run';
COMMENT ON COLUMN night_steps.step IS 'The step';
COMMENT ON COLUMN night_steps.attempt IS '1, or more when it was tried again';
COMMENT ON COLUMN night_steps.done IS 'Items done';
COMMENT ON COLUMN night_steps.skipped IS 'Items left as they were';
COMMENT ON COLUMN night_steps.failed IS 'Items that failed; see failures';
COMMENT ON COLUMN night_steps.seconds IS 'Time it took';
COMMENT ON COLUMN night_steps.share IS 'Its share of the run''s time';
COMMENT ON COLUMN night_steps.error IS 'Why the step itself failed; NULL when it came to its end';
