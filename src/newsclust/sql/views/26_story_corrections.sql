-- Corrections by people of stories and duplicates, and whether it counts.
CREATE OR REPLACE VIEW story_corrections AS
SELECT corrections.correction_id, corrections.kind, corrections.made_at, corrections.is_active, corrections.story_ids,
       corrections.article_ids, corrections.other_article_ids, nullif(corrections.headline, '') AS headline,
       nullif(corrections.undoes, '') AS undoes
FROM internal.corrections
ORDER BY corrections.line_number;
COMMENT ON VIEW story_corrections IS 'Corrections by people of stories and duplicates, oldest first';
COMMENT ON COLUMN story_corrections.correction_id IS 'Id of the correction, for `newsclust story undo`';
COMMENT ON COLUMN story_corrections.kind IS 'same, different, rename, not_duplicate or undo';
COMMENT ON COLUMN story_corrections.made_at IS 'When it was made, UTC';
COMMENT ON COLUMN story_corrections.is_active IS 'Every night applies it: it is no undo, and no undo took it back';
COMMENT ON COLUMN story_corrections.story_ids IS 'The stories it was made on';
COMMENT ON COLUMN story_corrections.article_ids IS 'The articles that tell one story, or that leave, or the one that is no duplicate';
COMMENT ON COLUMN story_corrections.other_article_ids IS 'The articles that they do not belong with';
COMMENT ON COLUMN story_corrections.headline IS 'The name given';
COMMENT ON COLUMN story_corrections.undoes IS 'The correction taken back';
