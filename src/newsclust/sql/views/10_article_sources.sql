-- Every outlet and feed that carried an article, first to last; those in quarantine are in quarantined_entries.
CREATE OR REPLACE VIEW article_sources AS
WITH sightings AS (
    SELECT coalesce(duplicates.original_id, entries.article_id) AS article_id, entries.article_id AS seen_as,
           duplicates.method AS duplicate_method, duplicates.similarity, entries.feed_id, entries.link,
           entries.published_at, entries.date_quality, entries.first_seen_at, entries.source_title
    FROM internal.entries
    ANTI JOIN quarantined_entries ON quarantined_entries.entry_id = entries.entry_id AND NOT quarantined_entries.is_edit
    LEFT JOIN internal.duplicates ON duplicates.article_id = entries.article_id
), dated AS (
    -- A feed without a date gets the article's: its page, or another feed, said when it appeared, or first sight stands in.
    SELECT sightings.* EXCLUDE (published_at, date_quality), carried.outlet, carried.links_to,
           sightings.date_quality = 'given' AS is_timed, sightings.date_quality IN ('missing', 'future') AS is_undated,
           CASE WHEN is_undated THEN carried.published_at ELSE sightings.published_at END AS published_at,
           CASE WHEN is_undated THEN carried.date_quality ELSE sightings.date_quality END AS date_quality
    FROM sightings
    JOIN internal.articles AS carried ON carried.article_id = sightings.seen_as
)
SELECT dated.article_id, originals.title, dated.outlet, feeds.title AS feed, dated.link,
       dated.published_at, dated.date_quality, dated.first_seen_at,
       CASE WHEN dated.is_timed THEN round(date_diff('minute',
           min(dated.published_at) FILTER (dated.is_timed) OVER (PARTITION BY dated.article_id),
           dated.published_at) / 60.0, 2) END AS hours_behind,
       dated.seen_as, dated.duplicate_method, dated.similarity, dated.source_title AS source, dated.links_to
FROM dated
JOIN internal.articles AS originals ON originals.article_id = dated.article_id
JOIN internal.feeds ON feeds.feed_id = dated.feed_id
ORDER BY dated.article_id, NOT dated.is_timed, dated.published_at, feeds.title, dated.link;
COMMENT ON VIEW article_sources IS 'Every sighting of an article, duplicates included, with its delay behind the first; quarantined ones left out';
COMMENT ON COLUMN article_sources.article_id IS 'The original article';
COMMENT ON COLUMN article_sources.title IS 'Title of the original';
COMMENT ON COLUMN article_sources.outlet IS 'Outlet whose word it is: the site of its page, or the feed''s own site';
COMMENT ON COLUMN article_sources.feed IS 'Feed that showed it';
COMMENT ON COLUMN article_sources.link IS 'Link as the feed wrote it';
COMMENT ON COLUMN article_sources.published_at IS 'Publication there, UTC: as the feed says, or as the article has it where the feed gives no date; see date_quality';
COMMENT ON COLUMN article_sources.date_quality IS 'given, guessed, inferred, missing or future; first sight stands in for the last two';
COMMENT ON COLUMN article_sources.first_seen_at IS 'First night that saw it there, UTC';
COMMENT ON COLUMN article_sources.hours_behind IS 'Hours after the first sighting to which its feed gives a date to the minute; NULL unless its own feed does';
COMMENT ON COLUMN article_sources.seen_as IS 'The article seen there: the original itself or one of its duplicates';
COMMENT ON COLUMN article_sources.duplicate_method IS 'How the duplicate was recognised; NULL for the original itself';
COMMENT ON COLUMN article_sources.similarity IS 'Of the duplicate to the original, as its method measures it; NULL for the original itself';
COMMENT ON COLUMN article_sources.source IS 'Feed that the showing one took it from, as it says; NULL unless it collects others';
COMMENT ON COLUMN article_sources.links_to IS 'Host of its address: whom the link names; NULL: read before it was kept';
