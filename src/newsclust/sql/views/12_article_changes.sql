-- Every edit of an article: the state that was kept, the one that replaced it, and what differs.
CREATE OR REPLACE VIEW article_changes AS
WITH lines AS (
    SELECT article_id, version, unnest(string_split(diff, chr(10))) AS line
    FROM internal.article_versions
), words AS (  -- a word that only moved is neither added nor removed
    SELECT article_id, version, unnest(regexp_extract_all(lower(line[2:]), '[\p{L}\p{N}]+')) AS word,
           CASE line[1] WHEN '+' THEN 1 ELSE -1 END AS sign
    FROM lines
    WHERE line[1] IN ('+', '-')
), counts AS (
    SELECT article_id, version, sum(greatest(times, 0))::BIGINT AS added, sum(greatest(-times, 0))::BIGINT AS removed
    FROM (SELECT article_id, version, word, sum(sign) AS times FROM words GROUP BY ALL)
    GROUP BY article_id, version
)
SELECT versions.article_id, versions.version::BIGINT AS version, articles.outlet, versions.seen_at, versions.replaced_at,
       versions.title AS title_before,
       -- The title is line 1 of both states, and no other line is compared with it.
       CASE WHEN starts_with(versions.diff, '@@ -1 +1 @@') THEN string_split(versions.diff, chr(10))[3][2:]
            WHEN versions.diff IS NOT NULL THEN versions.title END AS title_after,
       CASE WHEN versions.diff IS NOT NULL THEN coalesce(counts.added, 0) END AS words_added,
       CASE WHEN versions.diff IS NOT NULL THEN coalesce(counts.removed, 0) END AS words_removed,
       versions.diff
FROM internal.article_versions AS versions
JOIN internal.articles USING (article_id)
LEFT JOIN counts USING (article_id, version)
ORDER BY versions.replaced_at DESC, versions.article_id, versions.version;
COMMENT ON VIEW article_changes IS 'Every edit of an article, the latest first, with what differs';
COMMENT ON COLUMN article_changes.article_id IS 'The article';
COMMENT ON COLUMN article_changes.version IS '1 for its first state, and so on';
COMMENT ON COLUMN article_changes.outlet IS 'Its site';
COMMENT ON COLUMN article_changes.seen_at IS 'First night that saw this state, UTC';
COMMENT ON COLUMN article_changes.replaced_at IS 'First night that saw another one, UTC';
COMMENT ON COLUMN article_changes.title_before IS 'Title of this state';
COMMENT ON COLUMN article_changes.title_after IS 'Title of the state that replaced it; NULL where diff is';
COMMENT ON COLUMN article_changes.words_added IS 'Words that the next state has more of; NULL where diff is';
COMMENT ON COLUMN article_changes.words_removed IS 'Words that this state has more of; NULL where diff is';
COMMENT ON COLUMN article_changes.diff IS 'Unified diff to the next state without context: line 1 is the title, each other line a sentence; empty when only spacing differs, NULL for states replaced before diffs were kept';
