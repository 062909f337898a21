"""Which sites a feed seems to be of, and whether a page of such a site names it as its own. Pure.

Many feeds stand on a host of their own (FeedBurner's, a content network's), and any feed may say whose it is. A site
says so itself by `<link rel="alternate">` in its pages, where no reader of it can write.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from newsclust.model import Feed, Page
from newsclust.sources.feed_links import feed_links
from newsclust.urls import HIDDEN, canonical, known_publisher

_MIN_ENTRIES = 3  # of one site, over half of what a feed shows, from which it seems to be that site's
_CHECK_AGAIN = timedelta(days=7)
_CONFIRM_AGAIN = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFeed:
    """A feed, where it stands, and what it says and shows."""

    feed_id: str
    addresses: tuple[str, ...]  # as listed, as moved, and where its last document came from
    site_url: str | None  # what a list or the feed calls its site
    links: Mapping[str, int]  # one link to each host -> how many entries lead there


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteCheck:
    """That a page of a site was asked whether it names a feed."""

    feed_id: str
    site: str
    is_confirmed: bool
    checked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteClaim:
    """A site that a feed seems to be of, and the page to ask."""

    feed_id: str
    site: str
    page_url: str
    addresses: tuple[str, ...]


def is_own_account(feed: Feed) -> bool:
    """Return whether a feed is asked with a secret: it is a person's own account, and what it says it read it did."""
    return feed.token_env is not None or HIDDEN in feed.url


def is_of_site(site_url: str, *feed_urls: str) -> bool:
    """Return whether a feed at these addresses stands on the site."""
    site = known_publisher(site_url)
    return site is not None and site in map(known_publisher, feed_urls)


def claims_to_check(feeds: Sequence[KnownFeed], checks: Collection[SiteCheck], now: datetime) -> list[SiteClaim]:
    """Return the sites to ask now: those never asked, a week after a no, a month after a yes."""
    checked = {(check.feed_id, check.site): check for check in checks}
    claims = [claim for feed in feeds for claim in _claims(feed)]
    return [claim for claim in claims if _is_due(checked.get((claim.feed_id, claim.site)), now)]


def names_feed(page: Page, claim: SiteClaim) -> bool:
    """Return whether a page of the claimed site names the feed in <link rel="alternate">."""
    if known_publisher(page.final_url) != claim.site:
        return False
    addresses = {_key(address) for address in claim.addresses}
    return any(_key(link.url) in addresses for link in feed_links(page))


def _claims(feed: KnownFeed) -> list[SiteClaim]:
    own = {known_publisher(address) for address in feed.addresses}
    shown: dict[str, int] = {}
    first: dict[str, str] = {}
    for link, entries in sorted(feed.links.items()):
        if (site := known_publisher(link)) is not None:
            shown[site] = shown.get(site, 0) + entries
            first.setdefault(site, link)
    pages = {
        site: _home(first[site])
        for site, entries in shown.items()
        if entries >= _MIN_ENTRIES and entries * 2 > sum(shown.values())
    }
    if feed.site_url is not None and (site := known_publisher(feed.site_url)) is not None:
        pages[site] = feed.site_url
    return [
        SiteClaim(feed_id=feed.feed_id, site=site, page_url=page_url, addresses=feed.addresses)
        for site, page_url in sorted(pages.items())
        if site not in own
    ]


def _is_due(check: SiteCheck | None, now: datetime) -> bool:
    return check is None or now >= check.checked_at + (_CONFIRM_AGAIN if check.is_confirmed else _CHECK_AGAIN)


def _home(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/"


def _key(url: str) -> str:
    """Return what two spellings of one feed's address share: hosts of feeds answer in any capitals."""
    return canonical(url).casefold()
