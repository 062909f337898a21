-- Who wrote what. Names are parted only where each part has two words or more: "Doe, Jane" stays whole.
CREATE OR REPLACE VIEW authors AS
WITH lines AS (
    SELECT author, trim(regexp_replace(regexp_replace(author, '^\S+@\S+\s+\((.*)\)$', '\1'), '^\s*(?:par|by)\s+', '', 'i')) AS line
    FROM (SELECT DISTINCT author FROM internal.articles WHERE author IS NOT NULL)
), parts AS (
    SELECT author, line, trim(unnest(regexp_split_to_array(line, '(?i)\s*[;|]\s*|\s*,\s*(?:and|et)\s+|\s*,\s*|\s+(?:and|et|&)\s+'))) AS part
    FROM lines
), names AS (
    SELECT author, CASE WHEN bool_and(part LIKE '% %') THEN list(DISTINCT part) ELSE [line] END AS names
    FROM parts
    WHERE part <> ''
    GROUP BY author, line
), named AS (
    SELECT author, unnest(names) AS name FROM names
), written AS (
    SELECT lower(named.name) AS key, named.name, coalesce(articles.publisher, articles.outlet) AS publisher, articles.language,
           articles.published_at, articles.date_quality, articles.article_id, duplicates.article_id IS NOT NULL AS is_duplicate
    FROM named
    JOIN internal.articles ON articles.author = named.author
    LEFT JOIN internal.duplicates ON duplicates.article_id = articles.article_id
), spelled AS (
    SELECT key, arg_max(name, (times, name)) AS author
    FROM (SELECT key, name, count(*) AS times FROM written GROUP BY key, name)
    GROUP BY key
), counted AS (
    SELECT key, count(DISTINCT article_id) FILTER (NOT is_duplicate) AS articles,
           count(DISTINCT article_id) FILTER (is_duplicate) AS duplicates,
           count(DISTINCT publisher) AS outlets, list_sort(list(DISTINCT language)) AS languages,
           arg_min({'published_at': published_at, 'date_quality': date_quality}, (published_at, date_quality)) AS first,
           arg_max({'published_at': published_at, 'date_quality': date_quality}, (published_at, date_quality)) AS last
    FROM written
    GROUP BY key
)
SELECT spelled.author, counted.articles, counted.duplicates, counted.outlets, counted.languages,
       counted.first.published_at AS first_at, counted.first.date_quality AS first_date_quality, counted.last.published_at AS last_at, counted.last.date_quality AS last_date_quality
FROM counted
JOIN spelled ON spelled.key = counted.key
ORDER BY counted.articles DESC, counted.duplicates DESC, spelled.author;
COMMENT ON VIEW authors IS 'Who wrote what, by the name that feeds and pages give';
COMMENT ON COLUMN authors.author IS 'The name as most often written, without Par or By; capitals make no other name. Several names are parted where each has two words or more. It may name a desk, and one name may be two people';
COMMENT ON COLUMN authors.articles IS 'Original articles';
COMMENT ON COLUMN authors.duplicates IS 'Articles that repeat another one';
COMMENT ON COLUMN authors.outlets IS 'Publishers';
COMMENT ON COLUMN authors.languages IS 'Languages, sorted';
COMMENT ON COLUMN authors.first_at IS 'Publication of the first one, UTC';
COMMENT ON COLUMN authors.first_date_quality IS 'given, guessed, inferred, missing or future; first sight stands in for the last two';
COMMENT ON COLUMN authors.last_at IS 'Publication of the last one, UTC';
COMMENT ON COLUMN authors.last_date_quality IS 'The same of the last one';
