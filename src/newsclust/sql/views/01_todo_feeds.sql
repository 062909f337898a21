-- Work queue: feeds to ask in this run, with the validators of their last full answer. A feed that answered
-- 410 (gone) is asked no more; one that has answered in this run is not asked twice.
CREATE OR REPLACE MACRO todo_feeds(this_run) AS TABLE
WITH validators AS (
    SELECT item_id, arg_max(fetches, requested_at) AS held
    FROM fetches
    WHERE kind = 'feed' AND reason IS NULL AND status <> 304
    GROUP BY item_id
)
SELECT feeds.feed_id, feeds.url, validators.held.etag AS etag, validators.held.last_modified AS last_modified
FROM feeds
LEFT JOIN validators ON validators.item_id = feeds.feed_id
WHERE feeds.listed
  AND NOT EXISTS (SELECT 1 FROM fetches WHERE fetches.item_id = feeds.feed_id AND fetches.reason = 'gone')
  AND NOT EXISTS (
      SELECT 1 FROM fetches
      WHERE fetches.item_id = feeds.feed_id AND fetches.run_id = this_run AND fetches.reason IS NULL
  )
ORDER BY feeds.feed_id;
