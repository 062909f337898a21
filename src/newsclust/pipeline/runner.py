"""How a step is performed: its clock, its batches, its failures and what a person sees of it."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from tqdm import tqdm

from newsclust.errors import ItemError, Reason, StepError
from newsclust.model import Count, Run
from newsclust.store import Database, runs

log = logging.getLogger("newsclust")
Clock = Callable[[], datetime]
Item = TypeVar("Item")
# Failures that speak of this machine or its network rather than of the item.
_OURS = {Reason.DNS_FAILED, Reason.CONNECTION_FAILED, Reason.TLS_FAILED, Reason.TIMEOUT, Reason.CRASHED}
ARTICLES_AT_ONCE = 512  # compared or embedded, and stored together
_TOO_FEW_TO_TELL = 4  # with fewer items, "over half failed" says nothing about the machine


def night_clock(night_at: datetime) -> Clock:
    """Return a clock that reads `night_at` now and goes on from there at the pace of this machine's."""
    begun = time.monotonic()
    return lambda: night_at + timedelta(seconds=time.monotonic() - begun)


def perform(db: Database, run: Run, clock: Clock, step: str, work: Callable[[], Count]) -> Count:
    """Do one step, store what it did and how long it took, and return the count; errors are stored and raised."""
    started_at, begun = clock(), time.monotonic()
    try:
        count = work()
    except Exception as error:
        seconds = time.monotonic() - begun
        said = str(error) or type(error).__name__
        runs.save_step(db, run, step, started_at=started_at, seconds=seconds, count=Count(), error=said)
        log.error("%s failed after %.1f s: %s", step, seconds, said)
        raise
    seconds = time.monotonic() - begun
    runs.save_step(db, run, step, started_at=started_at, seconds=seconds, count=count, error=None)
    log.info("%s: %d done, %d skipped, %d failed in %.1f s", step, count.done, count.skipped, count.failed, seconds)
    return count


def since(run: Run, days: float) -> datetime:
    """Return the moment so many days before the night."""
    return run.night_at - timedelta(days=days)


def save_failures(db: Database, run: Run, clock: Clock, step: str, failures: Sequence[tuple[str, ItemError]]) -> None:
    """Tell and store the items that failed, each with its id."""
    for _, error in failures:
        log.warning("%s: %s", step, error)
    runs.save_failures(db, run, step, failures, at=clock())


def raise_if_ours(step: str, errors: Sequence[ItemError], items: int) -> None:
    """Raise StepError when over half the items failed for reasons of ours: it is the network, not the feeds."""
    ours = [error for error in errors if error.reason in _OURS]
    if items >= _TOO_FEW_TO_TELL and 2 * len(ours) > items:
        raise StepError(f"{step}: {len(ours)} of {items} items failed on this side, for example {ours[0]}")


def batches(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Yield the ids in their order, `size` at a time."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def bar(step: str, total: int) -> "tqdm[None]":
    """Return a bar for a person at a terminal; silent in a log (disable=None)."""
    return tqdm(total=total, desc=step, disable=None, leave=False)
