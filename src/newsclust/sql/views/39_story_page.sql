-- All that a page about a story needs, in one row: `FROM story_page('s1a2b3')`; the beginning of the id is enough.
CREATE OR REPLACE MACRO story_page(id) AS TABLE
WITH story AS (
    SELECT story_id, headline, headline_en, headline_fr, state, merged_into, born_at
    FROM internal.stories
    WHERE starts_with(stories.story_id, id) AND id <> ''
), members AS (
    SELECT story_articles.story_id, story_articles.article_id
    FROM internal.story_articles
    WHERE story_articles.left_at IS NULL AND starts_with(story_articles.story_id, id)
), tellings AS (
    SELECT members.story_id, members.article_id, NULL AS original_id, NULL AS method FROM members
    UNION ALL
    SELECT members.story_id, duplicates.article_id, duplicates.original_id, duplicates.method
    FROM members
    JOIN internal.duplicates ON duplicates.original_id = members.article_id
), told AS (
    SELECT tellings.story_id, tellings.original_id, tellings.method, articles.article_id, articles.title, articles.outlet,
           coalesce(articles.publisher, articles.outlet) AS publisher, articles.language, articles.published_at,
           articles.date_quality, articles.url, articles.text_quality,
           (articles.date_quality <> 'given', greatest(articles.published_at, articles.attested_at), articles.first_seen_at,
            articles.published_at, articles.article_id) AS place
    FROM tellings
    JOIN internal.articles ON articles.article_id = tellings.article_id
), gathered AS (
    SELECT story_id, arg_min({'published_at': published_at, 'date_quality': date_quality}, place) AS first,
           count(DISTINCT publisher) AS outlets, list_sort(list(DISTINCT language)) AS languages,
           coalesce(list({'article_id': article_id, 'title': title, 'outlet': outlet, 'publisher': publisher, 'language': language,
                 'published_at': published_at, 'date_quality': date_quality, 'url': url, 'text_quality': text_quality}
                ORDER BY published_at, article_id) FILTER (original_id IS NULL), []) AS articles,
           coalesce(list({'article_id': article_id, 'original_id': original_id, 'method': method, 'title': title, 'outlet': outlet,
                 'publisher': publisher, 'language': language, 'published_at': published_at, 'date_quality': date_quality, 'url': url}
                ORDER BY published_at, article_id) FILTER (original_id IS NOT NULL), []) AS duplicates
    FROM told
    GROUP BY story_id
), happened AS (
    SELECT story_id,
           list({'happened_at': happened_at, 'event': event, 'articles': articles::BIGINT, 'moved_articles': len(article_ids),
                 'other_story_id': nullif(other_story_id, ''), 'headline': headline, 'reason': reason}
                ORDER BY happened_at, event, other_story_id) AS events
    FROM internal.story_events
    WHERE starts_with(story_events.story_id, id)
    GROUP BY story_id
), concerned AS (
    SELECT story.story_id, corrections.correction_id
    FROM story
    JOIN internal.corrections ON list_contains(corrections.story_ids, story.story_id)
    UNION
    SELECT members.story_id, named.correction_id
    FROM members
    JOIN (
        SELECT correction_id, unnest(article_ids || other_article_ids) AS article_id FROM internal.corrections
    ) AS named ON named.article_id = members.article_id
), corrected AS (
    SELECT concerned.story_id,
           list({'correction_id': corrections.correction_id, 'kind': corrections.kind, 'made_at': corrections.made_at,
                 'is_active': corrections.is_active, 'headline': nullif(corrections.headline, ''),
                 'undoes': nullif(corrections.undoes, '')} ORDER BY corrections.line_number) AS corrections
    FROM concerned
    JOIN internal.corrections ON corrections.correction_id = concerned.correction_id
    GROUP BY concerned.story_id
), placed AS (
    SELECT topic_stories.story_id, topics.topic_id, topics.label
    FROM internal.topic_stories
    JOIN internal.topics ON topics.topic_id = topic_stories.topic_id
    WHERE topic_stories.left_at IS NULL AND starts_with(topic_stories.story_id, id)
)
SELECT story.story_id, story.headline, story.headline_en, story.headline_fr, story.state, story.merged_into, story.born_at,
       gathered.first.published_at AS first_at, gathered.first.date_quality AS first_date_quality, coalesce(gathered.outlets, 0) AS outlets,
       coalesce(gathered.languages, []) AS languages, placed.topic_id, placed.label AS topic,
       coalesce(gathered.articles, []) AS articles, coalesce(gathered.duplicates, []) AS duplicates,
       coalesce(happened.events, []) AS events, coalesce(corrected.corrections, []) AS corrections
FROM story
LEFT JOIN gathered ON gathered.story_id = story.story_id
LEFT JOIN placed ON placed.story_id = story.story_id
LEFT JOIN happened ON happened.story_id = story.story_id
LEFT JOIN corrected ON corrected.story_id = story.story_id
ORDER BY story.story_id;
COMMENT ON MACRO TABLE story_page IS 'All that a page about a story needs, in one row, by its id or the beginning of it: articles, duplicates, events and corrections are lists of structs; first_at is the earliest date given to the minute, else the earliest there is, as first_date_quality says';
