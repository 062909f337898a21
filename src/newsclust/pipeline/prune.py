"""The archive -> the archive without what is heavy and old: each row stays and says what it lost."""

from datetime import datetime, timedelta

from newsclust.errors import StoreError
from newsclust.model import Count, RetentionLimits, Run
from newsclust.pipeline.runner import log
from newsclust.store import Database, articles, compaction, retention

_NIGHTS = 7  # for a week


def prune(db: Database, run: Run, limits: RetentionLimits, model: str) -> Count:
    """Drop what is older than the limits, and the vectors of other models; done counts what lost something.

    A working file that is then largely free room is rebuilt. Time counts by the nights that were lived, seven of them
    for a week at most: neither a clock that has jumped ahead nor a machine that was off drops a year at once.
    """
    earlier = retention.earlier_night(db, run, back=_NIGHTS)
    done = 0 if earlier is None else _drop(db, run, limits, min(run.night_at, earlier + timedelta(days=_NIGHTS)))
    if lost := articles.drop_vectors_of_other_models(db, model):
        log.warning("prune: %d articles had vectors of other models only (newsclust embed --all)", lost)
    try:
        if saved := compaction.compact(db):
            log.info("prune: the working file was rebuilt and is %d MB smaller", saved // 1_000_000)
    except StoreError as error:  # the file is as it was: the night goes on
        log.warning("prune: %s", error)
    return Count(done=done)


def _drop(db: Database, run: Run, limits: RetentionLimits, now: datetime) -> int:
    """Drop what is older than the limits, reckoned from `now`; return how many rows lost something."""

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
    return done
