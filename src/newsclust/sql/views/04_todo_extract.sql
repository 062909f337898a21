-- Work queue: articles without a text, or whose entry or page is newer than their text. One whose page was dropped waits
-- for the new page that its entries want; one whose text retention dropped is settled.
CREATE OR REPLACE VIEW todo_extract AS
WITH seen AS (
    SELECT article_id, max(changed_at) AS changed_at, bool_and(wants_page AND feeds.page_policy <> 'never') AS wants_page
    FROM entries
    ANTI JOIN quarantined_entries ON quarantined_entries.entry_id = entries.entry_id
    JOIN feeds ON feeds.feed_id = entries.feed_id
    GROUP BY article_id
), newest AS (
    SELECT seen.article_id, greatest(seen.changed_at, coalesce(pages.fetched_at, seen.changed_at)) AS changed_at,
           pages.dropped_at IS NOT NULL AND seen.wants_page AS waits
    FROM seen
    LEFT JOIN pages ON pages.kind = 'page' AND pages.item_id = seen.article_id
)
SELECT newest.article_id, newest.changed_at
FROM newest
LEFT JOIN processed ON processed.kind = 'page' AND processed.item_id = newest.article_id
ANTI JOIN (SELECT article_id FROM articles WHERE text_dropped_at IS NOT NULL) AS settled ON settled.article_id = newest.article_id
WHERE processed.fetched_at IS NULL OR (processed.fetched_at < newest.changed_at AND NOT newest.waits)
ORDER BY newest.article_id;
COMMENT ON VIEW todo_extract IS 'Work queue: articles whose text is missing or older than what was seen of them';
COMMENT ON COLUMN todo_extract.article_id IS 'The article';
COMMENT ON COLUMN todo_extract.changed_at IS 'The newest state of its entry and page, UTC';
