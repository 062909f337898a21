-- A story belongs to one topic at a time.
SELECT story_id, count(*) AS topics FROM topic_stories WHERE left_at IS NULL GROUP BY story_id HAVING count(*) > 1;
