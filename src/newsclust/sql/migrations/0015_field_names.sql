-- Tables, columns and stored values take the names that the field uses. Every row stays.

ALTER TABLE readings RENAME TO processed;

ALTER TABLE linked RENAME TO link_progress;
ALTER TABLE link_progress RENAME COLUMN counted_at TO words_counted_at;

ALTER TABLE schedules RENAME TO feed_schedules;
ALTER TABLE feed_schedules RENAME COLUMN next_at TO next_request_at;
UPDATE feed_schedules
SET rule = CASE rule
    WHEN 'wish' THEN 'update_hint' WHEN 'fresh' THEN 'http_freshness' WHEN 'back_off' THEN 'backoff'
    WHEN 'asked_for' THEN 'requested' WHEN 'skipped' THEN 'skip_hours' ELSE rule END;

ALTER TABLE feed_nights RENAME TO feed_run_stats;
ALTER TABLE feed_run_stats RENAME COLUMN old TO backdated;
ALTER TABLE feed_run_stats RENAME COLUMN characters TO median_characters;
ALTER TABLE feed_run_stats RENAME COLUMN words TO recurring_words;
ALTER TABLE feed_run_stats RENAME COLUMN breach TO anomaly;
ALTER TABLE feed_run_stats RENAME COLUMN held TO quarantined;
UPDATE feed_run_stats
SET anomaly = CASE anomaly
    WHEN 'flood' THEN 'volume' WHEN 'elsewhere' THEN 'foreign_links' WHEN 'theme' THEN 'vocabulary' ELSE anomaly END
WHERE anomaly IS NOT NULL;
UPDATE quarantines
SET rule = CASE rule
        WHEN 'flood' THEN 'volume' WHEN 'elsewhere' THEN 'foreign_links' WHEN 'theme' THEN 'vocabulary' ELSE rule END,
    released_by = CASE released_by WHEN 'habits' THEN 'recovery' ELSE released_by END;

ALTER TABLE feed_wishes RENAME TO feed_update_hints;
ALTER TABLE feed_update_hints RENAME COLUMN every_s TO interval_s;

ALTER TABLE feed_moves RENAME COLUMN undone_at TO reverted_at;
ALTER TABLE feed_moves RENAME COLUMN undone_by TO reverted_by;

ALTER TABLE robots RENAME COLUMN asked_at TO fetched_at;

ALTER TABLE feeds RENAME COLUMN pages TO page_policy;

ALTER TABLE entries RENAME COLUMN changed_in TO changed_run_id;

ALTER TABLE articles RENAME COLUMN words TO word_count;
ALTER TABLE articles RENAME COLUMN cut TO paywall_marker;
ALTER TABLE articles RENAME COLUMN text_choice TO text_source_reason;
ALTER TABLE articles RENAME COLUMN compared_at TO deduplicated_at;

ALTER TABLE furniture RENAME TO boilerplate_blocks;
ALTER TABLE boilerplate_blocks RENAME COLUMN neighbour TO context;
ALTER TABLE boilerplate_blocks RENAME COLUMN seen_at TO first_seen_at;

ALTER TABLE no_copies RENAME TO duplicate_overrides;

ALTER TABLE duplicates RENAME COLUMN better TO better_original_reason;

ALTER TABLE derivations RENAME TO rewrite_comparisons;
ALTER TABLE rewrite_comparisons RENAME COLUMN derived TO is_rewrite;
UPDATE rewrite_comparisons
SET method = CASE method WHEN 'wording' THEN 'lexical' WHEN 'meaning' THEN 'semantic' ELSE method END;

ALTER TABLE corrections RENAME COLUMN position TO line_number;
ALTER TABLE corrections RENAME COLUMN standing TO is_active;
ALTER TABLE corrections RENAME COLUMN articles TO article_ids;
ALTER TABLE corrections RENAME COLUMN others TO other_article_ids;

ALTER TABLE topics RENAME COLUMN seen_at TO last_found_at;
ALTER TABLE topic_stories RENAME COLUMN strength TO centroid_similarity;

ALTER TABLE word_counts RENAME COLUMN times TO occurrences;

-- Views under earlier names; those under present ones are made anew at every opening.
DROP VIEW IF EXISTS held_entries;
DROP VIEW IF EXISTS derived_articles;
DROP VIEW IF EXISTS feed_schedule;
DROP MACRO TABLE IF EXISTS todo_derivations;
