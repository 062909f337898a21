"""Which sites feeds seem to be of, and which of them name the feed as theirs."""

from collections.abc import Mapping

from newsclust.model import Run
from newsclust.sources.feed_sites import KnownFeed, SiteCheck, SiteClaim
from newsclust.store.database import Database
from newsclust.store.records import row_of

# A person's own account is asked with a secret: it is nobody's feed.
_FEEDS = """
SELECT feeds.feed_id, [feeds.url, feed_addresses.url, coalesce(documents.final_url, feeds.url)], feeds.site_url
FROM feeds
JOIN feed_addresses ON feed_addresses.feed_id = feeds.feed_id
LEFT JOIN pages AS documents ON documents.kind = 'feed' AND documents.item_id = feeds.feed_id
WHERE feeds.listed AND feeds.token_env IS NULL AND NOT contains(feeds.url, '***')
ORDER BY feeds.feed_id
"""
_LINKS = """
SELECT feed_id, min(link), count(*)
FROM entries
WHERE last_seen_at >= $1 AND link LIKE 'http%'
GROUP BY feed_id, regexp_extract(url, '^https://([^/?]+)', 1)
"""
_PAGES = """
SELECT DISTINCT entries.article_id
FROM entries
JOIN pages ON pages.kind = 'page' AND pages.item_id = entries.article_id
WHERE entries.feed_id = $1 AND pages.dropped_at IS NULL AND contains(pages.final_url, $2)
ORDER BY entries.article_id DESC
LIMIT $3
"""


def known_feeds(db: Database, run: Run) -> list[KnownFeed]:
    """Return the listed feeds with where they stand, and how many entries of tonight lead to which host."""
    links: dict[str, dict[str, int]] = {}
    for feed_id, link, entries in db.tuples(_LINKS, [run.night_at]):
        links.setdefault(feed_id, {})[link] = entries
    return [
        KnownFeed(feed_id=feed_id, addresses=tuple(addresses), site_url=site_url, links=links.get(feed_id, {}))
        for feed_id, addresses, site_url in db.tuples(_FEEDS)
    ]


def site_checks(db: Database) -> list[SiteCheck]:
    """Return every site that was asked."""
    return db.rows_as(SiteCheck, "SELECT feed_id, site, is_confirmed, checked_at FROM feed_sites")


def confirmed_sites(db: Database) -> dict[str, list[str]]:
    """Return the addresses of the sites whose pages name each feed, by feed id."""
    rows = db.tuples(
        "SELECT feed_id, list('https://' || site ORDER BY site) FROM feed_sites WHERE is_confirmed GROUP BY ALL"
    )
    return dict(rows)


def pages_of(db: Database, claim: SiteClaim, *, most: int) -> list[str]:
    """Return the ids of a few articles of the feed whose pages at the claimed site are stored."""
    return db.column(_PAGES, [claim.feed_id, claim.site, most])


def save_site_checks(db: Database, run: Run, found: Mapping[SiteClaim, tuple[bool, str]]) -> None:
    """Store of each claim whether it is confirmed, and why."""
    rows = [
        row_of(claim, without=("addresses",))
        | {"is_confirmed": is_confirmed, "why": why, "checked_at": run.night_at, "run_id": run.id}
        for claim, (is_confirmed, why) in found.items()
    ]
    db.upsert("feed_sites", rows, key=["feed_id", "site"])
