"""Publishers that articles name, and lists of outlets -> who each publisher is."""

from collections.abc import Sequence

from newsclust.model import Count, Run
from newsclust.outlets import Outlet, outlets_of
from newsclust.store import Database
from newsclust.store import outlets as store_outlets


def sync_outlets(db: Database, run: Run, listed: Sequence[Outlet]) -> Count:
    """Store who each publisher is, of those listed and those that articles name; done counts what differs."""
    outlets = outlets_of(store_outlets.seen_publishers(db), listed, store_outlets.feed_titles(db))
    changed, same = store_outlets.save_outlets(db, run, outlets)
    return Count(done=changed, skipped=same)
