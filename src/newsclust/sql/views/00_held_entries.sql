-- Entries that become no articles: seen for the first time on a night that broke with the habits of their feed.
CREATE OR REPLACE VIEW held_entries AS
SELECT entries.entry_id, entries.feed_id, feeds.title AS feed, entries.article_id, entries.title, entries.link,
       entries.first_seen_at, feed_nights.breach, feed_nights.why
FROM entries
JOIN feed_nights ON feed_nights.feed_id = entries.feed_id AND feed_nights.run_id = entries.run_id
JOIN feeds ON feeds.feed_id = entries.feed_id
WHERE feed_nights.held
ORDER BY entries.first_seen_at DESC, feeds.title, entries.link;
COMMENT ON VIEW held_entries IS 'Entries that become no articles, because their feed was quarantined when they were first seen';
COMMENT ON COLUMN held_entries.entry_id IS 'The entry';
COMMENT ON COLUMN held_entries.feed_id IS 'The feed that showed it';
COMMENT ON COLUMN held_entries.feed IS 'Title of the feed';
COMMENT ON COLUMN held_entries.article_id IS 'The article that it would be';
COMMENT ON COLUMN held_entries.title IS 'Its title';
COMMENT ON COLUMN held_entries.link IS 'Link as the feed wrote it';
COMMENT ON COLUMN held_entries.first_seen_at IS 'The night that first saw it, UTC';
COMMENT ON COLUMN held_entries.breach IS 'What that night broke: flood, language or elsewhere; NULL: it kept to the habits, under a quarantine';
COMMENT ON COLUMN held_entries.why IS 'The same in words, with its numbers';
