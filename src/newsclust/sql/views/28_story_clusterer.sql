-- What made the stories: no row before the first grouping. The published file holds the row as a table. Only numbers are
-- told of the options: a person's own clusterer may have others that are nobody's business.
CREATE OR REPLACE VIEW internal.story_clusterer AS
WITH last AS (
    SELECT runs.run_id, runs.settings
    FROM internal.runs
    JOIN internal.steps ON steps.run_id = runs.run_id
    WHERE steps.step = 'group_stories' AND steps.error IS NULL
    ORDER BY runs.started_at DESC
    LIMIT 1
), numbers AS (
    SELECT option.key, option.value::DOUBLE AS value
    FROM last, json_each(last.settings, '$.stories.options') AS option
    WHERE option.type IN ('DOUBLE', 'BIGINT', 'UBIGINT')
)
SELECT last.settings ->> '$.stories.use' AS clusterer,
       (SELECT coalesce(map_from_entries(list((key, value) ORDER BY key)), MAP {}) FROM numbers) AS thresholds
FROM last;
COMMENT ON VIEW internal.story_clusterer IS 'What made the stories of the last grouping';
COMMENT ON COLUMN internal.story_clusterer.clusterer IS 'Its class, as module:Class';
COMMENT ON COLUMN internal.story_clusterer.thresholds IS 'The numbers among its options that are not as shipped';
