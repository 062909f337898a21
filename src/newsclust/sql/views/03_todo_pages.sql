-- Work queue: article pages to download, the newest first. An address is tried on three nights at most, and once when its
-- answer is final; a night without a network of our own is none. A page that answers and is a wall is one that failed.
-- An entry that changes starts anew. A page whose body was dropped was read, and an article whose text retention dropped is settled. `pages = "never"` holds for what waits already, too.
CREATE OR REPLACE VIEW todo_pages AS
WITH wanted AS (
    SELECT article_id, arg_min(link, (first_seen_at, entry_id)) AS url, max(changed_at) AS changed_at,
           arg_min(feeds.url, (first_seen_at, entry_id)) AS feed_url,
           arg_min(feeds.listed_by IS NULL, (first_seen_at, entry_id)) AS is_a_persons,
           max(least(entries.published_at, entries.first_seen_at)) AS newest_at
    FROM entries
    ANTI JOIN quarantined_entries ON quarantined_entries.entry_id = entries.entry_id
    JOIN feeds ON feeds.feed_id = entries.feed_id
    GROUP BY article_id
    HAVING bool_and(wants_page AND feeds.page_policy <> 'never')
), tried AS (
    SELECT item_id, run_id, requested_at, reason IN ('gone', 'not_found', 'forbidden', 'bad_url', 'too_large', 'robots', 'refused_address') AS final
    FROM fetches
    WHERE kind = 'page' AND reason IS DISTINCT FROM 'offline'
)
SELECT wanted.article_id, wanted.url, wanted.feed_url, wanted.newest_at, wanted.is_a_persons
FROM wanted
LEFT JOIN pages ON pages.kind = 'page' AND pages.item_id = wanted.article_id
LEFT JOIN (SELECT article_id FROM articles WHERE text_quality = 'wall') AS walled ON walled.article_id = wanted.article_id
ANTI JOIN (SELECT article_id FROM articles WHERE text_dropped_at IS NOT NULL) AS settled ON settled.article_id = wanted.article_id
WHERE (pages.fetched_at IS NULL OR pages.fetched_at < wanted.changed_at
       OR (walled.article_id IS NOT NULL AND pages.dropped_at IS NULL))
  AND NOT EXISTS (
    SELECT 1
    FROM tried
    WHERE tried.item_id = wanted.article_id AND tried.requested_at >= wanted.changed_at
    HAVING bool_or(tried.final) OR count(DISTINCT tried.run_id) >= 3
  )
ORDER BY wanted.newest_at DESC, wanted.article_id;
COMMENT ON VIEW todo_pages IS 'Work queue: article pages to download';
COMMENT ON COLUMN todo_pages.article_id IS 'The article';
COMMENT ON COLUMN todo_pages.url IS 'Address to ask: the link of its first sighting';
COMMENT ON COLUMN todo_pages.feed_url IS 'Address of the feed of that sighting';
COMMENT ON COLUMN todo_pages.is_a_persons IS 'Whether feeds.toml names that feed, and not a list of others';
COMMENT ON COLUMN todo_pages.newest_at IS 'When its newest entry was published or first seen, whichever is earlier, UTC';
