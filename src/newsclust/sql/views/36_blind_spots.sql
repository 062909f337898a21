-- Living stories that three publishers or more tell in their own words, all in one language, or all of one country.
CREATE OR REPLACE VIEW blind_spots AS
WITH told AS (
    SELECT story_tellings.story_id, story_tellings.publisher, nullif(story_tellings.language, 'und') AS language,
           outlet_profiles.country,
           NOT story_tellings.is_duplicate AND rewritten_articles.article_id IS NULL AS is_independent
    FROM story_tellings
    JOIN internal.stories ON stories.story_id = story_tellings.story_id AND stories.state = 'living'
    LEFT JOIN internal.outlet_profiles ON outlet_profiles.publisher = story_tellings.publisher
    LEFT JOIN (SELECT DISTINCT article_id FROM rewritten_articles) AS rewritten_articles
    ON rewritten_articles.article_id = story_tellings.article_id
), placed AS (
    SELECT 'language' AS kind, story_id, publisher, is_independent, language AS place FROM told
    UNION ALL
    SELECT 'country', story_id, publisher, is_independent, country FROM told
), heard AS (
    SELECT kind, place FROM placed WHERE place IS NOT NULL GROUP BY kind, place HAVING count(DISTINCT publisher) >= 3
), counted AS (
    SELECT kind, story_id, min(place) AS told_in, count(*) AS articles, count(DISTINCT publisher) AS outlets,
           count(DISTINCT publisher) FILTER (is_independent) AS independent_outlets,
           count(DISTINCT publisher) FILTER (place IS NULL) AS unplaced_outlets
    FROM placed
    GROUP BY kind, story_id
    HAVING min(place) = max(place) AND count(DISTINCT publisher) FILTER (is_independent AND place IS NOT NULL) >= 3
), absent AS (
    SELECT own.kind, own.told_in, list(heard.place ORDER BY heard.place) AS missing
    FROM (SELECT DISTINCT kind, told_in FROM counted) AS own
    JOIN heard ON heard.kind = own.kind AND heard.place <> own.told_in
    GROUP BY own.kind, own.told_in
)
SELECT counted.kind, counted.story_id, stories.headline, counted.told_in, absent.missing, counted.articles, counted.outlets,
       counted.independent_outlets, counted.unplaced_outlets, stories.born_at
FROM counted
JOIN absent ON absent.kind = counted.kind AND absent.told_in = counted.told_in
JOIN internal.stories ON stories.story_id = counted.story_id
ORDER BY counted.kind DESC, counted.independent_outlets DESC, counted.outlets DESC, counted.story_id;
COMMENT ON VIEW blind_spots IS 'Living stories that three publishers or more tell in their own words, all in one language, or all of one country';
COMMENT ON COLUMN blind_spots.kind IS 'language or country';
COMMENT ON COLUMN blind_spots.story_id IS 'The story';
COMMENT ON COLUMN blind_spots.headline IS 'Its headline';
COMMENT ON COLUMN blind_spots.told_in IS 'The only language, or the only country, that it is told in, as far as known: see unplaced_outlets';
COMMENT ON COLUMN blind_spots.missing IS 'Languages, or countries, of three publishers or more of other living stories, none of which tells this one';
COMMENT ON COLUMN blind_spots.articles IS 'Its articles, duplicates included';
COMMENT ON COLUMN blind_spots.outlets IS 'Publishers that carried it, each counted once';
COMMENT ON COLUMN blind_spots.independent_outlets IS 'Those with a text of their own: no duplicate, no rewrite';
COMMENT ON COLUMN blind_spots.unplaced_outlets IS 'Publishers of it whose language, or country, is not known: the story may be told elsewhere by them';
COMMENT ON COLUMN blind_spots.born_at IS 'The night that found it, UTC';
