-- One row a night: what came, what was repeated, what it tells.
CREATE OR REPLACE VIEW nightly_summary AS
SELECT runs.night_at, runs.run_id, runs.flow, runs.outcome, runs.error,
       (SELECT count(*) FROM internal.fetches WHERE fetches.run_id = runs.run_id AND fetches.seconds > 0)
           + (SELECT coalesce(sum(made), 0)::BIGINT FROM internal.request_counts WHERE request_counts.run_id = runs.run_id) AS requests,
       (SELECT count(*) FROM internal.entries WHERE entries.run_id = runs.run_id) AS new_entries,
       (SELECT count(*) FROM internal.articles WHERE articles.run_id = runs.run_id) AS new_articles,
       (SELECT count(*) FROM internal.duplicates WHERE duplicates.run_id = runs.run_id) AS new_duplicates,
       (SELECT count(*) FROM internal.article_versions WHERE article_versions.run_id = runs.run_id) AS edited_articles,
       (SELECT count(*) FROM internal.story_events WHERE story_events.run_id = runs.run_id AND story_events.event = 'born') AS stories_born,
       (SELECT count(*) FROM internal.story_events WHERE story_events.run_id = runs.run_id AND story_events.event = 'grew') AS stories_grown,
       (SELECT count(*) FROM internal.failures WHERE failures.run_id = runs.run_id) AS failures,
       round((SELECT sum(seconds) FROM internal.steps WHERE steps.run_id = runs.run_id), 1) AS seconds
FROM internal.runs
ORDER BY runs.night_at, runs.started_at;
COMMENT ON VIEW nightly_summary IS 'One row a night: what came, what was repeated, what failed';
COMMENT ON COLUMN nightly_summary.night_at IS 'The moment the night reckons as now, UTC';
COMMENT ON COLUMN nightly_summary.run_id IS 'The run';
COMMENT ON COLUMN nightly_summary.flow IS 'The flow that ran';
COMMENT ON COLUMN nightly_summary.outcome IS 'running, finished or failed';
COMMENT ON COLUMN nightly_summary.error IS 'Why it failed';
COMMENT ON COLUMN nightly_summary.requests IS 'HTTP requests made';
COMMENT ON COLUMN nightly_summary.new_entries IS 'Entries seen for the first time';
COMMENT ON COLUMN nightly_summary.new_articles IS 'Articles seen for the first time, duplicates included';
COMMENT ON COLUMN nightly_summary.new_duplicates IS 'Duplicates found';
COMMENT ON COLUMN nightly_summary.edited_articles IS 'Articles whose title or text changed';
COMMENT ON COLUMN nightly_summary.stories_born IS 'Stories found for the first time';
COMMENT ON COLUMN nightly_summary.stories_grown IS 'Stories that gained articles';
COMMENT ON COLUMN nightly_summary.failures IS 'Items that failed';
COMMENT ON COLUMN nightly_summary.seconds IS 'Time of all steps';
