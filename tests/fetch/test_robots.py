"""robots.txt: what it forbids, how long it is believed, and what becomes of pages that it closes."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from newsclust import pipeline
from newsclust.demo import LoopbackServer
from newsclust.demo.server import Reply
from newsclust.errors import FetchError, Reason
from newsclust.fetch import HttpFetcher
from newsclust.fetch.robots import (
    MAX_CRAWL_DELAY_S,
    RobotsFile,
    RobotsRules,
    is_current,
    origin_of,
    product_of,
    robots_file_from,
    robots_request,
    sitemaps_of,
)
from newsclust.model import Count, Feed, Fetch, Page, PagePolicy, Request, RequestKind, id_of
from newsclust.polling.page_budget import DEFAULT_BUDGET, PageBudget
from newsclust.store import Database, runs
from newsclust.store.robots import robots_files, save_robots
from tests.fakes import PlainExtractor

NIGHT = datetime(2026, 3, 2, 3, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SITE = "https://one.example"


def file(body: str | None, **more: Any) -> RobotsFile:
    told = None if body is None else body.encode()
    return RobotsFile(**{"origin": SITE, "fetched_at": NIGHT, "body": told} | more)


def refusal(body: str | None, path: str, product: str = "newsclust") -> Reason | None:
    error = RobotsRules(file(body), product).refusal(SITE + path)
    return error.reason if error else None


# --- the file


def test_what_is_forbidden_to_all_or_to_us_is_not_asked_for() -> None:
    body = "User-agent: *\nDisallow: /private/\nAllow: /private/open\n\nUser-agent: newsclust\nDisallow: /shop\n"
    assert refusal(body, "/shop/1") is Reason.ROBOTS
    assert refusal(body, "/private/1") is None  # the group for us stands instead of the group for all
    assert refusal(body, "/private/1", "another") is Reason.ROBOTS
    assert refusal(body, "/private/open", "another") is None
    assert refusal(body, "/news/1", "another") is None


@pytest.mark.parametrize(
    "agent", ["NewsClust/1.0", "newsclust/1.0 (+https://x.example)", "newsclust 2", "newsclust # us"]
)
def test_a_group_is_ours_by_the_name_whatever_version_stands_behind_it(agent: str) -> None:
    body = (
        f"User-agent: {agent}\nDisallow: /shop\n\nUser-agent: other/2.0\nDisallow: /news\n\nUser-agent: *\nAllow: /\n"
    )
    assert refusal(body, "/shop/1") is Reason.ROBOTS
    assert refusal(body, "/news/1") is None


@pytest.mark.parametrize(
    "body",
    [
        "",
        "User-agent: *\nDisallow:\n",
        "<!doctype html><html><body>No such page.</body></html>",
        "\ufeff",
        "\x00\xff%",
    ],
)
def test_a_file_without_a_rule_forbids_nothing(body: str) -> None:
    assert refusal(body, "/any/page?of=it") is None


def test_patterns_and_a_byte_order_mark_are_understood() -> None:
    body = "\ufeffUser-agent: *\nDisallow: /*/print$\nDisallow: /é\n"
    assert refusal(body, "/news/print") is Reason.ROBOTS
    assert refusal(body, "/news/print/2") is None
    assert refusal(body, "/%C3%A9t%C3%A9") is Reason.ROBOTS


def test_where_nobody_can_say_nothing_is_asked_for_now() -> None:
    error = RobotsRules(file(None, unreachable="server_error (HTTP 500)"), "newsclust").refusal(f"{SITE}/1")
    assert error is not None
    assert (error.reason, error.detail) == (Reason.ROBOTS_UNREACHABLE, "robots.txt: server_error (HTTP 500)")


def test_a_file_names_its_sitemaps() -> None:
    written = b"Sitemap: http://paper.example/a.xml\nUser-agent: *\nSitemap: http://paper.example/news.xml\n"
    assert sitemaps_of(written * 2) == ("http://paper.example/a.xml", "http://paper.example/news.xml")


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("Crawl-delay: 2.5", 2.5),
        ("Crawl-delay: 86400", MAX_CRAWL_DELAY_S),
        ("Crawl-delay: -1", 0),
        ("", 0),
        ("Request-rate: 1/5", 5),
        ("Request-rate: 10/1m", 6),
        ("Crawl-delay: 2\nRequest-rate: 2/20", 10),
        ("Request-rate: 0/5", 0),
        ("Request-rate: often", 0),
    ],
)
def test_a_crawl_delay_is_the_pause_between_two_requests_half_a_minute_at_most(line: str, seconds: float) -> None:
    assert RobotsRules(file(f"User-agent: *\n{line}\nDisallow: /x\n"), "newsclust").pause_s == seconds


def test_a_hostile_file_of_full_size_is_judged_in_seconds() -> None:
    rules = RobotsRules(file("User-agent: *\n" + "Disallow: /*a*a*a*a*a*a*b$\n" * 18_000), "newsclust")
    begun = monotonic()
    assert rules.refusal(f"{SITE}/{'a' * 2000}") is None
    assert monotonic() - begun < 10


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://One.example/a/b?c#d", "https://one.example"),
        ("https://one.example:443/", "https://one.example"),
        ("https://one.example:80/", "https://one.example:80"),
        ("http://one.example:8080/", "http://one.example:8080"),
        ("http://[2001:db8::1]:8080/x", "http://[2001:db8::1]:8080"),
        ("https://me:secret@one.example/", "https://one.example"),
    ],
)
def test_scheme_host_and_port_share_one_file(url: str, origin: str) -> None:
    assert origin_of(url) == origin
    assert robots_request(origin).url == f"{origin}/robots.txt"


def test_an_address_without_a_host_has_no_file() -> None:
    with pytest.raises(ValueError, match="no host"):
        origin_of("mailto:nobody")


def test_a_robots_txt_calls_us_by_the_first_word_of_the_user_agent() -> None:
    assert product_of("newsclust/0.1 (+https://example.org)") == "newsclust"
    assert product_of("Our Reader 2") == "Our"


# --- the answer


def answer(request: Request, at: datetime, body: str = "", **more: Any) -> Fetch:
    got = Page(url=request.url, final_url=request.url, fetched_at=at, headers={}, body=body.encode())
    return Fetch(
        **{
            "request": request,
            "requested_at": at,
            "seconds": 0.1,
            "status": 200,
            "final_url": request.url,
            "redirects": 0,
            "received_bytes": len(body),
            "etag": None,
            "last_modified": None,
            "page": got,
        }
        | more
    )


def error(request: Request, at: datetime, reason: Reason, status: int | None = None) -> Fetch:
    return answer(request, at, page=None, status=status, error=FetchError(request.url, reason, "as told"))


@pytest.mark.parametrize(
    "reason", [Reason.NOT_FOUND, Reason.FORBIDDEN, Reason.GONE, Reason.CLIENT_ERROR, Reason.TOO_MANY_REDIRECTS]
)
def test_a_site_without_a_file_forbids_nothing(reason: Reason) -> None:
    assert robots_file_from(error(robots_request(SITE), NIGHT, reason)) == file("")


@pytest.mark.parametrize(
    "reason", [Reason.SERVER_ERROR, Reason.THROTTLED, Reason.TIMEOUT, Reason.DNS_FAILED, Reason.CONNECTION_FAILED]
)
def test_a_site_that_cannot_say_is_believed_to_say_what_it_said_before(reason: Reason) -> None:
    told = error(robots_request(SITE), NIGHT, reason)
    said = f"{reason} (as told)"
    assert robots_file_from(told) == file(None, unreachable=said)
    earlier = file("User-agent: *\nDisallow: /x", fetched_at=NIGHT - 2 * DAY)
    assert robots_file_from(told, earlier) == replace(earlier, fetched_at=NIGHT, unreachable=said)


def test_a_file_is_believed_for_a_day_and_silence_for_an_hour() -> None:
    assert is_current(file(""), NIGHT + DAY - HOUR)
    assert not is_current(file(""), NIGHT + DAY)
    assert not is_current(file(None, unreachable="timeout"), NIGHT + HOUR)


# --- nights

Web = Mapping[str, Callable[[Request, datetime], Fetch]]
FEED = Feed(id=id_of(f"{SITE}/feed"), url=f"{SITE}/feed", title="One", language="en", pages=PagePolicy.ALWAYS)
FORBIDDING = "User-agent: newsclust\nDisallow: /closed\n"
TEXT = "A quiet paragraph about the tide tables of a small harbour, long enough to stand for a text."


class Asking:
    """A Fetcher to whom each address is a function; 404 elsewhere."""

    def __init__(self, web: Web, now: datetime) -> None:
        self.web, self.now = web, now
        self.asked: list[Request] = []

    def fetch(self, requests: Sequence[Request]) -> Iterator[Fetch]:
        for request in requests:
            self.asked.append(request)
            told = self.web.get(request.url)
            yield told(request, self.now) if told else error(request, self.now, Reason.NOT_FOUND, 404)


def serving(body: str) -> Callable[[Request, datetime], Fetch]:
    return lambda request, at: answer(request, at, body)


def feed_of(*links: str) -> Callable[[Request, datetime], Fetch]:
    items = "".join(
        f"<item><title>About {link}</title><link>{link}</link><description>{TEXT}</description></item>"
        for link in links
    )
    return serving(f"<rss version='2.0'><channel><title>One</title>{items}</channel></rss>")


class Nights:
    """One database, and the runs on it."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def live(
        self, web: Web, after: timedelta = timedelta(), budget: PageBudget = DEFAULT_BUDGET
    ) -> tuple[Count, list[str]]:
        """Go through a night up to the pages; return what became of them, and the addresses asked for them."""
        now = NIGHT + after
        run = runs.begin_run(self.db, flow="test", night_at=now, started_at=now, settings={})
        fetcher = Asking(web, now)
        pipeline.sync_feeds(self.db, run, [FEED])
        pipeline.fetch_feeds(self.db, run, fetcher)
        pipeline.parse_feeds(self.db, run, lambda: now)
        fetcher.asked.clear()
        count = pipeline.fetch_pages(self.db, run, fetcher, budget=budget)
        pipeline.extract_articles(self.db, run, lambda: now, PlainExtractor())
        return count, [request.url for request in fetcher.asked]

    def page_rows(self) -> list[tuple[str, str | None, int | None]]:
        rows = self.db.rows("SELECT url, reason, status FROM fetches WHERE kind = 'page' ORDER BY url, requested_at")
        return [(row["url"], row["reason"], row["status"]) for row in rows]


@pytest.fixture
def nights(tmp_path: Path) -> Iterator[Nights]:
    with Database(tmp_path / "work.duckdb", now=NIGHT) as db:
        db.execute("SET threads = 1")  # for a few rows, two threads take twice the time
        yield Nights(db)


OPEN, CLOSED = f"{SITE}/open", f"{SITE}/closed/1"


def site(robots: Callable[[Request, datetime], Fetch] | None = None) -> dict[str, Any]:
    pages = {url: serving(f"<p>The page at {url}. {TEXT}</p>") for url in (OPEN, CLOSED)}
    return pages | {FEED.url: feed_of(OPEN, CLOSED)} | ({f"{SITE}/robots.txt": robots} if robots else {})


def test_a_forbidden_page_is_not_asked_for_and_the_feeds_own_text_is_used(nights: Nights) -> None:
    count, asked = nights.live(site(serving(FORBIDDING)))
    assert asked == [f"{SITE}/robots.txt", OPEN]
    assert count == Count(done=1, failed=1)
    assert nights.page_rows() == [(CLOSED, "robots", None), (OPEN, None, 200)]
    sources = nights.db.rows("SELECT url, text_source FROM articles ORDER BY url")
    assert [(row["url"], row["text_source"]) for row in sources] == [(CLOSED, "feed_summary"), (OPEN, "page")]
    failures = nights.db.rows("SELECT step, reason, detail FROM failures")
    assert failures == [
        {"step": "fetch_pages", "reason": "robots", "detail": f"{SITE}/robots.txt forbids it to newsclust"}
    ]


def test_a_forbidden_page_is_not_looked_at_again(nights: Nights) -> None:
    nights.live(site(serving(FORBIDDING)))
    assert nights.live(site(serving(FORBIDDING)), DAY) == (Count(), [])


def test_feeds_are_asked_for_whatever_robots_txt_says(nights: Nights) -> None:
    count, asked = nights.live(site(serving("User-agent: *\nDisallow: /\n")))
    assert (count, asked) == (Count(failed=2), [f"{SITE}/robots.txt"])
    assert nights.db.rows("SELECT count(*) AS n FROM entries") == [{"n": 2}]


def test_without_a_file_every_page_is_asked_for(nights: Nights) -> None:
    assert nights.live(site())[0] == Count(done=2)
    assert nights.db.rows("SELECT reason FROM failures") == []  # a site without robots.txt is no failure


def test_a_site_whose_file_cannot_be_reached_waits_for_the_next_night(nights: Nights) -> None:
    down = site(lambda request, at: error(request, at, Reason.SERVER_ERROR, 500))
    assert nights.live(down) == (Count(failed=2), [f"{SITE}/robots.txt"])
    assert {reason for _, reason, _ in nights.page_rows()} == {"robots_unreachable"}
    assert nights.live(site(serving(FORBIDDING)), DAY)[0] == Count(done=1, failed=1)


def test_a_page_on_a_refused_address_ends_as_that_and_is_not_tried_again(nights: Nights) -> None:
    private = site(lambda request, at: error(request, at, Reason.REFUSED_ADDRESS, None))
    assert nights.live(private)[0] == Count(failed=2)
    assert {reason for _, reason, _ in nights.page_rows()} == {"refused_address"}
    assert nights.live(private, DAY) == (Count(), [])


def test_a_file_is_asked_for_once_a_day(nights: Nights) -> None:
    nights.live(site(serving(FORBIDDING)))
    more = f"{SITE}/open/more"
    web = site(serving(FORBIDDING)) | {FEED.url: feed_of(OPEN, CLOSED, more), more: serving(f"<p>{TEXT}</p>")}
    assert nights.live(web, 23 * HOUR)[1] == [more]
    another = f"{SITE}/open/another"
    web |= {FEED.url: feed_of(another), another: serving(f"<p>{TEXT}</p>")}
    assert nights.live(web, 46 * HOUR)[1] == [f"{SITE}/robots.txt", another]


def test_a_network_that_is_down_is_a_notice_and_marks_no_site(nights: Nights) -> None:
    hosts = [f"https://site{n}.example" for n in range(4)]
    web: dict[str, Any] = {FEED.url: feed_of(*(f"{host}/1" for host in hosts))}
    web |= {f"{host}/robots.txt": lambda request, at: error(request, at, Reason.DNS_FAILED) for host in hosts}
    nights.live(web)
    (notice,) = nights.db.rows("SELECT text FROM run_notices")
    assert "4 of 4 requests reached nobody" in notice["text"]
    assert nights.db.rows("FROM robots") == []
    assert nights.page_rows() == []


def onward(target: str) -> Callable[[Request, datetime], Fetch]:
    return lambda request, at: answer(request, at, page=None, status=301, cross_origin_redirect=target)


def test_the_site_that_a_redirect_leads_to_is_asked_for_its_file_first(nights: Nights) -> None:
    other = "https://other.example"
    web = site() | {
        OPEN: onward(f"{other}/open"),
        CLOSED: onward(f"{other}/closed"),
        f"{other}/robots.txt": serving(FORBIDDING),
        f"{other}/open": serving(f"<p>{TEXT}</p>"),
    }
    count, asked = nights.live(web)
    assert count == Count(done=1, failed=1)
    assert asked == [f"{SITE}/robots.txt", *sorted([OPEN, CLOSED], key=id_of), f"{other}/robots.txt", f"{other}/open"]
    stored = nights.db.rows("SELECT url FROM pages WHERE kind = 'page'")
    assert stored == [{"url": f"{other}/open"}]


def test_redirects_from_site_to_site_end(nights: Nights) -> None:
    there = "https://other.example/open"
    count, asked = nights.live(site() | {FEED.url: feed_of(OPEN), OPEN: onward(there), there: onward(OPEN)})
    assert count == Count(failed=1)
    assert asked.count(OPEN) + asked.count(there) == 5
    assert [reason for _, reason, _ in nights.page_rows() if reason] == ["too_many_redirects"]


def test_a_site_that_named_a_retry_after_is_not_asked_for_pages_before(nights: Nights) -> None:
    web = site() | {
        f"{SITE}/robots.txt": lambda request, at: error(request, at, Reason.NOT_FOUND, 404),
        OPEN: lambda request, at: replace(error(request, at, Reason.THROTTLED, 429), retry_at=NIGHT + 30 * HOUR),
    }
    assert nights.live(web)[0] == Count(done=1, failed=1)
    assert nights.live(web, DAY) == (Count(skipped=1), [])
    assert nights.live(site(), 2 * DAY)[0] == Count(done=1)


def test_the_pause_that_a_site_wants_goes_with_every_request(nights: Nights) -> None:
    now = NIGHT
    run = runs.begin_run(nights.db, flow="test", night_at=now, started_at=now, settings={})
    fetcher = Asking(site(serving("User-agent: *\nCrawl-delay: 7\n")), now)
    pipeline.sync_feeds(nights.db, run, [FEED])
    pipeline.fetch_feeds(nights.db, run, fetcher)
    pipeline.parse_feeds(nights.db, run, lambda: now)
    pipeline.fetch_pages(nights.db, run, fetcher)
    pages = [request for request in fetcher.asked if request.kind is RequestKind.PAGE]
    assert [(request.pause_s, request.within_origin) for request in pages] == [(7.0, True)] * 2


def test_a_file_comes_back_from_the_database_as_it_was(nights: Nights) -> None:
    run = runs.begin_run(nights.db, flow="test", night_at=NIGHT, started_at=NIGHT, settings={})
    files = [file(FORBIDDING), file(None, origin="https://two.example", unreachable="timeout"), file("", origin="x")]
    for _ in range(2):
        save_robots(nights.db, run, files)
    assert robots_files(nights.db, [*(one.origin for one in files), "unknown"]) == {one.origin: one for one in files}


# --- over HTTP


def fetched(loopback: LoopbackServer, *requests: Request, **options: Any) -> list[Fetch]:
    given = {"user_agent": "newsclust/0.1", "connect_to": loopback.connect_to, "ca_file": loopback.ca_file}
    fetcher = HttpFetcher(**given | {"host_pause_s": 0} | options)
    return list(fetcher.fetch(requests))


def test_of_a_file_over_the_limit_the_beginning_counts() -> None:
    long = FORBIDDING.encode() + b"# and so on, for a while\n" * 40_000
    with LoopbackServer({"http://one.example/robots.txt": Reply(body=long, content_type="text/plain")}) as loopback:
        (told,) = fetched(loopback, robots_request("http://one.example"))
    assert told.page is not None
    assert len(told.page.body) == 512_000
    assert RobotsRules(robots_file_from(told), "newsclust").refusal("http://one.example/closed") is not None


def test_a_page_that_moves_within_its_origin_is_followed_and_one_that_leaves_it_is_told() -> None:
    web = {
        "http://one.example/a": Reply(status=302, headers={"Location": "/b"}),
        "http://one.example/b": Reply(body=b"<p>here</p>"),
        "http://one.example/c": Reply(status=301, headers={"Location": "https://one.example/b"}),
        "https://one.example/b": Reply(body=b"<p>there</p>"),
    }
    with LoopbackServer(web) as loopback:
        here, there = (
            fetched(
                loopback,
                Request(url=f"http://one.example/{name}", kind=RequestKind.PAGE, item_id=name, within_origin=True),
            )[0]
            for name in "ac"
        )
        asked = [one.url for one in loopback.requests]
    assert here.page is not None
    assert (there.page, there.error, there.cross_origin_redirect, there.status) == (
        None,
        None,
        "https://one.example/b",
        301,
    )
    assert "https://one.example/b" not in asked


def test_permanent_redirects_say_where_a_feed_lives_and_others_do_not() -> None:
    web = {
        "http://one.example/moved": Reply(status=301, headers={"Location": "http://one.example/new"}),
        "http://one.example/new": Reply(status=308, headers={"Location": "http://two.example/newer"}),
        "http://one.example/found": Reply(status=302, headers={"Location": "http://one.example/new"}),
        "http://one.example/part": Reply(status=308, headers={"Location": "http://one.example/found-2"}),
        "http://one.example/found-2": Reply(status=307, headers={"Location": "http://two.example/newer"}),
        "http://two.example/newer": Reply(body=b"<rss/>"),
    }
    names = ("moved", "found", "part")
    with LoopbackServer(web) as loopback:
        told = {
            fetch.request.item_id: fetch
            for fetch in fetched(
                loopback,
                *(Request(url=f"http://one.example/{name}", kind=RequestKind.FEED, item_id=name) for name in names),
            )
        }
    assert {name: fetch.final_url for name, fetch in told.items()} == dict.fromkeys(names, "http://two.example/newer")
    assert told["moved"].moved_to == "http://two.example/newer"
    assert told["found"].moved_to is None
    assert told["part"].moved_to == "http://one.example/found-2"


def test_after_a_retry_after_no_host_of_the_site_is_asked_again_in_this_run() -> None:
    web = {
        "http://a.one.example/feed": Reply(status=429, headers={"Retry-After": "3600"}),
        "http://b.one.example/feed": Reply(body=b"<rss/>"),
        "http://two.example/feed": Reply(status=503, headers={"Retry-After": "soon"}),
        "http://two.example/feed2": Reply(body=b"<rss/>", headers={"Cache-Control": "max-age=600"}),
    }
    with LoopbackServer(web) as loopback:
        requests = [Request(url=url, kind=RequestKind.FEED, item_id=url) for url in web]
        told = {fetch.request.url: fetch for fetch in fetched(loopback, *requests, per_host=1, clock=lambda: NIGHT)}
        asked = {one.url for one in loopback.requests}
    throttled, other, unreadable, good = (told[url] for url in web)
    assert throttled.retry_at == other.retry_at == NIGHT + HOUR
    assert other.error is not None
    assert other.error.reason is Reason.THROTTLED
    assert other.error.detail.startswith("not requested: b.one.example wants no request before 2026-03-02 04:30")
    assert "http://b.one.example/feed" not in asked
    assert (unreadable.retry_at, good.fresh_until) == (None, NIGHT + timedelta(minutes=10))
    assert good.page is not None


def test_the_pause_of_a_site_holds_from_one_call_to_the_next_and_for_all_its_hosts() -> None:
    web = {f"http://{host}.one.example/": Reply(body=b"x") for host in "ab"} | {
        "http://two.example/": Reply(body=b"x")
    }
    with LoopbackServer(web) as loopback:
        fetcher = HttpFetcher(user_agent="newsclust", connect_to=loopback.connect_to, host_pause_s=0.4)
        begun = monotonic()
        took = {}
        for url in web:
            list(fetcher.fetch([Request(url=url, kind=RequestKind.PAGE, item_id=url)]))
            took[url] = monotonic() - begun
    assert took["http://b.one.example/"] >= 0.4
    assert took["http://two.example/"] - took["http://b.one.example/"] < 0.4


def test_what_does_not_fit_into_a_night_waits_for_the_next_the_newest_go_first(nights: Nights) -> None:
    links = [f"{SITE}/{n}" for n in range(9)]
    dated = "".join(
        f"<item><title>About {link}</title><link>{link}</link><description>{TEXT}</description>"
        f"<pubDate>{(NIGHT - n * timedelta(hours=1)):%a, %d %b %Y %H:%M:%S GMT}</pubDate></item>"
        for n, link in reversed(list(enumerate(links)))
    )
    web = {link: serving(f"<p>The page at {link}. {TEXT}</p>") for link in links} | {
        FEED.url: serving(f"<rss version='2.0'><channel><title>One</title>{dated}</channel></rss>"),
        f"{SITE}/robots.txt": serving("User-agent: *\nCrawl-delay: 30\n"),
    }
    budget = PageBudget(site_minutes=2)
    count, asked = nights.live(web, budget=budget)
    assert asked == [f"{SITE}/robots.txt", *links[:4]]
    assert count == Count(done=4, skipped=5)
    (notice,) = nights.db.rows("SELECT kind, text FROM night_notices")
    assert notice["kind"] == "budget"
    assert notice["text"].startswith("5 pages wait for the next night")
    assert nights.db.rows("FROM failures") == []
    count, asked = nights.live(web, DAY, budget=budget)
    assert asked[-4:] == links[4:8]


def test_a_page_may_be_private_as_far_as_its_own_feed_is(nights: Nights) -> None:
    web = site(serving("")) | {FEED.url: feed_of(OPEN, "https://nas.example/admin")}
    fetcher = Asking(web, NIGHT)
    run = runs.begin_run(nights.db, flow="test", night_at=NIGHT, started_at=NIGHT, settings={})
    pipeline.sync_feeds(nights.db, run, [FEED])
    pipeline.fetch_feeds(nights.db, run, fetcher)
    pipeline.parse_feeds(nights.db, run, lambda: NIGHT)
    pipeline.fetch_pages(nights.db, run, fetcher)
    assert {request.url: request.private_site for request in fetcher.asked} == {
        FEED.url: "one.example",
        f"{SITE}/robots.txt": "one.example",
        OPEN: "one.example",
        "https://nas.example/robots.txt": "",
        "https://nas.example/admin": "one.example",
    }


def test_thousands_of_agents_with_thousands_of_rules_take_no_time() -> None:
    agents = "".join(f"User-agent: bot{n}\nUser-agent: n*{n}\nUser agent b{n}\n" for n in range(6000))
    rules = "".join(f"Disallow: /{n}\n" for n in range(8000))
    file = RobotsFile(origin=SITE, fetched_at=NIGHT, body=(agents + "User-agent: newsclust\n" + rules).encode())
    begun = time.process_time()
    ours = RobotsRules(file, "newsclust")
    assert ours.refusal(f"{SITE}/7999") is not None
    assert ours.refusal(f"{SITE}/a") is None
    assert time.process_time() - begun < 2
