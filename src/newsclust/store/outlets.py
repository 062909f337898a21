"""Publishers that articles name, and what is known of each."""

from collections.abc import Sequence

from newsclust.model import Run
from newsclust.outlets import Outlet, SeenPublisher
from newsclust.store.database import Database
from newsclust.store.records import row_of
from newsclust.urls import known_publisher

_SEEN = """
SELECT publisher, map(list(language ORDER BY language), list(articles ORDER BY language)) AS languages
FROM (SELECT coalesce(publisher, outlet) AS publisher, language, count(*) AS articles FROM articles GROUP BY ALL)
WHERE publisher <> ''
GROUP BY publisher
ORDER BY publisher
"""
_STORED = "SELECT publisher, name, host, country, languages, kind, source FROM outlet_profiles"


def seen_publishers(db: Database) -> list[SeenPublisher]:
    """Return every publisher that an article names, with its articles by language."""
    return [
        SeenPublisher(publisher=publisher, languages=dict(languages)) for publisher, languages in db.tuples(_SEEN)
    ]


def feed_titles(db: Database) -> dict[str, str]:
    """Return the title of the feed on each publisher's own site, where there is one title alone.

    A feed that stands elsewhere names nobody, whatever home page its list gives.
    """
    titles: dict[str, set[str]] = {}
    for title, url in db.tuples("SELECT title, url FROM feeds WHERE listed"):
        if title and (publisher := known_publisher(url)) is not None:
            titles.setdefault(publisher, set()).add(title)
    return {publisher: min(found) for publisher, found in titles.items() if len(found) == 1}


def save_outlets(db: Database, run: Run, outlets: Sequence[Outlet]) -> tuple[int, int]:
    """Store these outlets in place of those stored; return how many changed, came or went, and how many stayed."""
    before = {
        publisher: (name, host, country, tuple(languages), kind, source)
        for publisher, name, host, country, languages, kind, source in db.tuples(_STORED)
    }
    changed = [
        outlet
        for outlet in outlets
        if before.get(outlet.publisher)
        != (outlet.name, outlet.host, outlet.country, outlet.languages, outlet.kind, outlet.source)
    ]
    gone = sorted(before.keys() - {outlet.publisher for outlet in outlets})
    with db.transaction(), db.given_ids(gone):
        db.execute("DELETE FROM outlet_profiles WHERE publisher IN (SELECT id FROM given_ids)")
        db.upsert(
            "outlet_profiles",
            [row_of(outlet) | {"languages": list(outlet.languages), "run_id": run.id} for outlet in changed],
            key=["publisher"],
        )
    return len(changed) + len(gone), len(outlets) - len(changed)
