-- The token of a FreshRSS shared query (t= in its address) is hidden like any other from here on. What was stored with
-- it is hidden here; the feed's document, which repeats it, is dropped and downloaded again. Its entries get new ids.
CREATE TEMP MACRO hidden(told) AS regexp_replace(told, '(/api/query\.php\?(?:[^#\s]*[&;])?t=)[^&;#\s]*', '\1***', 'g');

CREATE TEMP TABLE told AS SELECT DISTINCT item_id FROM fetches WHERE kind IN ('feed', 'list') AND hidden(url) <> url;
DELETE FROM pages WHERE kind IN ('feed', 'list') AND item_id IN (FROM told);
UPDATE fetches SET etag = NULL, last_modified = NULL WHERE item_id IN (FROM told);
DROP TABLE told;

UPDATE feeds SET url = hidden(url), site_url = hidden(site_url), listed_by = hidden(listed_by);
UPDATE fetches
SET url = hidden(url), final_url = hidden(final_url), moved_to = hidden(moved_to), detail = hidden(detail)
WHERE hidden(concat_ws(' ', url, final_url, moved_to, detail)) <> concat_ws(' ', url, final_url, moved_to, detail);
UPDATE failures SET item = hidden(item), detail = hidden(detail) WHERE hidden(item || detail) <> item || detail;
UPDATE steps SET error = hidden(error) WHERE hidden(error) <> error;
UPDATE runs SET error = hidden(error) WHERE hidden(error) <> error;
DELETE FROM feed_moves WHERE hidden(from_url || to_url) <> from_url || to_url;
DROP MACRO hidden;

ALTER TABLE feed_moves ADD COLUMN IF NOT EXISTS undone_by TEXT;  -- person, or failures: at the new address, for three days
UPDATE feed_moves SET undone_by = 'person' WHERE undone_at IS NOT NULL AND undone_by IS NULL;
