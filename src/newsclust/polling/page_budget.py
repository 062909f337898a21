"""How many pages a night downloads, of a site, for a feed and in all, and for how long: the newest first.

A feed that links to 3,000 pages of a site with a Crawl-delay of 30 seconds would make a night of 25 hours. What does
not fit waits for the next night.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from newsclust.model import Request
from newsclust.urls import site_of

TIME_IS_UP = "the time for a site, a feed or the night"
_MOST_NAMED = 3  # sites or feeds in the sentence on what waits


@dataclass(frozen=True, slots=True, kw_only=True)
class PageBudget:
    """Bounds that a person sets, each for one night; minutes count from the first request for a page."""

    site_pages: int = 1_000
    feed_pages: int = 1_000
    night_pages: int = 20_000
    site_minutes: float = 60
    feed_minutes: float = 60
    night_minutes: float = 240


DEFAULT_BUDGET = PageBudget()


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedPage:
    """A page to download, and the feed whose entry links to it."""

    request: Request
    feed_url: str

    @property
    def site(self) -> str:
        """Return the site that it costs time."""
        return site_of(self.request.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingPage:
    """A page that waits for the next night, and the bound that it met: "site.example (60 minutes)"."""

    request: Request
    bound: str


@dataclass(slots=True, kw_only=True)
class _Spent:
    pages: Counter[str] = field(default_factory=Counter)
    pauses_s: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))


def affordable(wanted: Sequence[WantedPage], budget: PageBudget) -> tuple[list[WantedPage], list[WaitingPage]]:
    """Return the pages that fit into the budget, taken in their order, and those that wait.

    The time of a page is the pause that its site asks for, as far as it is known; how long answers take shows only
    when they are asked (`Request.start_within_s`).
    """
    sites, feeds = _Spent(), _Spent()
    chosen: list[WantedPage] = []
    waiting: list[WaitingPage] = []
    for page in wanted:
        bound = next(_met(page, sites, feeds, len(chosen), budget), None)
        if bound is not None:
            waiting.append(WaitingPage(request=page.request, bound=bound))
            continue  # it is said in the night's notice
        chosen.append(page)
        for spent, name in ((sites, page.site), (feeds, page.feed_url)):
            spent.pages[name] += 1
            spent.pauses_s[name] += page.request.pause_s
    return chosen, waiting


def _met(page: WantedPage, sites: _Spent, feeds: _Spent, chosen: int, budget: PageBudget) -> Iterator[str]:
    """Yield the bounds at which there is no room for the page."""
    if chosen >= budget.night_pages:
        yield f"the night ({budget.night_pages:,} pages)"
    for spent, name, pages, minutes in (
        (sites, page.site, budget.site_pages, budget.site_minutes),
        (feeds, page.feed_url, budget.feed_pages, budget.feed_minutes),
    ):
        if spent.pages[name] >= pages:
            yield f"{name} ({pages:,} pages)"
        if spent.pauses_s[name] + page.request.pause_s > 60 * minutes:
            yield f"{name} ({minutes:g} minutes)"


def start_within_s(budget: PageBudget, night_left_s: float) -> float:
    """Return the seconds after which no further page is requested, of a site that answers slowly, too."""
    return min(60 * budget.site_minutes, 60 * budget.feed_minutes, night_left_s)


def waiting_sentence(waiting: Sequence[WaitingPage]) -> str:
    """Return what a person should know of the pages that wait."""
    bounds = Counter(page.bound for page in waiting)
    named = ", ".join(f"{bound} {pages:,}" for bound, pages in bounds.most_common(_MOST_NAMED))
    more = f" and {len(bounds) - _MOST_NAMED} more" if len(bounds) > _MOST_NAMED else ""
    return (
        f"{len(waiting):,} pages wait for the next night, the newest went first; "
        f"the bounds of [polling] that they met: {named}{more}."
    )
