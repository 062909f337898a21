-- Living stories that three publishers or more tell in their own words, all in one language.
CREATE OR REPLACE VIEW blind_spots AS
WITH told AS (
    SELECT story_tellings.story_id, nullif(story_tellings.language, 'und') AS language, story_tellings.publisher,
           NOT story_tellings.is_duplicate AND rewritten_articles.article_id IS NULL AS is_independent
    FROM story_tellings
    JOIN internal.stories ON stories.story_id = story_tellings.story_id AND stories.state = 'living'
    LEFT JOIN rewritten_articles ON rewritten_articles.article_id = story_tellings.article_id
), spoken AS (
    SELECT language FROM told WHERE language IS NOT NULL GROUP BY language HAVING count(DISTINCT publisher) >= 3
), counted AS (
    SELECT story_id, min(language) AS language, count(*) AS articles, count(DISTINCT publisher) AS outlets,
           count(DISTINCT publisher) FILTER (is_independent) AS independent_outlets
    FROM told
    GROUP BY story_id
    HAVING min(language) = max(language) AND count(DISTINCT publisher) FILTER (is_independent) >= 3
), absent AS (
    SELECT own.language, list(spoken.language ORDER BY spoken.language) AS languages
    FROM (SELECT DISTINCT language FROM counted) AS own
    JOIN spoken ON spoken.language <> own.language
    GROUP BY own.language
)
SELECT counted.story_id, stories.headline, counted.language, counted.articles, counted.outlets, counted.independent_outlets,
       absent.languages AS missing_languages, stories.born_at, stories.last_at
FROM counted
JOIN absent ON absent.language = counted.language
JOIN internal.stories ON stories.story_id = counted.story_id
ORDER BY counted.independent_outlets DESC, counted.outlets DESC, stories.last_at DESC, counted.story_id;
COMMENT ON VIEW blind_spots IS 'Living stories that three publishers or more tell in their own words, all in one language';
COMMENT ON COLUMN blind_spots.story_id IS 'The story';
COMMENT ON COLUMN blind_spots.headline IS 'Its headline';
COMMENT ON COLUMN blind_spots.language IS 'The only language it is told in; articles of an unknown one do not count for any';
COMMENT ON COLUMN blind_spots.articles IS 'Its articles, duplicates included';
COMMENT ON COLUMN blind_spots.outlets IS 'Publishers that tell it';
COMMENT ON COLUMN blind_spots.independent_outlets IS 'Those with a text of their own: no duplicate, no rewrite';
COMMENT ON COLUMN blind_spots.missing_languages IS 'Languages that tell other living stories, by three publishers or more, and not this one; a story without any is no blind spot';
COMMENT ON COLUMN blind_spots.born_at IS 'The night that found it, UTC';
COMMENT ON COLUMN blind_spots.last_at IS 'Publication of its last article, UTC; first sight stands in for a missing date';
