-- Entries that wait for a person: first seen, or last seen changed, on a night that broke a quarantine rule of their feed
-- or under its quarantine. New ones become no articles, changed ones leave theirs as it was.
CREATE OR REPLACE VIEW quarantined_entries AS
WITH quarantined AS (
    SELECT feed_id, run_id, night_at, anomaly, why FROM internal.feed_run_stats WHERE quarantined
), shown AS (
    SELECT entries.entry_id, quarantined.night_at, quarantined.anomaly, quarantined.why, false AS is_edit
    FROM internal.entries
    JOIN quarantined ON quarantined.feed_id = entries.feed_id AND quarantined.run_id = entries.run_id
), edited AS (
    SELECT entries.entry_id, quarantined.night_at, quarantined.anomaly, quarantined.why, true AS is_edit
    FROM internal.entries
    JOIN quarantined ON quarantined.feed_id = entries.feed_id AND quarantined.run_id = entries.changed_run_id
    ANTI JOIN shown ON shown.entry_id = entries.entry_id
), waiting AS (
    FROM shown UNION ALL FROM edited
)
SELECT entries.entry_id, entries.feed_id, feeds.title AS feed, entries.article_id, entries.title, entries.link,
       entries.first_seen_at, waiting.night_at AS quarantined_at, waiting.is_edit, waiting.anomaly, waiting.why
FROM waiting
JOIN internal.entries ON entries.entry_id = waiting.entry_id
JOIN internal.feeds ON feeds.feed_id = entries.feed_id
ORDER BY waiting.night_at DESC, feeds.title, entries.link;
COMMENT ON VIEW quarantined_entries IS 'Entries that become no articles, or change none, because their feed was quarantined when they came';
COMMENT ON COLUMN quarantined_entries.entry_id IS 'The entry';
COMMENT ON COLUMN quarantined_entries.feed_id IS 'The feed that showed it';
COMMENT ON COLUMN quarantined_entries.feed IS 'Title of the feed';
COMMENT ON COLUMN quarantined_entries.article_id IS 'The article that it would be, or is when an edit is quarantined';
COMMENT ON COLUMN quarantined_entries.title IS 'Its title, as last shown';
COMMENT ON COLUMN quarantined_entries.link IS 'Link as the feed wrote it';
COMMENT ON COLUMN quarantined_entries.first_seen_at IS 'The night that first saw it, UTC';
COMMENT ON COLUMN quarantined_entries.quarantined_at IS 'The night whose entry or edit is quarantined, UTC';
COMMENT ON COLUMN quarantined_entries.is_edit IS 'Whether it was admitted before and a later edit is quarantined: its article stays as it was';
COMMENT ON COLUMN quarantined_entries.anomaly IS 'The rule that the night broke: volume, language, foreign_links or vocabulary; NULL: it broke none, the quarantine went on';
COMMENT ON COLUMN quarantined_entries.why IS 'The same in words, with its numbers';
