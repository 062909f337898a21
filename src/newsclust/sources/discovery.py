"""Discovery: what stands behind an address that a person has, be it a source, a list, or a page that names feeds."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from newsclust.errors import FetchError, ParseError, Reason, SettingsError
from newsclust.fetch import Fetcher
from newsclust.fetch.robots import origin_of, robots_request, sitemaps_of
from newsclust.model import DEFAULT_KIND, Feed, FeedList, Page, ParsedFeed, Request, RequestKind, id_of
from newsclust.sources.entries import parse_feed
from newsclust.sources.feed_links import WELL_KNOWN, FeedLink, feed_links, without_other_formats
from newsclust.sources.feed_sites import is_of_site
from newsclust.sources.feeds_toml import secret_urls
from newsclust.sources.fetching import SourceFetcher
from newsclust.sources.opml import OpmlFeeds, read_opml
from newsclust.sources.registry import matching_kind, source_of
from newsclust.sources.sitemap import is_news_address, sitemaps_in
from newsclust.sources.validators import without_feed_scheme
from newsclust.text.sanitize import one_line
from newsclust.urls import canonical, redacted, site_of

_TITLE_CHARACTERS = 120
_MOST_SITEMAPS = 3  # of those that a site names, requested before the answer is that there is no feed
_SITEMAP = "sitemap"  # the kind of source to which robots.txt and indexes of sitemaps lead


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFeed:
    """One feed, as it would be listed, and what it holds now; `how` says what it is or how it was found."""

    feed: Feed
    parsed: ParsedFeed
    how: str
    answered_at: str  # where redirects led, credentials hidden
    others: tuple[FeedLink, ...] = ()  # that the page names besides


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundList:
    """An OPML list of feeds, and what it names now."""

    list: FeedList
    opml: OpmlFeeds


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSeveral:
    """A page that names several feeds; the person chooses."""

    links: tuple[FeedLink, ...]


Discovery = FoundFeed | FoundList | FoundSeveral


@dataclass(frozen=True, slots=True, kw_only=True)
class _World:
    """What discovery needs of the outside world."""

    fetcher: Fetcher
    read: Callable[[Feed, Page], ParsedFeed]
    clock: Callable[[], datetime]
    environment: Mapping[str, str]
    site: str  # of the address that a person typed


def discover(
    feed: Feed,
    fetcher: Fetcher,
    *,
    read: Callable[[Feed, Page], ParsedFeed] = parse_feed,
    clock: Callable[[], datetime],
    environment: Mapping[str, str] = os.environ,
) -> Discovery:
    """Return what answers at `feed.url`, read as `feed.kind`; the default kind stands for any.

    Of a page, the feeds that it names are requested; those at the usual addresses only when it names none, one
    after another. No address is requested twice. SettingsError, naming address and reason, when no feed is found.
    """
    world = _World(fetcher=fetcher, read=read, clock=clock, environment=environment, site=site_of(feed.url))
    try:
        page = _page(feed, world)
        if feed.kind != DEFAULT_KIND:
            return _parsed(feed, page, world, source_of(feed.kind).description)
        return _recognised(feed, page, world)
    except (FetchError, ParseError) as error:
        raise SettingsError(str(error)) from error


def new_feed(url: str, *, kind: str = DEFAULT_KIND) -> Feed:
    """Return a feed of this kind at the address that its kind polls; SettingsError when it is no address."""
    written = source_of(kind).poll_url(without_feed_scheme(url))
    try:
        feed_id = id_of(canonical(written))
    except ValueError as error:
        raise SettingsError(redacted(str(error))) from error
    shown = redacted(written)
    return Feed(
        id=feed_id,
        url=shown,
        title=urlsplit(shown).netloc.rpartition("@")[2],
        kind=kind,
        written_url=None if shown == written else written,
    )


def _recognised(feed: Feed, page: Page, world: _World) -> Discovery:
    if _is_opml(page.body):
        listed = FeedList(id=id_of("list", canonical(feed.url)), url=feed.url, written_url=feed.written_url)
        return FoundList(list=listed, opml=read_opml(page.body))
    kind = matching_kind(feed.url, page)
    if kind == _SITEMAP:
        return _sitemap_feed(feed, page, world)
    if kind is None or source_of(kind).options:  # what a kind needs besides the address, only a person can say
        kind = DEFAULT_KIND
    found = replace(feed, kind=kind)
    try:
        return _parsed(found, page, world, source_of(found.kind).description)
    except ParseError as error:
        if error.reason not in {Reason.HTML_NOT_FEED, Reason.NOT_A_FEED}:
            raise
        links = [link for link in feed_links(page) if id_of(canonical(link.url)) != feed.id]
        if not links:
            return _at_well_known_address(feed, page, world, error)
    chosen = without_other_formats([link for link in links if not link.of_comments] or links)
    if len(chosen) > 1:
        return FoundSeveral(links=chosen)
    how = f"the feed that the page {page.final_url} names"
    others = tuple(link for link in links if link is not chosen[0])
    return replace(_feed_behind(chosen[0], feed, page, world), how=how, others=others)


def discover_links(
    links: Sequence[FeedLink],
    feed: Feed,
    fetcher: Fetcher,
    *,
    read: Callable[[Feed, Page], ParsedFeed] = parse_feed,
    clock: Callable[[], datetime],
) -> "DiscoveredLinks":
    """Return the feeds behind the links that the page at `feed.url` names, each requested once."""
    world = _World(fetcher=fetcher, read=read, clock=clock, environment={}, site=site_of(feed.url))
    found: list[FoundFeed] = []
    problems: list[str] = []
    for link in links:
        try:
            found.append(_feed_behind(link, feed, None, world))
        except (FetchError, ParseError) as error:
            problems.append(str(error))
    return DiscoveredLinks(found=tuple(found), problems=tuple(problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoveredLinks:
    """The feeds behind some links, and one sentence for each link behind which there is none."""

    found: tuple[FoundFeed, ...]
    problems: tuple[str, ...]


def _at_well_known_address(feed: Feed, page: Page, world: _World, error: ParseError) -> FoundFeed:
    """Return the feed at one of the addresses where sites have it; the ParseError of the page when there is none."""
    if error.reason is not Reason.HTML_NOT_FEED:
        raise error
    for path in WELL_KNOWN:
        link = FeedLink(url=urljoin(page.final_url, path), title="")
        try:
            return replace(_feed_behind(link, feed, page, world), how=f"a feed that {page.final_url} does not name")
        except (FetchError, ParseError):
            continue  # there is no feed at this address, which is usual
    if (found := _sitemap_of_robots(feed, page, world)) is not None:
        return found
    tried = ", ".join(WELL_KNOWN)
    raise ParseError(
        feed.url,
        Reason.HTML_NOT_FEED,
        f"the page names no feed, and there is none at {tried}; --select reads its links",
    )


def _sitemap_of_robots(feed: Feed, page: Page, world: _World) -> FoundFeed | None:
    """Return the first news sitemap to which the site's robots.txt leads; None when it leads to none."""
    (fetch,) = world.fetcher.fetch([robots_request(origin_of(page.final_url))])
    if fetch.page is None:
        return None
    addresses = sorted(sitemaps_of(fetch.page.body), key=lambda url: not is_news_address(url))
    for url in addresses[:_MOST_SITEMAPS]:
        try:
            there = replace(new_feed(url), language=feed.language, tags=feed.tags, pages=feed.pages)
            found = _sitemap_feed(there, _page(there, world), world)
        except (FetchError, ParseError, SettingsError):
            continue  # the reason shown to a person is that of the page
        return replace(found, how=f"a news sitemap that {fetch.request.url} leads to")
    return None


def _sitemap_feed(feed: Feed, page: Page, world: _World) -> FoundFeed:
    """Return the news sitemap that the page is, or the first that it names as an index; ParseError else."""
    for url in sitemaps_in(page.body)[:_MOST_SITEMAPS]:
        if is_news_address(url):
            try:
                there = replace(new_feed(url, kind=_SITEMAP), tags=feed.tags, pages=feed.pages)
                return _parsed(there, _page(there, world), world, f"a news sitemap that the index {feed.url} names")
            except (FetchError, ParseError, SettingsError):
                continue  # there may be another
    return _parsed(replace(feed, kind=_SITEMAP), page, world, source_of(_SITEMAP).description)


def _feed_behind(link: FeedLink, feed: Feed, page: Page | None, world: _World) -> FoundFeed:
    there = replace(new_feed(link.url), language=feed.language, tags=feed.tags, pages=feed.pages)
    site = feed.url if page is None else page.final_url
    found = _parsed(there, _page(there, world), world, "a feed")
    return replace(found, feed=replace(found.feed, site_url=feed.site_url or found.feed.site_url or site))


def _parsed(feed: Feed, page: Page, world: _World, how: str) -> FoundFeed:
    """Return the feed that the page is parsed as, with the title and the site that the document names.

    A document may name any site: one on another domain than the feed's is left out. The nights ask the site itself.
    """
    parsed = world.read(feed, page)
    site_url = parsed.site_url if parsed.site_url and is_of_site(parsed.site_url, feed.url, page.final_url) else None
    title = one_line(parsed.title or "", _TITLE_CHARACTERS) or feed.title
    return FoundFeed(
        feed=replace(feed, title=title, site_url=feed.site_url or site_url),
        parsed=parsed,
        how=how,
        answered_at=page.final_url,
    )


def _page(feed: Feed, world: _World) -> Page:
    """Return what the address answers; FetchError when it does not."""
    request = Request(
        url=feed.url,
        kind=RequestKind.FEED,
        item_id=feed.id,
        secret_url=secret_urls([feed], world.environment).get(feed.id),
        private_site=world.site,
    )
    sources = SourceFetcher(world.fetcher, {feed.id: feed}, now=world.clock(), environment=world.environment)
    (fetch,) = sources.fetch([request])
    if fetch.error is not None:
        raise fetch.error
    if fetch.page is None:
        raise FetchError(feed.url, Reason.EMPTY, f"HTTP {fetch.status} without a page")
    return fetch.page


def read_opml_file(path: Path, written: str) -> FoundList:
    """Return the list of feeds in an OPML file; SettingsError when it is none or cannot be read."""
    try:
        body = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    return FoundList(list=FeedList(id=id_of("list", written), url=written, file=path), opml=read_opml(body))


def _is_opml(body: bytes) -> bool:
    return b"<opml" in body[:2000].lower()
