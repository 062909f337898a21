-- Work queue: articles without a text, or whose entry or page is newer than their text.
CREATE OR REPLACE VIEW todo_extract AS
WITH seen AS (
    SELECT article_id, max(changed_at) AS changed_at
    FROM entries
    ANTI JOIN quarantined_entries ON quarantined_entries.entry_id = entries.entry_id
    GROUP BY article_id
), newest AS (
    SELECT seen.article_id, greatest(seen.changed_at, coalesce(pages.fetched_at, seen.changed_at)) AS changed_at
    FROM seen
    LEFT JOIN pages ON pages.kind = 'page' AND pages.item_id = seen.article_id
)
SELECT newest.article_id, newest.changed_at
FROM newest
LEFT JOIN processed ON processed.kind = 'page' AND processed.item_id = newest.article_id
WHERE processed.fetched_at IS NULL OR processed.fetched_at < newest.changed_at
ORDER BY newest.article_id;
COMMENT ON VIEW todo_extract IS 'Work queue: articles whose text is missing or older than what was seen of them';
COMMENT ON COLUMN todo_extract.article_id IS 'The article';
COMMENT ON COLUMN todo_extract.changed_at IS 'The newest state of its entry and page, UTC';
