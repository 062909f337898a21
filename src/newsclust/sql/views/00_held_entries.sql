-- Entries that wait for a person: first seen, or last seen changed, on a night that broke with the habits of their feed
-- or under its quarantine. New ones become no articles, changed ones leave theirs as it was.
CREATE OR REPLACE VIEW held_entries AS
WITH held AS (
    SELECT feed_id, run_id, night_at, breach, why FROM feed_nights WHERE held
), shown AS (
    SELECT entries.entry_id, held.night_at, held.breach, held.why, false AS is_edit
    FROM entries
    JOIN held ON held.feed_id = entries.feed_id AND held.run_id = entries.run_id
), edited AS (
    SELECT entries.entry_id, held.night_at, held.breach, held.why, true AS is_edit
    FROM entries
    JOIN held ON held.feed_id = entries.feed_id AND held.run_id = entries.changed_in
    ANTI JOIN shown ON shown.entry_id = entries.entry_id
), waiting AS (
    FROM shown UNION ALL FROM edited
)
SELECT entries.entry_id, entries.feed_id, feeds.title AS feed, entries.article_id, entries.title, entries.link,
       entries.first_seen_at, waiting.night_at AS held_at, waiting.is_edit, waiting.breach, waiting.why
FROM waiting
JOIN entries ON entries.entry_id = waiting.entry_id
JOIN feeds ON feeds.feed_id = entries.feed_id
ORDER BY waiting.night_at DESC, feeds.title, entries.link;
COMMENT ON VIEW held_entries IS 'Entries that become no articles, or change none, because their feed was quarantined when they came';
COMMENT ON COLUMN held_entries.entry_id IS 'The entry';
COMMENT ON COLUMN held_entries.feed_id IS 'The feed that showed it';
COMMENT ON COLUMN held_entries.feed IS 'Title of the feed';
COMMENT ON COLUMN held_entries.article_id IS 'The article that it would be, or is when it was held as an edit';
COMMENT ON COLUMN held_entries.title IS 'Its title, as last shown';
COMMENT ON COLUMN held_entries.link IS 'Link as the feed wrote it';
COMMENT ON COLUMN held_entries.first_seen_at IS 'The night that first saw it, UTC';
COMMENT ON COLUMN held_entries.held_at IS 'The night whose entry or edit is held, UTC';
COMMENT ON COLUMN held_entries.is_edit IS 'Whether it was let in before and a later edit of it is held: its article stays as it was';
COMMENT ON COLUMN held_entries.breach IS 'What that night broke: flood, language, elsewhere or theme; NULL: it kept to the habits, under a quarantine';
COMMENT ON COLUMN held_entries.why IS 'The same in words, with its numbers';
