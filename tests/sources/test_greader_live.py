"""Accounts of FreshRSS and Miniflux: every question and every field, against servers that answer as these do."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsclust.errors import Reason
from newsclust.fetch import HttpFetcher
from newsclust.model import DateQuality, Entry, Feed, Fetch, Page, ParsedFeed, Request, RequestKind, id_of
from newsclust.sources.discovery import FoundFeed, discover, new_feed
from newsclust.sources.entries import parse_feed
from newsclust.sources.fetching import SourceFetcher
from newsclust.sources.greader_api import read_labels, stream_of
from newsclust.urls import canonical
from tests.loopback import PageAnswer, PageServer, reply
from tests.readers import FreshReader, Held, Miniflux, SharedQuery, shared_page, shared_query, shared_rss

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


# ---------------------------------------------------------------- what live servers do otherwise than one expects


@pytest.mark.parametrize("root", [FRESH, MINI])
def test_a_label_that_the_account_does_not_have_is_an_error_that_names_those_it_has(
    web: PageServer, root: str
) -> None:
    _, fetch = fetched(web, f"{root}/reader/api/0/stream/contents/user/-/label/Boots")
    assert fetch.error is not None
    assert (fetch.error.reason, fetch.page) == (Reason.NOT_A_FEED, None)
    assert fetch.error.detail == "no label 'Boots' in the account, but Boats & quays, Slow/fast"


def test_a_label_without_an_item_of_this_week_is_an_empty_feed(web: PageServer) -> None:
    old = [held(1, seen=at(24 * 30), published=at(24 * 30), label="Old")]
    web.pages = {"http://fresh.example/*": FreshReader(token=TOKEN, items=old)}
    assert entries(web, f"{FRESH}/reader/api/0/stream/contents/user/-/label/Old") == []


def test_a_label_with_a_slash_is_not_the_label_before_its_slash(web: PageServer) -> None:
    both = [held(1, title="Slow news", label="Slow"), held(2, title="Fast news", label="Slow/fast")]
    web.pages = {"http://fresh.example/*": FreshReader(token=TOKEN, items=both)}
    (entry,) = entries(web, f"{FRESH}/reader/api/0/stream/contents/user/-/label/Slow/fast")
    assert entry.title == "Fast news"


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Tides &amp; ferries: l&#8217;&eacute;t&eacute; &quot;bleu&quot;", 'Tides & ferries: l’été "bleu"'),
        ("Salt & pepper <em>again</em>", "Salt & pepper again"),
        ("When a < b and b > c", "When a < b and b > c"),
        ("R&D at A&B", "R&D at A&B"),
    ],
)
def test_a_title_with_markup_of_its_feed_is_read_as_the_feed_itself_would_be(
    web: PageServer, title: str, shown: str
) -> None:
    web.pages = {"http://fresh.example/*": FreshReader(token=TOKEN, items=[held(1, title=title)])}
    assert entries(web, FRESH)[0].title == shown
    web.pages = {"http://fresh.example/api/query.php": SharedQuery(items=[held(1, title=title)])}
    (entry,) = query_result(web, f"{QUERY}greader").entries
    assert entry.title == shown


def test_names_of_authors_and_outlets_lose_the_full_width_of_freshrss(web: PageServer) -> None:
    one = held(1, author="Zoé; Bob, Jr & Co?", outlet="Ports / Quays, what? & more; end")
    web.pages = {"http://fresh.example/*": FreshReader(token=TOKEN, items=[one])}
    (entry,) = entries(web, FRESH)
    assert (entry.author, entry.source_title) == (one.author, one.outlet)


def test_an_author_whose_escapes_lost_a_semicolon_is_read(web: PageServer) -> None:
    web.pages = {"http://fresh.example/api/query.php": SharedQuery(items=[held(1, author="Li &quot;Bo&quot")])}
    (entry,) = query_result(web, f"{QUERY}greader").entries
    assert entry.author == 'Li "Bo"'


def test_what_arrives_at_miniflux_with_an_old_date_comes(web: PageServer) -> None:
    late = held(90, title="Late", published=at(24 * 12), seen=at(3))
    web.pages = {"http://mini.example/*": Miniflux(token=TOKEN, items=[*ITEMS[:2], late])}
    assert "Late" in {entry.title for entry in entries(web, MINI)}


def test_what_was_starred_at_miniflux_this_week_comes_however_old_it_is(web: PageServer) -> None:
    old = {"published": at(24 * 90), "seen": at(24 * 90), "is_starred": True}
    items = [held(1, title="New star", touched=at(2), **old), held(2, title="Old star", touched=at(24 * 60), **old)]
    web.pages = {"http://mini.example/*": Miniflux(token=TOKEN, items=items)}
    (entry,) = entries(web, f"{MINI}/reader/api/0/stream/contents/user/-/state/com.google/starred")
    assert entry.title == "New star"


def test_an_account_of_years_is_asked_for_what_came_lately_alone(web: PageServer) -> None:
    many = [held(number, published=at(number), seen=at(24 * 8 + number)) for number in range(1, 2000)]
    newest = held(2001, title="Newest", published=at(1), seen=at(1))
    web.pages = {"http://mini.example/*": Miniflux(token=TOKEN, items=[*many, newest])}
    (entry,) = entries(web, MINI)
    assert entry.title == "Newest"
    assert len([url for url in web.urls if "items/contents" in url]) == 2


@pytest.mark.parametrize("form", ["rss", "greader"])
@pytest.mark.parametrize(("allowed", "newest_first"), [(400, True), (400, False), (25, True)])
def test_a_shared_query_is_read_on_to_its_end(web: PageServer, form: str, allowed: int, newest_first: bool) -> None:
    items = [held(number, title=f"Ferry {number}", seen=at(number / 10)) for number in range(1, 92)]
    query = SharedQuery(items=items, allowed=allowed, newest_first=newest_first)
    web.pages = {"http://fresh.example/api/query.php": query}
    parsed = query_result(web, f"{QUERY}{form}")
    assert sorted(entry.title for entry in parsed.entries) == sorted(one.title for one in items)
    assert [warning for warning in parsed.warnings if "left out" in warning] == []


def test_a_new_query_brings_its_newest_and_the_week_and_not_the_years_before(web: PageServer) -> None:
    items = [held(number, title=f"Ferry {number}", seen=at(number)) for number in range(1, 2000)]
    web.pages = {"http://fresh.example/api/query.php": SharedQuery(items=items)}
    assert len(query_result(web, f"{QUERY}rss").entries) == 400


@pytest.mark.parametrize("form", ["rss", "greader"])
def test_what_a_query_gave_before_it_failed_is_kept_and_the_rest_is_told(web: PageServer, form: str) -> None:
    items = [held(number, seen=at(number / 10)) for number in range(1, 92)]
    web.pages = {"http://fresh.example/api/query.php": SharedQuery(items=items, allowed=40, failing_from=40)}
    parsed = query_result(web, f"{QUERY}{form}")
    assert len(parsed.entries) == 40
    (warning,) = [one for one in parsed.warnings if one.startswith("left out")]
    assert "what comes after 40 items" in warning


def test_how_many_items_a_query_gives_is_left_to_who_wrote_it(web: PageServer) -> None:
    items = [held(number, seen=at(number / 10)) for number in range(1, 92)]
    web.pages = {"http://fresh.example/api/query.php": SharedQuery(items=items)}
    assert len(query_result(web, f"{QUERY}rss&nb=30").entries) == 30
    assert len(web.urls) == 1


CAPTURES = Path(__file__).parents[3] / "shared" / "data" / "readers"


@pytest.mark.skipif(not CAPTURES.exists(), reason="no answers of live readers beside the repository")
@pytest.mark.parametrize(
    ("name", "items", "sources"),
    [
        ("freshrss_account_page1.json", 2, 1),
        ("freshrss_account_cdata.json", 5, 2),
        ("freshrss_account_after_last.json", 0, 0),
        ("freshrss_query_category.greader", 3, 1),
        ("freshrss_query_amp_titles.greader", 1, 1),
        ("freshrss_query_onefeed.greader", 3, 0),
        ("miniflux_items_contents.json", 2, 1),
    ],
)
def test_what_live_readers_answered_is_read_whole_and_without_escapes(name: str, items: int, sources: int) -> None:
    feed = Feed(id="f", url="http://reader.example/api", title="Mine", kind="account", token_env="TOKEN")
    page = Page(
        url=feed.url,
        final_url=feed.url,
        fetched_at=NOW,
        headers={"content-type": "application/json"},
        body=(CAPTURES / name).read_bytes(),
    )
    found = parse_feed(feed, page).entries
    assert (len(found), len({entry.source_title for entry in found} - {None})) == (items, sources)
    words = [text for entry in found for text in (entry.title, entry.author, entry.source_title) if text]
    assert [text for text in words if re.search(r"&(?:#\d+|amp|quot|lt|gt|eacute)\b|</|[＆＜＞／，；？]", text)] == []


@pytest.mark.skipif(not CAPTURES.exists(), reason="no answers of live readers beside the repository")
def test_the_labels_of_a_live_reader_are_read() -> None:
    labels = read_labels((CAPTURES / "freshrss_tag_list.json").read_bytes())
    assert len(labels) == 5
    assert [label for label in labels if "/" in label]


def query_result(web: PageServer, url: str) -> ParsedFeed:
    feed = Feed(id="f", url=url, title="Boats")
    fetcher = HttpFetcher(user_agent="tests", connect_to=web.connect_to, host_pause_s=0, clock=lambda: NOW)
    sources = SourceFetcher(fetcher, {"f": feed}, now=NOW, environment={})
    (fetch,) = sources.fetch([Request(url=url, kind=RequestKind.FEED, item_id="f")])
    assert fetch.page is not None, fetch.error
    return parse_feed(feed, fetch.page)


QUERY = "http://fresh.example/api/query.php?user=ana&t=0123456789abcdef&f="


@pytest.mark.parametrize("url", [f"{QUERY}html", f"{QUERY}rss", "http://short.example/boats"])
def test_a_shared_query_is_found_from_its_page_and_keeps_authors_and_dates(web: PageServer, url: str) -> None:
    items = [ITEMS[0], held(1700000000000002, title="Quays", author="Bo, Le Quai", published=at(30))]
    web.pages = {
        "http://fresh.example/api/query.php": shared_rss("Boats", f"{QUERY}rss", items),
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
    web.pages = {url.partition("?")[0]: shared_query("Boats", "0123456789abcdef", [ITEMS[0], secret])}
    parsed = query_result(web, url)
    assert parsed.title == "Boats"
    one, two = parsed.entries
    assert (one.title, one.author) == ("The <video> element & the A & B quay", "Ana Duval")
    assert (one.source_title, one.source_url) == ("Paper & Ink", "http://paper.example/feed.xml")
    assert (one.published_at, one.date_quality) == (NOW - timedelta(hours=10), DateQuality.GIVEN)
    assert one.content == "<p>The whole text.</p>"
    assert (two.title, two.source_url) == ("A & B", "http://***@paper.example/")
