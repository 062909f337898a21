-- The history of every story begins with its birth, alone or out of another story.
SELECT stories.story_id
FROM stories
ANTI JOIN (SELECT story_id FROM story_events WHERE event IN ('born', 'split')) AS births USING (story_id);
