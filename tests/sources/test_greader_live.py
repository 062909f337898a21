"""Accounts of FreshRSS and Miniflux: every question and every field, against servers that answer as these do."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from newsclust.errors import Reason
from newsclust.fetch import HttpFetcher
from newsclust.model import DateQuality, Entry, Feed, Fetch, Request, RequestKind, id_of
from newsclust.sources.discovery import FoundFeed, discover, new_feed
from newsclust.sources.entries import parse_feed
from newsclust.sources.fetching import SourceFetcher
from newsclust.sources.greader_api import stream_of
from newsclust.urls import canonical
from tests.loopback import PageAnswer, PageServer, reply
from tests.readers import FreshReader, Held, Miniflux, shared_page, shared_query, shared_rss

NOW = datetime(2026, 3, 2, 22, tzinfo=UTC)
TOKEN = "ana/0123456789abcdef"
FRESH = "http://fresh.example/api/greader.php"
MINI = "http://mini.example"


def at(hours_ago: float) -> int:
    return int((NOW - timedelta(hours=hours_ago)).timestamp())


def held(number: int, **others: object) -> Held:
    kept: dict[str, object] = {"title": f"Ferry {number}", "published": at(number % 100), "seen": at(number % 100)}
    return Held(**{"number": number, **kept, **others})  # type: ignore[arg-type]


ITEMS = [
    held(77, title="The <video> element & the A & B quay", published=at(10), seen=at(9), touched=at(1)),
    held(78, title="Quays", feed=13, feed_url="http://quays.example/rss?lang=fr", label="Slow/fast"),
    held(1700000000000001, title="Last year's", published=at(24 * 300), seen=at(24 * 300)),
]


@pytest.fixture
def web() -> Iterator[PageServer]:
    readers: dict[str, PageAnswer] = {
        "http://fresh.example/*": FreshReader(token=TOKEN, items=ITEMS),
        "http://mini.example/*": Miniflux(token=TOKEN, items=ITEMS),
        "http://old.example/*": Miniflux(token=TOKEN, items=ITEMS, older=True),
    }
    with PageServer(readers) as web:
        yield web


def fetched(web: PageServer, url: str, token: str = TOKEN) -> tuple[Feed, Fetch]:
    account = Feed(id=id_of(canonical(url)), url=url, title="Mine", kind="account", token_env="TOKEN")
    fetcher = HttpFetcher(user_agent="tests", connect_to=web.connect_to, host_pause_s=0, clock=lambda: NOW)
    sources = SourceFetcher(fetcher, {account.id: account}, now=NOW, environment={"TOKEN": token})
    (fetch,) = sources.fetch([Request(url=url, kind=RequestKind.FEED, item_id=account.id)])
    return account, fetch


def entries(web: PageServer, url: str) -> list[Entry]:
    account, fetch = fetched(web, url)
    assert fetch.page is not None, fetch.error
    return list(parse_feed(account, fetch.page).entries)


@pytest.mark.parametrize("url", [FRESH, MINI, "http://old.example"])
def test_an_account_gives_the_weeks_items_with_author_source_and_date(web: PageServer, url: str) -> None:
    one, two = sorted(entries(web, url), key=lambda entry: entry.title, reverse=True)
    assert (one.title, two.title) == ("The <video> element & the A & B quay", "Quays")
    assert (one.link, one.author) == ("http://paper.example/news?n=77", "Ana Duval")
    assert (one.source_title, one.source_url) == ("Paper & Ink", "http://paper.example/")
    assert (one.published_at, one.date_quality) == (NOW - timedelta(hours=10), DateQuality.GIVEN)
    assert one.updated_at is None  # Miniflux's word for it is when a person touched the item
    assert (one.summary, one.content) == ("<p>The whole text.</p>", None)


@pytest.mark.parametrize("url", [FRESH, MINI, "http://old.example"])
def test_an_account_of_many_items_is_read_to_its_end_and_no_item_twice(web: PageServer, url: str) -> None:
    many = [held(number) for number in range(1000, 1000 + 777)]
    web.pages = {
        "http://fresh.example/*": FreshReader(token=TOKEN, items=many),
        "http://mini.example/*": Miniflux(token=TOKEN, items=many),
        "http://old.example/*": Miniflux(token=TOKEN, items=many, older=True),
    }
    assert sorted(entry.title for entry in entries(web, url)) == sorted(one.title for one in many)


@pytest.mark.parametrize("label", ["Boats & quays", "Boats%20%26%20quays", "Slow/fast"])
@pytest.mark.parametrize("root", [FRESH, MINI, "http://old.example"])
def test_a_label_gives_its_items_alone(web: PageServer, root: str, label: str) -> None:
    (entry,) = entries(web, f"{root}/reader/api/0/stream/contents/user/-/label/{label}")
    assert entry.title == ("Quays" if label == "Slow/fast" else "The <video> element & the A & B quay")


@pytest.mark.parametrize(
    ("root", "name"),
    [(FRESH, "feed/13"), (MINI, "feed/13"), (FRESH, "feed/http%3A%2F%2Fquays.example%2Frss%3Flang%3Dfr")],
)
def test_one_feed_of_an_account_gives_its_items_alone(web: PageServer, root: str, name: str) -> None:
    (entry,) = entries(web, f"{root}/reader/api/0/stream/contents/{name}")
    assert entry.title == "Quays"


@pytest.mark.parametrize("url", [FRESH, MINI])
def test_a_token_that_is_refused_is_told_by_the_variables_name(web: PageServer, url: str) -> None:
    _, fetch = fetched(web, url, token="ana/another-token")
    assert fetch.error is not None
    assert fetch.error.reason is Reason.FORBIDDEN
    assert fetch.error.detail == "HTTP 401: the account refuses the token that TOKEN holds"


@pytest.mark.parametrize("token", ["ana/01\n23", "ana/01 23", "Auth=é"])
def test_what_no_header_carries_is_no_token_and_nobody_is_asked(web: PageServer, token: str) -> None:
    _, fetch = fetched(web, FRESH, token)
    assert fetch.error is not None
    assert (fetch.error.reason, fetch.error.detail) == (Reason.NO_TOKEN, "TOKEN is no token")
    assert web.requests == []


def test_a_stream_that_an_account_does_not_know_is_a_reason_and_no_empty_feed(web: PageServer) -> None:
    web.pages["http://mini.example/*"] = reply(body="[]", content_type="application/json")
    _, fetch = fetched(web, MINI)
    assert fetch.error is not None
    assert (fetch.error.reason, fetch.error.detail) == (Reason.NOT_A_FEED, "the account knows no such stream")


def test_the_address_of_a_stream_may_be_written_either_way() -> None:
    written = "http://fresh.example/api/greader.php/reader/api/0/stream/contents/user/-/label/Tech%20news?n=20"
    stream = stream_of(written)
    assert (stream.root, stream.name) == (FRESH, "user/-/label/Tech news")
    assert stream.contents_url(since=NOW, continuation=None).partition("?")[0] == written.partition("?")[0]


QUERY = "http://fresh.example/api/query.php?user=ana&t=0123456789abcdef&f="


@pytest.mark.parametrize("url", [f"{QUERY}html", f"{QUERY}rss", "http://short.example/boats"])
def test_a_shared_query_is_found_from_its_page_and_keeps_authors_and_dates(web: PageServer, url: str) -> None:
    items = [ITEMS[0], held(1700000000000002, title="Quays", author="Bo, Le Quai", published=at(30))]
    web.pages = {
        f"{QUERY}rss": shared_rss("Boats", f"{QUERY}rss", items),
        f"{QUERY}html": shared_page("Boats", f"{QUERY}html"),
        "http://short.example/boats": shared_page("Boats", f"{QUERY}html"),
    }
    fetcher = HttpFetcher(user_agent="tests", connect_to=web.connect_to, host_pause_s=0, clock=lambda: NOW)
    found = discover(new_feed(url), fetcher, clock=lambda: NOW, environment={})
    assert isinstance(found, FoundFeed)
    assert (found.feed.url, found.feed.written_url) == (
        f"{QUERY}rss".replace("0123456789abcdef", "***"),
        f"{QUERY}rss",
    )
    assert "0123456789abcdef" not in repr(found)
    one, two = found.parsed.entries
    assert (one.title, one.author) == ("The <video> element & the A & B quay", "Ana Duval")
    assert (one.published_at, one.date_quality) == (NOW - timedelta(hours=10), DateQuality.GIVEN)
    assert (two.title, two.author, two.link) == (
        "Quays",
        "Bo, Le Quai",
        "http://paper.example/news?n=1700000000000002",
    )


def test_a_shared_query_in_its_json_form_keeps_the_feed_that_each_item_came_from(web: PageServer) -> None:
    url = "http://fresh.example/api/query.php?user=ana&t=0123456789abcdef&f=greader"
    secret = Held(
        number=5, title="A & <b>B</b>", published=at(2), seen=at(1), feed_url="http://me:hidden@paper.example/"
    )
    web.pages = {url: shared_query("Boats", "0123456789abcdef", [ITEMS[0], secret])}
    feed = Feed(id="f", url=url, title="Boats")
    fetcher = HttpFetcher(user_agent="tests", connect_to=web.connect_to, host_pause_s=0, clock=lambda: NOW)
    sources = SourceFetcher(fetcher, {"f": feed}, now=NOW, environment={})
    (fetch,) = sources.fetch([Request(url=url, kind=RequestKind.FEED, item_id="f")])
    assert fetch.page is not None
    parsed = parse_feed(feed, fetch.page)
    assert parsed.title == "Boats"
    one, two = parsed.entries
    assert (one.title, one.author) == ("The <video> element & the A & B quay", "Ana Duval")
    assert (one.source_title, one.source_url) == ("Paper & Ink", "http://paper.example/feed.xml")
    assert (one.published_at, one.date_quality) == (NOW - timedelta(hours=10), DateQuality.GIVEN)
    assert one.content == "<p>The whole text.</p>"
    assert (two.title, two.source_url) == ("A & <b>B</b>", "http://***@paper.example/")
