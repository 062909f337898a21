-- Who tells stories before whom, outlet by outlet and language by language, of articles dated to the minute alone. A story
-- that over thirty publishers told has too many pairs to say anything of one, and is left out of the pairs of outlets.
CREATE OR REPLACE VIEW lead_lag AS
WITH dated AS (  -- a duplicate is its outlet's telling of the story
    SELECT story_id, publisher, language, told_at FROM story_tellings WHERE is_timed
), outlets AS (
    SELECT story_id, publisher AS name, min(told_at) AS first_at
    FROM dated
    GROUP BY story_id, publisher
    QUALIFY count(*) OVER (PARTITION BY story_id) BETWEEN 2 AND 30
), languages AS (
    SELECT story_id, language AS name, min(told_at) AS first_at
    FROM dated
    WHERE language <> 'und'
    GROUP BY story_id, language
), pairs AS (
    SELECT 'outlet' AS kind, one.name, other.name AS other_name, date_diff('minute', one.first_at, other.first_at) / 60.0 AS hours
    FROM outlets AS one
    JOIN outlets AS other ON other.story_id = one.story_id AND one.name < other.name
    UNION ALL
    SELECT 'language', one.name, other.name, date_diff('minute', one.first_at, other.first_at) / 60.0
    FROM languages AS one
    JOIN languages AS other ON other.story_id = one.story_id AND one.name < other.name
), measured AS (
    SELECT kind, name, other_name, count(*) AS stories, count(*) FILTER (hours > 0) AS earlier, count(*) FILTER (hours < 0) AS later,
           quantile_cont(hours, [0.25, 0.5, 0.75]) AS quartiles
    FROM pairs
    GROUP BY kind, name, other_name
), both_ways AS (
    SELECT kind, name, other_name, stories, earlier, later,
           quartiles[2] AS median_hours, quartiles[1] AS quartile_1_hours, quartiles[3] AS quartile_3_hours
    FROM measured
    UNION ALL
    SELECT kind, other_name, name, stories, later, earlier, -quartiles[2], -quartiles[3], -quartiles[1]
    FROM measured
)
SELECT kind, name, other_name, stories, earlier, later, round(earlier / stories, 3) AS share_earlier,
       round(median_hours + 0, 2) AS median_hours, round(quartile_1_hours + 0, 2) AS quartile_1_hours,
       round(quartile_3_hours + 0, 2) AS quartile_3_hours
FROM both_ways
ORDER BY kind, stories DESC, name, other_name;
COMMENT ON VIEW lead_lag IS 'Who tells stories before whom, outlet by outlet and language by language; each pair both ways, dates to the minute alone';
COMMENT ON COLUMN lead_lag.kind IS 'outlet or language';
COMMENT ON COLUMN lead_lag.name IS 'The first of the pair: a publisher, or an ISO 639-1 code';
COMMENT ON COLUMN lead_lag.other_name IS 'The other one';
COMMENT ON COLUMN lead_lag.stories IS 'Stories that both told at a known minute; a few say little. Of outlets, those that at most thirty publishers told';
COMMENT ON COLUMN lead_lag.earlier IS 'Those that the first of the pair told earlier: its earliest article, duplicates included';
COMMENT ON COLUMN lead_lag.later IS 'Those that it told later; the others both told in the same minute';
COMMENT ON COLUMN lead_lag.share_earlier IS 'earlier of stories';
COMMENT ON COLUMN lead_lag.median_hours IS 'Half of the stories reached the other one so many hours after the first of the pair, or more; negative: before it';
COMMENT ON COLUMN lead_lag.quartile_1_hours IS 'The same of three quarters of the stories';
COMMENT ON COLUMN lead_lag.quartile_3_hours IS 'The same of a quarter';
