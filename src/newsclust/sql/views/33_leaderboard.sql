-- Who was first, who followed and who copied, by publisher and week. A story counts once for a publisher, in the week of its
-- earliest article there. To be first takes a date to the minute, and another publisher with one.
CREATE OR REPLACE VIEW leaderboard AS
WITH told AS (
    SELECT story_id, publisher, min(published_at) AS told_at, min(told_at) FILTER (is_timed) AS dated_at
    FROM story_tellings
    GROUP BY story_id, publisher
), placed AS (
    SELECT publisher, date_trunc('week', told_at)::TIMESTAMP AS week_at, dated_at,
           min(dated_at) OVER story AS first_at, count(*) OVER story AS publishers, count(dated_at) OVER story AS dated
    FROM told
    WINDOW story AS (PARTITION BY story_id)
), stories AS (
    SELECT publisher, week_at, count(*) AS stories, count(*) FILTER (publishers = 1) AS exclusive,
           count(*) FILTER (dated > 1 AND dated_at = first_at) AS first,
           count(*) FILTER (dated > 1 AND dated_at > first_at) AS followed
    FROM placed
    GROUP BY publisher, week_at
), copies AS (
    SELECT article_id FROM internal.duplicates
    UNION
    SELECT article_id FROM rewritten_articles
), written AS (
    SELECT coalesce(articles.publisher, articles.outlet) AS publisher,
           date_trunc('week', articles.published_at)::TIMESTAMP AS week_at, count(*) AS articles, count(copies.article_id) AS copies
    FROM internal.articles
    LEFT JOIN copies ON copies.article_id = articles.article_id
    GROUP BY ALL
)
SELECT written.publisher, written.week_at, coalesce(stories.stories, 0) AS stories, coalesce(stories.first, 0) AS first,
       coalesce(stories.followed, 0) AS followed, coalesce(stories.exclusive, 0) AS exclusive,
       coalesce(stories.stories - stories.first - stories.followed - stories.exclusive, 0) AS unplaced,
       written.articles, written.copies, round(written.copies / written.articles, 3) AS share_of_copies
FROM written
LEFT JOIN stories ON stories.publisher = written.publisher AND stories.week_at = written.week_at
ORDER BY written.week_at DESC, first DESC, stories DESC, written.publisher;
COMMENT ON VIEW leaderboard IS 'Who was first, who followed and who copied, by publisher and week';
COMMENT ON COLUMN leaderboard.publisher IS 'Registered domain of the outlet';
COMMENT ON COLUMN leaderboard.week_at IS 'Monday of the ISO week, UTC';
COMMENT ON COLUMN leaderboard.stories IS 'Stories whose earliest article there is of the week; first sight stands in for a missing date. A story of one article counts, too';
COMMENT ON COLUMN leaderboard.first IS 'Those that nobody told earlier, of those that two publishers or more dated to the minute; in the same minute both are first';
COMMENT ON COLUMN leaderboard.followed IS 'Those that another one told earlier';
COMMENT ON COLUMN leaderboard.exclusive IS 'Those that no other publisher told';
COMMENT ON COLUMN leaderboard.unplaced IS 'Those of several publishers whose order nobody knows: no date to the minute here, or nowhere else';
COMMENT ON COLUMN leaderboard.articles IS 'Articles of the week, duplicates included';
COMMENT ON COLUMN leaderboard.copies IS 'Those that repeat another article or are rewritten from one';
COMMENT ON COLUMN leaderboard.share_of_copies IS 'copies of articles';
