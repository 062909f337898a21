"""What stands behind an address that a person has: a feed, a list, a page that names feeds, or nothing of use."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from newsclust.errors import FetchError, ParseError, Reason, SettingsError
from newsclust.fetch import Fetcher
from newsclust.fetch.robots import origin_of, robots_request, sitemaps_of
from newsclust.model import Feed, FeedKind, FeedList, Page, ParsedFeed, Request, RequestKind, id_of
from newsclust.sources.credentials import secret_urls
from newsclust.sources.entries import parse_feed
from newsclust.sources.feed_links import WELL_KNOWN, FeedLink, feed_links, rss_form, without_other_formats
from newsclust.sources.fetching import SourceFetcher
from newsclust.sources.opml import OpmlImport, read_opml
from newsclust.sources.sitemap import is_news_address, is_sitemap, sitemaps_in
from newsclust.text.sanitize import one_line
from newsclust.urls import canonical, redacted

_TITLE_CHARACTERS = 120
_SITEMAPS_ASKED = 3  # of those that a site names, before there is said to be no feed


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFeed:
    """One feed, as it would be listed, and what it holds now; `how` says how it was found."""

    feed: Feed
    parsed: ParsedFeed
    how: str
    answered_at: str  # where redirects led, credentials hidden
    others: tuple[FeedLink, ...] = ()  # that the page names besides


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundList:
    """A list of feeds, and what it names now."""

    list: FeedList
    opml: OpmlImport


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSeveral:
    """A page that names several feeds; the person chooses."""

    links: tuple[FeedLink, ...]


Found = FoundFeed | FoundList | FoundSeveral


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """One look, and what it needs of the world."""

    fetcher: Fetcher
    read: Callable[[Feed, Page], ParsedFeed]
    clock: Callable[[], datetime]
    environment: Mapping[str, str]


def look(
    feed: Feed,
    fetcher: Fetcher,
    *,
    read: Callable[[Feed, Page], ParsedFeed] = parse_feed,
    clock: Callable[[], datetime],
    environment: Mapping[str, str] = os.environ,
) -> Found:
    """What answers at `feed.url`, asked once and read as `feed.kind`; FEED means that the kind is to be found out.

    A page is asked for the feeds that it names; for those of the usual addresses only when it names none, one
    after another. Nothing is asked twice. SettingsError, naming address and reason, when no feed is found.
    """
    asked = _Look(fetcher=fetcher, read=read, clock=clock, environment=environment)
    try:
        page = _page(feed, asked)
        if feed.kind is not FeedKind.FEED:
            return _named(feed, page, asked, _HOW[feed.kind])
        return _recognised(feed, page, asked)
    except (FetchError, ParseError) as error:
        raise SettingsError(str(error)) from error


_HOW = {
    FeedKind.SITEMAP: "a news sitemap",
    FeedKind.PAGE: "a page whose links are read as entries",
    FeedKind.ACCOUNT: "an account, by the Google Reader API",
}


def new_feed(url: str, *, kind: FeedKind = FeedKind.FEED) -> Feed:
    """A feed at this address, FreshRSS's pages at that of their RSS; SettingsError when it is no address."""
    written = rss_form(url) if kind is FeedKind.FEED else url
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


def _recognised(feed: Feed, page: Page, asked: _Look) -> Found:
    if _is_opml(page.body):
        listed = FeedList(id=id_of("list", canonical(feed.url)), url=feed.url, written_url=feed.written_url)
        return FoundList(list=listed, opml=read_opml(page.body))
    if is_sitemap(page.body):
        return _mapped(feed, page, asked)
    try:
        return _named(feed, page, asked, "a feed")
    except ParseError as error:
        if error.reason not in {Reason.HTML_NOT_FEED, Reason.NOT_A_FEED}:
            raise
        links = [link for link in feed_links(page) if id_of(canonical(link.url)) != feed.id]
        if not links:
            return _usual(feed, page, asked, error)
    chosen = without_other_formats([link for link in links if not link.of_comments] or links)
    if len(chosen) > 1:
        return FoundSeveral(links=chosen)
    how = f"the feed that the page {page.final_url} names"
    others = tuple(link for link in links if link is not chosen[0])
    return replace(_feed_at(chosen[0], feed, page, asked), how=how, others=others)


def look_at_links(
    links: Sequence[FeedLink],
    feed: Feed,
    fetcher: Fetcher,
    *,
    read: Callable[[Feed, Page], ParsedFeed] = parse_feed,
    clock: Callable[[], datetime],
) -> "Tried":
    """Each of the feeds that the page at `feed.url` names, asked once; those that are none, with the reason."""
    asked = _Look(fetcher=fetcher, read=read, clock=clock, environment={})
    found: list[FoundFeed] = []
    problems: list[str] = []
    for link in links:
        try:
            found.append(_feed_at(link, feed, None, asked))
        except (FetchError, ParseError) as error:
            problems.append(str(error))
    return Tried(found=tuple(found), problems=tuple(problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    found: tuple[FoundFeed, ...]
    problems: tuple[str, ...]


def _usual(feed: Feed, page: Page, asked: _Look, error: ParseError) -> FoundFeed:
    """The feed at one of the addresses where sites have it; the ParseError of the page when there is none."""
    if error.reason is not Reason.HTML_NOT_FEED:
        raise error
    for path in WELL_KNOWN:
        link = FeedLink(url=urljoin(page.final_url, path), title="")
        try:
            return replace(_feed_at(link, feed, page, asked), how=f"a feed that {page.final_url} does not name")
        except (FetchError, ParseError):
            continue  # what is not there is no news
    if (found := _mapped_by_robots(feed, page, asked)) is not None:
        return found
    tried = ", ".join(WELL_KNOWN)
    raise ParseError(
        feed.url,
        Reason.HTML_NOT_FEED,
        f"the page names no feed, and there is none at {tried}; --select reads its links",
    )


def _mapped_by_robots(feed: Feed, page: Page, asked: _Look) -> FoundFeed | None:
    """The first news sitemap to which the site's robots.txt leads; None when it leads to none."""
    (fetch,) = asked.fetcher.fetch([robots_request(origin_of(page.final_url))])
    if fetch.page is None:
        return None
    named = sorted(sitemaps_of(fetch.page.body), key=lambda url: not is_news_address(url))
    for url in named[:_SITEMAPS_ASKED]:
        try:
            there = replace(new_feed(url), language=feed.language, tags=feed.tags, pages=feed.pages)
            found = _mapped(there, _page(there, asked), asked)
        except (FetchError, ParseError, SettingsError):
            continue  # as above: the page's own reason is what is told
        return replace(found, how=f"a news sitemap that {fetch.request.url} leads to")
    return None


def _mapped(feed: Feed, page: Page, asked: _Look) -> FoundFeed:
    """The news sitemap that the page is, or the first in the index of sitemaps that it is; ParseError else."""
    for url in sitemaps_in(page.body)[:_SITEMAPS_ASKED]:
        if is_news_address(url):
            try:
                there = replace(new_feed(url, kind=FeedKind.SITEMAP), tags=feed.tags, pages=feed.pages)
                return _named(there, _page(there, asked), asked, f"a news sitemap that the index {feed.url} names")
            except (FetchError, ParseError, SettingsError):
                continue  # there may be another
    return _named(replace(feed, kind=FeedKind.SITEMAP), page, asked, _HOW[FeedKind.SITEMAP])


def _feed_at(link: FeedLink, feed: Feed, page: Page | None, asked: _Look) -> FoundFeed:
    there = replace(new_feed(link.url), language=feed.language, tags=feed.tags, pages=feed.pages)
    site = feed.url if page is None else page.final_url
    found = _named(there, _page(there, asked), asked, "a feed")
    return replace(found, feed=replace(found.feed, site_url=found.feed.site_url or site))


def _named(feed: Feed, page: Page, asked: _Look, how: str) -> FoundFeed:
    """What the page says as the feed that it is taken for, with the title and the site that it tells."""
    parsed = asked.read(feed, page)
    title = one_line(parsed.title or "", _TITLE_CHARACTERS) or feed.title
    return FoundFeed(
        feed=replace(feed, title=title, site_url=feed.site_url or parsed.site_url),
        parsed=parsed,
        how=how,
        answered_at=page.final_url,
    )


def _page(feed: Feed, asked: _Look) -> Page:
    """What the address answers; FetchError when it does not."""
    request = Request(
        url=feed.url,
        kind=RequestKind.FEED,
        item_id=feed.id,
        secret_url=secret_urls([feed], asked.environment).get(feed.id),
    )
    sources = SourceFetcher(asked.fetcher, {feed.id: feed}, now=asked.clock(), environment=asked.environment)
    (fetch,) = sources.fetch([request])
    if fetch.error is not None:
        raise fetch.error
    if fetch.page is None:
        raise FetchError(feed.url, Reason.EMPTY, f"HTTP {fetch.status} without a page")
    return fetch.page


def read_list(path: Path, written: str) -> FoundList:
    """The list of feeds in a file; SettingsError when it is none or cannot be read."""
    try:
        body = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    return FoundList(list=FeedList(id=id_of("list", written), url=written, file=path), opml=read_opml(body))


def _is_opml(body: bytes) -> bool:
    return b"<opml" in body[:2000].lower()
