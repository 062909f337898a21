"""Requests -> responses, stored as they arrive; an outage of this machine's own network is told as one trouble."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from newsclust.errors import FetchError, Reason, StepError
from newsclust.fetch import Fetcher
from newsclust.model import Count, Fetch, NoticeKind, Page, Request, Run
from newsclust.pipeline.runner import NETWORK_REASONS, log, points_here, progress_bar
from newsclust.store import Database, runs
from newsclust.store import fetches as store_fetches

_FETCH_BATCH_SIZE = 50  # stored together


def fetch_and_store(
    db: Database,
    run: Run,
    fetcher: Fetcher,
    step: str,
    requests: Sequence[Request],
    *,
    sends_on: Callable[[Page], str | None] = lambda _: None,
    is_vital: bool = True,
) -> tuple[Count, list[Request], list[Request]]:
    """Send the requests; return the counts, the requests that cross-origin redirects leave to send, those postponed.

    An outage of our own network ends a step that `is_vital`. A page for which `sends_on` gives an address is such a
    redirect to it, and is not stored. Failures that may be our own network's are logged at the end, when it is known
    whether they are.
    """
    done = skipped = failed = 0
    unsaved: list[Fetch] = []
    unreached: list[tuple[str, FetchError]] = []
    cross_origin: list[Request] = []
    postponed: list[Request] = []
    with progress_bar(step, len(requests)) as progress:
        for answer in fetcher.fetch(requests):
            if answer.error and answer.error.reason is Reason.POSTPONED:
                postponed.append(answer.request)
                continue  # nothing was sent; the caller says so
            target = sends_on(answer.page) if answer.page else None
            fetch = replace(answer, page=None, cross_origin_redirect=target) if target else answer
            unsaved.append(fetch)
            progress.update()
            if fetch.error:
                failed += 1
                if fetch.error.reason in NETWORK_REASONS:
                    unreached.append((fetch.request.item_id, fetch.error))
                else:
                    log.warning("%s: %s", step, fetch.error)
            elif fetch.page:
                done += 1
            elif fetch.cross_origin_redirect:
                cross_origin.append(replace(fetch.request, url=fetch.cross_origin_redirect))
            else:
                skipped += 1
            if len(unsaved) >= _FETCH_BATCH_SIZE:
                _save(db, run, step, unsaved)
                unsaved = []
    _save(db, run, step, unsaved)
    if (text := outage_notice(db, run, step, requests, unreached)) is not None:
        if is_vital:
            raise StepError(text)
        log.warning("%s", text)
        unreached.clear()
    for _, error in unreached:
        log.warning("%s: %s", step, error)
    return Count(done=done, skipped=skipped, failed=failed), cross_origin, postponed


def outage_notice(
    db: Database, run: Run, step: str, requests: Sequence[Request], unreached: Sequence[tuple[str, FetchError]]
) -> str | None:
    """Return what is said of an outage of this machine's network, None when there is none.

    It is one when over half the requests reached nobody: `unreached` has (item id, error) of each. Then they count as
    "offline", which no schedule, no health and no number of tries counts; a notice says so.
    """
    urls = {request.item_id: request.url for request in requests}
    if not points_here([urls[item_id] for item_id, _ in unreached], list(urls.values())):
        return None
    store_fetches.mark_offline(db, run, step, [item_id for item_id, _ in unreached], NETWORK_REASONS)
    reasons = Counter(error.reason.value for _, error in unreached)
    by_reason = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common())
    text = (
        f"{step}: this machine's network was away: {len(unreached)} of {len(requests)} requests reached nobody "
        f"({by_reason}; for example {unreached[0][1]}). Look at its connection, DNS, proxy and clock; "
        "no feed and no page is blamed, and the next night asks for all of them"
    )
    runs.save_notice(db, run, NoticeKind.NETWORK, text, replace=True)
    return text


def save_fetches(db: Database, run: Run, step: str, fetches: Sequence[Fetch]) -> None:
    """Store the requests with their responses, and log and store those that failed."""
    _save(db, run, step, fetches)
    for fetch in fetches:
        if fetch.error:
            log.warning("%s: %s", step, fetch.error)


def _save(db: Database, run: Run, step: str, fetches: Sequence[Fetch]) -> None:
    """Store the requests with their responses, and those that failed as failures."""
    store_fetches.save_fetches(db, run, fetches)
    failed = [(fetch.request.item_id, fetch.error) for fetch in fetches if fetch.error]
    if failed:
        runs.save_failures(db, run, step, failed, at=fetches[-1].requested_at)
