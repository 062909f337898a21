"""One function a step: rows to do -> stage -> saved rows. No order here (flows/nightly.py has it), no Prefect.

Every step can be run twice: the second time there is nothing to do. A step that was killed goes on where it
stopped, because what it did is stored as it is done.
"""

from pathlib import Path

from newsclust.model import Count
from newsclust.pipeline.clock import mend_clock
from newsclust.pipeline.duplicates import find_duplicates
from newsclust.pipeline.embed import embed_articles
from newsclust.pipeline.extract import extract_articles
from newsclust.pipeline.feeds import fetch_feeds, fetch_lists, parse_feeds, plan_feeds, sync_feeds
from newsclust.pipeline.health import update_feed_health
from newsclust.pipeline.outlets import sync_outlets
from newsclust.pipeline.pages import fetch_pages
from newsclust.pipeline.pairs import count_archive_words, link_articles
from newsclust.pipeline.prune import prune
from newsclust.pipeline.quarantine import check_feed_anomalies
from newsclust.pipeline.rewrites import find_rewrites
from newsclust.pipeline.runner import Clock, night_clock, run_step
from newsclust.pipeline.search import index_articles
from newsclust.pipeline.stories import group_stories, sync_corrections
from newsclust.pipeline.topics import group_topics
from newsclust.store import Database
from newsclust.store import publish as publish_file

__all__ = [
    "Clock",
    "check",
    "check_feed_anomalies",
    "count_archive_words",
    "embed_articles",
    "extract_articles",
    "fetch_feeds",
    "fetch_lists",
    "fetch_pages",
    "find_duplicates",
    "find_rewrites",
    "group_stories",
    "group_topics",
    "index_articles",
    "link_articles",
    "mend_clock",
    "night_clock",
    "parse_feeds",
    "plan_feeds",
    "prune",
    "publish",
    "run_step",
    "sync_corrections",
    "sync_feeds",
    "sync_outlets",
    "update_feed_health",
]


def check(db: Database) -> Count:
    """Raise CheckError unless the stored rows agree with each other; done counts the checks that hold."""
    return Count(done=db.check_or_raise())


def publish(db: Database, target: Path) -> Count:
    """Replace the published file by one of what readers need of this night's."""
    publish_file(db, target)
    return Count(done=1)
