-- Every entry belongs to a feed that is known.
SELECT entries.entry_id, entries.feed_id FROM entries ANTI JOIN feeds USING (feed_id);
