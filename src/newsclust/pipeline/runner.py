"""How a step runs: its clock, its batches, its failures and its progress bar."""

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from tqdm import tqdm

from newsclust.clock import TOLERANCE
from newsclust.errors import ItemError, Reason, StepError, StepOverBudgetError
from newsclust.model import Count, NoticeKind, Run
from newsclust.store import Database, runs
from newsclust.urls import site_of

log = logging.getLogger("newsclust")
Clock = Callable[[], datetime]
# Failures that point at this machine's network, or at the machine, rather than at the item.
NETWORK_REASONS = {Reason.DNS_FAILED, Reason.CONNECTION_FAILED, Reason.TLS_FAILED, Reason.TIMEOUT}
_SYSTEMIC_REASONS = {*NETWORK_REASONS, Reason.CRASHED}
ARTICLE_BATCH_SIZE = 512  # articles compared or embedded, and stored together
_MIN_ITEMS = 4  # with fewer, "over half failed" says nothing about the machine


def night_clock(night_at: datetime) -> Clock:
    """Return a clock that starts at `night_at` and advances with this machine's monotonic clock."""
    start = time.monotonic()
    return lambda: night_at + timedelta(seconds=time.monotonic() - start)


def run_step(
    db: Database, run: Run, clock: Clock, step: str, work: Callable[[], Count], *, limit_s: float | None = None
) -> Count:
    """Run one step, store its counts and duration, and return the counts; an error is stored and raised.

    A step that takes longer than `limit_s` seconds ends with StepOverBudgetError.
    """
    started_at, start = clock(), time.monotonic()
    try:
        with _time_limit(db, step, limit_s):
            count = work()
    except Exception as error:
        seconds = time.monotonic() - start
        message = str(error) or type(error).__name__
        runs.save_step(db, run, step, started_at=started_at, seconds=seconds, count=Count(), error=message)
        log.error("%s failed after %.1f s: %s", step, seconds, message)
        raise
    seconds = time.monotonic() - start
    runs.save_step(db, run, step, started_at=started_at, seconds=seconds, count=count, error=None)
    log.info("%s: %d done, %d skipped, %d failed in %.1f s", step, count.done, count.skipped, count.failed, seconds)
    return count


@contextmanager
def _time_limit(db: Database, step: str, limit_s: float | None) -> Iterator[None]:
    """Raise StepOverBudgetError in what runs inside when it takes longer: by a signal, so in a main thread alone."""
    if limit_s is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    error = StepOverBudgetError(f"{step}: not done within {limit_s / 60:g} minutes ([night] max_step_minutes)")
    is_over = False

    def over(*_: object) -> None:
        nonlocal is_over
        is_over = True
        # Else its threads go on with the query, and the next one on the connection waits for them for ever.
        db.connection.interrupt()
        raise error

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        yield
    except Exception as raised:
        if is_over and raised is not error:  # DuckDB makes "Query interrupted" of what a signal raises in it
            raise error from raised
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def since(run: Run, days: float) -> datetime:
    """Return the moment that many days before the night."""
    return run.night_at - timedelta(days=days)


def latest_moment(run: Run) -> datetime:
    """Return the moment after which everything lies in the future, for a night that was named by hand, too."""
    return max(run.night_at, run.started_at) + TOLERANCE


def save_failures(db: Database, run: Run, clock: Clock, step: str, failures: Sequence[tuple[str, ItemError]]) -> None:
    """Log and store the items that failed, each with its id."""
    for _, error in failures:
        log.warning("%s: %s", step, error)
    runs.save_failures(db, run, step, failures, at=clock())


def points_here(failed: Sequence[str], urls: Sequence[str]) -> bool:
    """Return whether failures point at this machine: over half of four addresses or more, not all of one site.

    A single site that fails while there are others is no trouble of ours, however many of its pages a feed names.
    """
    if len(urls) < _MIN_ITEMS or 2 * len(failed) <= len(urls):
        return False
    sites = set(map(site_of, failed))
    return len(sites) > 1 or sites == set(map(site_of, urls))


def raise_on_systemic_failure(step: str, errors: Sequence[ItemError], urls: Sequence[str]) -> None:
    """Raise StepError when over half the items failed for systemic reasons: the machine, not the items.

    `urls` are the addresses of all items, which errors name, too.
    """
    systemic = [error for error in errors if error.reason in _SYSTEMIC_REASONS]
    if points_here([error.item for error in systemic], urls):
        share = f"{len(systemic)} of {len(urls)} items"
        raise StepError(f"{step}: {share} failed on this side, for example {systemic[0]}")


def batches(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Yield the ids in their order, `size` at a time."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def progress_bar(step: str, total: int) -> "tqdm[None]":
    """Return a progress bar for a terminal; it writes nothing into a log (disable=None)."""
    return tqdm(total=total, desc=step, disable=None, leave=False)


def tell_set_aside(db: Database, run: Run, step: str, error: ItemError) -> None:
    """Store a notice of a document with which an earlier night broke, and that is left alone from now on."""
    text = f"{step}: an earlier night ended while {error.item} was read: it is set aside until it changes."
    runs.save_notice(db, run, NoticeKind.SET_ASIDE, text)
