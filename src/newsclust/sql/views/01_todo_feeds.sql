-- Work queue: the listed feeds that have not answered in this run, with the validators of their last full answer.
-- Which of them are due tells their history (newsclust.polling.scheduler).
CREATE OR REPLACE MACRO todo_feeds(this_run) AS TABLE
WITH validators AS (
    SELECT item_id, arg_max(fetches, requested_at) AS last_answer
    FROM fetches
    WHERE kind = 'feed' AND reason IS NULL AND status <> 304
    GROUP BY item_id
)
SELECT feeds.feed_id, feed_addresses.url, validators.last_answer.etag AS etag, validators.last_answer.last_modified AS last_modified
FROM feeds
JOIN feed_addresses ON feed_addresses.feed_id = feeds.feed_id
LEFT JOIN validators ON validators.item_id = feeds.feed_id
WHERE feeds.listed
  AND NOT EXISTS (
      SELECT 1 FROM fetches
      WHERE fetches.kind = 'feed' AND fetches.item_id = feeds.feed_id AND fetches.run_id = this_run
        AND fetches.reason IS NULL
  )
ORDER BY feeds.feed_id;
