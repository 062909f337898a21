-- Failures of each night by step and reason.
CREATE OR REPLACE VIEW failure_reasons AS
SELECT runs.night_at, failures.run_id, failures.step, failures.reason, count(*) AS items, min(failures.item) AS example,
       min(failures.detail) AS detail
FROM internal.failures
JOIN internal.runs ON runs.run_id = failures.run_id
GROUP BY ALL
ORDER BY runs.night_at, items DESC, failures.step, failures.reason;
COMMENT ON VIEW failure_reasons IS 'Failures of each night by step and reason';
COMMENT ON COLUMN failure_reasons.night_at IS 'The night, UTC';
COMMENT ON COLUMN failure_reasons.run_id IS 'The run';
COMMENT ON COLUMN failure_reasons.step IS 'The step';
COMMENT ON COLUMN failure_reasons.reason IS 'The reason, from a closed list';
COMMENT ON COLUMN failure_reasons.items IS 'Items that failed for it';
COMMENT ON COLUMN failure_reasons.example IS 'One of them';
COMMENT ON COLUMN failure_reasons.detail IS 'What was seen of it';
