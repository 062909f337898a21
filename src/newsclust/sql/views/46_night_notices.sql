-- What each night wants a person to know beside its failures.
CREATE OR REPLACE VIEW night_notices AS
SELECT runs.night_at, run_notices.run_id, run_notices.kind, run_notices.text, run_notices.noticed_at
FROM internal.run_notices
JOIN internal.runs ON runs.run_id = run_notices.run_id
ORDER BY runs.started_at, run_notices.noticed_at, run_notices.kind, run_notices.text;
COMMENT ON VIEW night_notices IS 'What each night wants a person to know beside its failures';
COMMENT ON COLUMN night_notices.night_at IS 'The night, UTC';
COMMENT ON COLUMN night_notices.run_id IS 'The run';
COMMENT ON COLUMN night_notices.kind IS 'What it is about, from a closed list: clock, network, languages, lists, orchestrator, budget or set_aside';
COMMENT ON COLUMN night_notices.text IS 'What a person should know, in one line';
COMMENT ON COLUMN night_notices.noticed_at IS 'When it was noticed, UTC';
