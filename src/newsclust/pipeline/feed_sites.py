"""Sites that feeds on other hosts seem to be of -> whether their pages name the feed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from newsclust.errors import ParseError, Reason
from newsclust.fetch import Fetcher
from newsclust.isolation import IsolatedPool
from newsclust.model import Fetch, Page, Request, RequestKind, Run
from newsclust.pipeline.runner import log
from newsclust.sources.feed_sites import SiteClaim, claims_to_check
from newsclust.store import Database, feed_sites
from newsclust.store import fetches as store_fetches

_MOST_CLAIMS = 40  # of a night: the others are asked the next one
_MOST_PAGES = 2  # stored ones of a feed, looked at before its site is asked
_MOST_ORIGINS = 3  # that the redirects of one home page may lead over
_PAGE_TIMEOUT_S = 10
_PAGE_MEMORY = 1_000_000_000

Judge = Callable[[Sequence[Request]], tuple[list[Request], list[Request]]]


def confirm_sites(db: Database, run: Run, fetcher: Fetcher, judge: Judge) -> None:
    """Find out which sites name the feeds that seem to be theirs; only of those does a feed speak.

    Pages of the site that were downloaded before are read first, then its home page is asked once. `judge` parts
    requests into those that robots.txt allows and the others.
    """
    checks = feed_sites.site_checks(db)
    claims = claims_to_check(feed_sites.known_feeds(db, run), checks, run.night_at)[:_MOST_CLAIMS]
    if not claims:
        return
    pool: IsolatedPool[bool, ParseError] = IsolatedPool(
        "newsclust.sources.feed_sites:names_feed",
        error=ParseError,
        workers=1,
        timeout_s=_PAGE_TIMEOUT_S,
        memory_bytes=_PAGE_MEMORY,
    )
    with pool:

        def names(page: Page, claim: SiteClaim) -> bool:
            return pool.result(pool.submit(page.final_url, page, claim)) is True

        found: dict[SiteClaim, tuple[bool, str]] = {}
        for claim in claims:
            ids = feed_sites.pages_of(db, claim, most=_MOST_PAGES)
            naming = (page for _, page in store_fetches.stored_pages(db, RequestKind.PAGE, ids) if names(page, claim))
            if (page := next(naming, None)) is not None:
                found[claim] = True, f"the page {page.final_url} names the feed"
        confirmed = {(check.feed_id, check.site) for check in checks if check.is_confirmed}
        asked = [claim for claim in claims if claim not in found]
        homes = _home_pages(db, run, fetcher, judge, asked)
        for claim in asked:
            home = homes.get(claim.page_url)
            if isinstance(home, Page):
                is_named = names(home, claim)
                found[claim] = (
                    is_named,
                    f"the page {home.final_url} {'names' if is_named else 'does not name'} the feed",
                )
            elif home is not None:
                found[claim] = (claim.feed_id, claim.site) in confirmed, home  # a page that is away says nothing new
    feed_sites.save_site_checks(db, run, found)
    for claim, (is_confirmed, why) in found.items():
        log.info(
            "feed %s %s for %s: %s",
            claim.addresses[0],
            "speaks" if is_confirmed else "does not speak",
            claim.site,
            why,
        )


def _home_pages(
    db: Database, run: Run, fetcher: Fetcher, judge: Judge, claims: Sequence[SiteClaim]
) -> Mapping[str, Page | str]:
    """Return the home page of each claim, or why there is none, by the address asked."""
    addresses = sorted({claim.page_url for claim in claims})
    asked = [Request(url=url, kind=RequestKind.SITE, item_id=url) for url in addresses]
    answers: dict[str, Page | str] = {}
    for _ in range(_MOST_ORIGINS):
        if not asked:
            break
        allowed, refused = judge(asked)
        answers |= {request.item_id: "robots.txt does not allow the page" for request in refused}
        fetches: list[Fetch] = list(fetcher.fetch(allowed))
        store_fetches.save_fetches(db, run, fetches)
        asked = []
        for fetch in fetches:
            if fetch.cross_origin_redirect:
                asked.append(replace(fetch.request, url=fetch.cross_origin_redirect))
            elif fetch.error is None or fetch.error.reason is not Reason.POSTPONED:
                answers[fetch.request.item_id] = fetch.page or str(
                    fetch.error or f"HTTP {fetch.status} without a page"
                )
    return answers
