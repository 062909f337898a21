"""Requests -> answers, stored as they come."""

from collections.abc import Sequence
from dataclasses import replace

from newsclust.errors import ItemError
from newsclust.fetch import Fetcher
from newsclust.model import Count, Fetch, Request, Run
from newsclust.pipeline.runner import bar, log, raise_if_ours
from newsclust.store import Database, runs
from newsclust.store import fetches as store_fetches

_FETCHES_AT_ONCE = 50  # stored together


def ask(
    db: Database, run: Run, fetcher: Fetcher, step: str, requests: Sequence[Request]
) -> tuple[Count, list[Request]]:
    """Make the requests; return what came of them, and the requests that redirects to other origins leave to make."""
    done = skipped = 0
    errors: list[ItemError] = []
    waiting: list[Fetch] = []
    onward: list[Request] = []
    with bar(step, len(requests)) as progress:
        for fetch in fetcher.fetch(requests):
            waiting.append(fetch)
            progress.update()
            if fetch.error:
                errors.append(fetch.error)
            elif fetch.page:
                done += 1
            elif fetch.onward:
                onward.append(replace(fetch.request, url=fetch.onward))
            else:
                skipped += 1
            if len(waiting) >= _FETCHES_AT_ONCE:
                keep(db, run, step, waiting)
                waiting = []
    keep(db, run, step, waiting)
    raise_if_ours(step, errors, len(requests))
    return Count(done=done, skipped=skipped, failed=len(errors)), onward


def keep(db: Database, run: Run, step: str, fetches: Sequence[Fetch]) -> None:
    """Store the requests with what they brought; those that failed are told, too."""
    store_fetches.save_fetches(db, run, fetches)
    failed = [(fetch.request.item_id, fetch.error) for fetch in fetches if fetch.error]
    for _, error in failed:
        log.warning("%s: %s", step, error)
    if failed:
        runs.save_failures(db, run, step, failed, at=fetches[-1].requested_at)
