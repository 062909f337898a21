-- What people said of stories and copies, and whether it counts.
CREATE OR REPLACE VIEW story_corrections AS
SELECT corrections.correction_id, corrections.kind, corrections.made_at, corrections.standing, corrections.story_ids,
       corrections.articles, corrections.others, nullif(corrections.headline, '') AS headline,
       nullif(corrections.undoes, '') AS undoes
FROM corrections
ORDER BY corrections.position;
COMMENT ON VIEW story_corrections IS 'What people said of stories and copies, oldest first';
COMMENT ON COLUMN story_corrections.correction_id IS 'Id of the correction, for `newsclust story undo`';
COMMENT ON COLUMN story_corrections.kind IS 'same, different, rename, not_duplicate or undo';
COMMENT ON COLUMN story_corrections.made_at IS 'When it was said, UTC';
COMMENT ON COLUMN story_corrections.standing IS 'Nights honour it: it is no undo, and no undo took it back';
COMMENT ON COLUMN story_corrections.story_ids IS 'The stories it was made on';
COMMENT ON COLUMN story_corrections.articles IS 'The articles that tell one story, or that leave, or the one that is a copy of none';
COMMENT ON COLUMN story_corrections.others IS 'The articles that they do not belong with';
COMMENT ON COLUMN story_corrections.headline IS 'The name given';
COMMENT ON COLUMN story_corrections.undoes IS 'The correction taken back';
