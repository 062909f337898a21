"""The archive -> the archive without what is heavy and old: each row stays and says what it lost."""

from datetime import datetime, timedelta

from newsclust.errors import StoreError
from newsclust.model import Count, RetentionLimits, Run
from newsclust.pipeline.runner import log
from newsclust.store import Database, articles, compaction, retention


def prune(db: Database, run: Run, limits: RetentionLimits, model: str) -> Count:
    """Drop what is older than the limits, and the vectors of other models; done counts what lost something.

    A working file that is then largely free room is rebuilt. Time counts up to a day after the last good night: a
    clock that has jumped ahead drops nothing the first time, and a machine that was off drops it a night later.
    """
    earlier = retention.latest_earlier_night(db, run)
    now = run.night_at if earlier is None else min(run.night_at, earlier + timedelta(days=1))

    def before(days: float) -> datetime:
        return now - timedelta(days=days)

    reason = f"retention.page_days = {limits.pages:g}"
    done = retention.drop_pages(db, run, before=before(limits.pages), reason=reason)
    done += retention.drop_entries(db, run, before=before(limits.pages), reason=reason)
    done += retention.drop_requests(db, run, before=before(limits.requests))
    for name, days, drop in (
        ("article", limits.articles, retention.drop_texts),
        ("vector", limits.vectors, retention.drop_vectors),
        ("story", limits.stories, retention.drop_evidence),
    ):
        if days is not None:
            done += drop(db, run, before=before(days), reason=f"retention.{name}_months: {days:.0f} days")
    if lost := articles.drop_vectors_of_other_models(db, model):
        log.warning("prune: %d articles had vectors of other models only (newsclust embed --all)", lost)
    try:
        if saved := compaction.compact(db):
            log.info("prune: the working file was rebuilt and is %d MB smaller", saved // 1_000_000)
    except StoreError as error:  # the file is as it was: the night goes on
        log.warning("prune: %s", error)
    return Count(done=done)
