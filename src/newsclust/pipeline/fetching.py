"""Requests -> responses, stored as they arrive."""

from collections.abc import Sequence
from dataclasses import replace

from newsclust.errors import ItemError
from newsclust.fetch import Fetcher
from newsclust.model import Count, Fetch, Request, Run
from newsclust.pipeline.runner import log, progress_bar, raise_on_systemic_failure
from newsclust.store import Database, runs
from newsclust.store import fetches as store_fetches

_FETCH_BATCH_SIZE = 50  # stored together


def fetch_and_store(
    db: Database, run: Run, fetcher: Fetcher, step: str, requests: Sequence[Request]
) -> tuple[Count, list[Request]]:
    """Send the requests; return the counts, and the requests that cross-origin redirects leave to send."""
    done = skipped = 0
    errors: list[ItemError] = []
    unsaved: list[Fetch] = []
    cross_origin: list[Request] = []
    with progress_bar(step, len(requests)) as progress:
        for fetch in fetcher.fetch(requests):
            unsaved.append(fetch)
            progress.update()
            if fetch.error:
                errors.append(fetch.error)
            elif fetch.page:
                done += 1
            elif fetch.cross_origin_redirect:
                cross_origin.append(replace(fetch.request, url=fetch.cross_origin_redirect))
            else:
                skipped += 1
            if len(unsaved) >= _FETCH_BATCH_SIZE:
                save_fetches(db, run, step, unsaved)
                unsaved = []
    save_fetches(db, run, step, unsaved)
    raise_on_systemic_failure(step, errors, len(requests))
    return Count(done=done, skipped=skipped, failed=len(errors)), cross_origin


def save_fetches(db: Database, run: Run, step: str, fetches: Sequence[Fetch]) -> None:
    """Store the requests with their responses, and log and store those that failed."""
    store_fetches.save_fetches(db, run, fetches)
    failed = [(fetch.request.item_id, fetch.error) for fetch in fetches if fetch.error]
    for _, error in failed:
        log.warning("%s: %s", step, error)
    if failed:
        runs.save_failures(db, run, step, failed, at=fetches[-1].requested_at)
