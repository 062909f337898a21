-- Runs, their steps and failures, and the schema itself.
COMMENT ON TABLE runs IS 'One execution of a flow each';
COMMENT ON COLUMN runs.night_at IS 'The moment that the run takes for now, UTC';
COMMENT ON COLUMN runs.outcome IS 'running, finished or failed';
COMMENT ON COLUMN runs.settings IS 'The effective settings';
COMMENT ON TABLE steps IS 'Each attempt at a step of a run';
COMMENT ON COLUMN steps.error IS 'NULL: it came to its end';
COMMENT ON TABLE failures IS 'Items that failed';
COMMENT ON COLUMN failures.item IS 'The id or address that a person can look for';
COMMENT ON COLUMN failures.item_id IS 'The feed or article';
COMMENT ON COLUMN failures.reason IS 'From a closed list';
COMMENT ON TABLE run_notices IS 'What a run wants a person to know beside its failures; any step may write one';
COMMENT ON COLUMN run_notices.kind IS 'What it is about, from a closed list';
COMMENT ON COLUMN run_notices.text IS 'One line';
COMMENT ON COLUMN run_notices.noticed_at IS 'When it was noticed, UTC';
COMMENT ON TABLE migrations IS 'The migrations that made these tables';
COMMENT ON COLUMN migrations.checksum IS 'First 16 hexadecimal digits of the SHA-256 of its file; sql/migrations/CHECKSUMS lists the shipped ones';
