"""Download the pages behind entries, as far as robots.txt allows it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from newsclust.errors import FetchError, Reason
from newsclust.fetch import Fetcher, robots
from newsclust.fetch.refresh import refresh_target
from newsclust.model import Count, Fetch, NoticeKind, Request, Run
from newsclust.pipeline.feed_sites import confirm_sites
from newsclust.pipeline.fetching import fetch_and_store, outage_notice, save_fetches
from newsclust.pipeline.runner import NETWORK_REASONS, log, progress_bar
from newsclust.polling.page_budget import (
    DEFAULT_BUDGET,
    TIME_IS_UP,
    PageBudget,
    WaitingPage,
    WantedPage,
    affordable,
    start_within_s,
    waiting_sentence,
)
from newsclust.store import Database, runs
from newsclust.store import fetches as store_fetches
from newsclust.store import polling as schedules
from newsclust.store import robots as store_robots
from newsclust.urls import site_of

_HOME_PAGES_WITHIN_S = 60.0  # home pages, and their robots.txt, are asked within so long, or another night
_HOPS = 5  # origins, and pages that send on, over which one link may lead


def fetch_pages(
    db: Database, run: Run, fetcher: Fetcher, product: str = "newsclust", budget: PageBudget = DEFAULT_BUDGET
) -> Count:
    """Download the pages behind entries whose feed does not carry the text, as far as robots.txt allows it.

    `product` is the name by which a robots.txt calls us. A redirect to another origin is followed when the
    robots.txt of that one has been asked, too, and so is the address to which an almost empty page sends its readers
    on. Skipped counts the pages of sites that want no request yet, and those that wait for the next night since the
    `budget` is spent; a notice says which. Before that, the sites that feeds on other hosts seem to be of are asked
    whether they name the feed.
    """
    begun = time.monotonic()
    confirm_sites(db, run, fetcher, lambda asked: _allowed(db, run, fetcher, product, asked))
    todo = store_fetches.pages_to_fetch(db)
    closed = schedules.blocked_sites(db, run.night_at)
    feed_urls = {page.request.item_id: page.feed_url for page in todo}
    open_pages = [page for page in todo if page.site not in closed]
    chosen, waiting = affordable(open_pages, budget)
    asked = [page.request for page in chosen]
    total = Count(skipped=len(todo) - len(open_pages))
    for _ in range(_HOPS):
        if not asked:
            break
        within_s = start_within_s(budget, 60 * budget.night_minutes - (time.monotonic() - begun))
        rules, offline = _rules(db, run, fetcher, product, asked, within_s)
        total += Count(skipped=sum(robots.origin_of(request.url) in offline for request in asked))
        asked = [request for request in asked if robots.origin_of(request.url) not in offline]
        allowed, refused = _judged([request for request in asked if robots.origin_of(request.url) in rules], rules)
        save_fetches(db, run, "fetch_pages", [Fetch.not_made(*pair, run.night_at) for pair in refused])
        pages = [
            WantedPage(request=replace(request, start_within_s=within_s), feed_url=feed_urls[request.item_id])
            for request in allowed
        ]
        in_time, too_slow = affordable(pages, budget)
        count, onward, late = fetch_and_store(
            db,
            run,
            fetcher,
            "fetch_pages",
            [page.request for page in in_time],
            sends_on=refresh_target,
            is_vital=False,  # strangers' links decide which hosts are asked: none of them ends the night
        )
        total += count + Count(failed=len(refused))
        unknown = [request for request in asked if robots.origin_of(request.url) not in rules]
        waiting += [*too_slow, *(WaitingPage(request=one, bound=TIME_IS_UP) for one in (*unknown, *late))]
        asked = onward
    lost = [FetchError(request.url, Reason.TOO_MANY_REDIRECTS, f"over {_HOPS} sites or pages") for request in asked]
    save_fetches(
        db, run, "fetch_pages", [Fetch.not_made(*pair, run.night_at) for pair in zip(asked, lost, strict=True)]
    )
    if waiting:
        runs.save_notice(db, run, NoticeKind.BUDGET, waiting_sentence(waiting), replace=True)
        log.warning("fetch_pages: %s", waiting_sentence(waiting))
    return total + Count(skipped=len(waiting), failed=len(lost))


def _rules(
    db: Database, run: Run, fetcher: Fetcher, product: str, requests: Sequence[Request], within_s: float
) -> tuple[dict[str, robots.RobotsRules], set[str]]:
    """Return the rules of each origin that the requests lead to, as far as the time allows it to ask for them.

    A robots.txt seen today is not requested again. With them the origins that an outage of our own network kept from
    being asked: nothing is known of those.
    """
    origins = sorted({robots.origin_of(request.url) for request in requests})
    files = store_robots.robots_files(db, origins)
    private_sites = {
        robots.origin_of(one.url): one.private_site for one in requests if one.private_site == site_of(one.url)
    }
    todo = [
        replace(robots.robots_request(origin), start_within_s=within_s, private_site=private_sites.get(origin, ""))
        for origin in origins
        if origin not in files or not robots.is_current(files[origin], run.night_at)
    ]
    with progress_bar("robots.txt", len(todo)) as progress:
        fetches = []
        for fetch in fetcher.fetch(todo):
            progress.update()
            if fetch.error is None or fetch.error.reason is not Reason.POSTPONED:
                fetches.append(fetch)
    store_fetches.save_fetches(db, run, fetches)
    unreached = [
        (fetch.request.item_id, fetch.error)
        for fetch in fetches
        if fetch.error and fetch.error.reason in NETWORK_REASONS
    ]
    offline: set[str] = set()
    if (text := outage_notice(db, run, "fetch_pages", todo, unreached)) is not None:
        log.warning("%s", text)
        offline = {item_id for item_id, _ in unreached} - files.keys()
    read = [
        robots.robots_file_from(fetch, files.get(fetch.request.item_id))
        for fetch in fetches
        if fetch.request.item_id not in offline
    ]
    store_robots.save_robots(db, run, read)
    files |= {file.origin: file for file in read}
    return {origin: robots.RobotsRules(file, product) for origin, file in files.items()}, offline


def _allowed(
    db: Database, run: Run, fetcher: Fetcher, product: str, requests: Sequence[Request]
) -> tuple[list[Request], list[Request]]:
    """Return the requests to make now, and those that robots.txt or the site's wish for a pause refuses."""
    closed = schedules.blocked_sites(db, run.night_at)
    asked = [request for request in requests if site_of(request.url) not in closed]
    rules = _rules(db, run, fetcher, product, asked, _HOME_PAGES_WITHIN_S)[0] if asked else {}
    allowed, _ = _judged([request for request in asked if robots.origin_of(request.url) in rules], rules)
    chosen = {request.item_id for request in allowed}
    in_time = [replace(request, start_within_s=_HOME_PAGES_WITHIN_S) for request in allowed]
    return in_time, [request for request in requests if request.item_id not in chosen]


def _judged(
    requests: Sequence[Request], rules: Mapping[str, robots.RobotsRules]
) -> tuple[list[Request], list[tuple[Request, FetchError]]]:
    """Return the requests that robots.txt allows, at the pace it asks for, and the others with the reason."""
    allowed, refused = [], []
    for request in requests:
        rule = rules[robots.origin_of(request.url)]
        error = rule.refusal(request.url)
        if error is None:
            allowed.append(replace(request, pause_s=rule.pause_s, within_origin=True))
        else:
            refused.append((request, error))
    return allowed, refused
