"""Every source a user has: kinds of feeds, OPML subscriptions, and what stands behind an address."""

import gzip
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsclust import pipeline
from newsclust.demo.server import ReceivedRequest, Reply
from newsclust.errors import ParseError, Reason, SettingsError
from newsclust.fetch import HttpFetcher
from newsclust.model import (
    Count,
    DateQuality,
    Feed,
    FeedList,
    Page,
    PagePolicy,
    ParsedFeed,
    Request,
    RequestKind,
    id_of,
)
from newsclust.sources.discovery import FoundFeed, FoundList, FoundSeveral, discover, new_feed
from newsclust.sources.entries import parse_feed
from newsclust.sources.feed_links import feed_links
from newsclust.sources.fetching import SourceFetcher
from newsclust.sources.freshrss import rss_url
from newsclust.store import Database, runs
from newsclust.urls import canonical
from tests.fakes import Answer, DictFetcher
from tests.loopback import PageAnswer, PageServer, reply

NOW = datetime(2026, 3, 2, 22, tzinfo=UTC)
SHARED = Path(__file__).parents[3] / "shared"


def page(body: str | bytes, url: str = "http://paper.example/", content_type: str = "text/html") -> Page:
    body = body.encode() if isinstance(body, str) else body
    return Page(url=url, final_url=url, fetched_at=NOW, headers={"content-type": content_type}, body=body)


def feed(url: str = "http://paper.example/", **others: object) -> Feed:
    return Feed(id=id_of(canonical(url)), url=url, title="The Paper", **others)  # type: ignore[arg-type]


def rss(*titles: str, name: str = "The Paper", host: str = "paper.example") -> str:
    items = "".join(f"<item><title>{t}</title><link>http://{host}/{t}</link></item>" for t in titles)
    return f"<rss version='2.0'><channel><title>{name}</title><link>http://{host}/</link>{items}</channel></rss>"


def opml(*outlines: str) -> str:
    return f"<opml version='2.0'><head/><body>{''.join(outlines)}</body></opml>"


def outline(name: str) -> str:
    return f"<outline type='rss' text='{name}' xmlUrl='http://{name}.example/feed'/>"


# --- news sitemaps


def sitemap(*addresses: str) -> str:
    return (
        '<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9" '
        f'xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">{"".join(addresses)}</urlset>'
    )


NEWS = (
    "<url><loc>http://paper.example/ferry</loc><lastmod>2026-03-02T11:00:00Z</lastmod><news:news><news:publication>"
    "<news:name>The Paper</news:name><news:language>fr</news:language></news:publication>"
    "<news:publication_date>2026-03-02T10:00:00+01:00</news:publication_date>"
    "<news:title>The ferry &amp; the quay</news:title></news:news>"
    "<image:image><image:loc>http://paper.example/ferry.jpg</image:loc></image:image></url>"
)


def from_sitemap(body: str | bytes) -> ParsedFeed:
    return parse_feed(feed(kind="sitemap"), page(body))


def test_a_news_sitemap_gives_titles_dates_and_languages_and_counts_what_is_no_news() -> None:
    parsed = from_sitemap(sitemap(NEWS, "<url><loc>http://paper.example/about</loc></url>"))
    (entry,) = parsed.entries
    assert (entry.url, entry.title, entry.language) == ("https://paper.example/ferry", "The ferry & the quay", "fr")
    assert (entry.published_at, entry.date_quality) == (datetime(2026, 3, 2, 9, tzinfo=UTC), DateQuality.GIVEN)
    assert entry.updated_at == datetime(2026, 3, 2, 11, tzinfo=UTC)
    assert parsed.title == "The Paper"
    assert parsed.warnings == ("addresses without news: 1",)


def test_a_sitemap_in_a_gzip_file_is_unpacked() -> None:
    assert len(from_sitemap(gzip.compress(sitemap(NEWS).encode())).entries) == 1


@pytest.mark.parametrize(
    ("body", "reason", "told"),
    [
        ("", Reason.EMPTY, "0 bytes"),
        (rss("one"), Reason.NOT_A_FEED, "<rss> is no sitemap"),
        (sitemap("<url><loc>http://paper.example/</loc></url>"), Reason.NOT_A_FEED, "without news"),
        ("<sitemapindex><sitemap><loc>http://paper.example/news.xml</loc></sitemap></sitemapindex>",
         Reason.NOT_A_FEED, "such as http://paper.example/news.xml"),
        ("no xml", Reason.NOT_A_FEED, "no XML"),
        (b"\x1f\x8bbroken", Reason.NOT_A_FEED, "no XML"),
    ],
)  # fmt: skip
def test_what_is_no_news_sitemap_is_refused_with_its_reason(body: str | bytes, reason: Reason, told: str) -> None:
    with pytest.raises(ParseError, match=told) as refused:
        from_sitemap(body)
    assert refused.value.reason is reason


def test_a_sitemap_of_ten_levels_of_entities_does_not_expand() -> None:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 11))
    bomb = f'<!DOCTYPE urlset [<!ENTITY e0 "ha">{levels}<!ENTITY file SYSTEM "file:///etc/passwd">]>'
    hostile = sitemap(NEWS.replace("The ferry", "&e10;&file;The ferry")).replace("<urlset", bomb + "<urlset", 1)
    (entry,) = from_sitemap(hostile).entries
    assert len(entry.title) < 100
    assert "root:" not in entry.title


# --- pages by selector

TEASERS = """<html lang="fr"><head><title> The  Paper </title><base href="http://paper.example/news/"></head><body>
<nav><a href="/about">About us</a></nav>
<main>
<article><a href="ferry.html#top"><img src="f.jpg" alt="A ferry"></a>
  <h2><a href="ferry.html">The ferry is back</a></h2>
  <p><time datetime="2026-03-02T10:00:00+01:00">2 March</time></p></article>
<article><h2><a href="/quay">The quay <b>sinks</b></a></h2></article>
<article><h2><a aria-label="No words" href="silent"></a><a href="#">up</a></h2>
  <time datetime="2026-03-01">1</time></article>
</main></body></html>"""


def selected(select: str, body: str | bytes = TEASERS, content_type: str = "text/html") -> ParsedFeed:
    return parse_feed(feed(kind="page", select=select), page(body, content_type=content_type))


def test_selected_links_are_entries_with_the_title_and_the_date_of_their_teaser() -> None:
    parsed = selected("article a")
    assert [(e.link, e.title, e.date_quality) for e in parsed.entries] == [
        ("http://paper.example/news/ferry.html", "The ferry is back", DateQuality.GIVEN),
        ("http://paper.example/quay", "The quay sinks", DateQuality.MISSING),
        ("http://paper.example/news/silent", "No words", DateQuality.GUESSED),
    ]
    assert parsed.entries[0].published_at == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert {entry.language for entry in parsed.entries} == {"fr"}
    assert parsed.title == "The Paper"


def test_a_selected_element_stands_for_the_first_link_in_it() -> None:
    assert [entry.link for entry in selected("article h2").entries] == [
        "http://paper.example/news/ferry.html",
        "http://paper.example/quay",
        "http://paper.example/news/silent",
    ]


def test_a_page_on_which_nothing_is_selected_is_a_failure_and_no_empty_feed() -> None:
    with pytest.raises(ParseError, match="no link matches 'section a'") as refused:
        selected("section a")
    assert refused.value.reason is Reason.NOTHING_SELECTED


def test_a_page_in_another_charset_is_read_by_its_header_or_its_meta() -> None:
    text = "<html><head>{}</head><body><h2><a href='/1'>L'été à Besançon</a></h2></body></html>"
    by_header = text.format("").encode("cp1252")
    by_meta = text.format("<meta charset='windows-1252'>").encode("cp1252")
    assert selected("h2 a", by_header, "text/html; charset=windows-1252").entries[0].title == "L'été à Besançon"
    assert selected("h2 a", by_meta, "text/html; charset=nonsense").entries[0].title == "L'été à Besançon"


@given(st.binary(max_size=300))
def test_random_bytes_are_entries_or_a_reason_whatever_the_kind(body: bytes) -> None:
    for one in (
        feed(kind="page", select="a"),
        feed(kind="sitemap"),
        feed(kind="account", token_env="T"),
    ):
        for start in (b"", b"<urlset>", b'{"items": [', b"<a href="):
            with suppress(ParseError):
                assert all(entry.feed_id == one.id for entry in parse_feed(one, page(start + body)).entries)


# --- the feeds that a page names


def test_a_page_names_its_feeds_in_its_order_and_once() -> None:
    body = """<html><head><base href="http://paper.example/en/">
        <link rel="stylesheet" href="style.css"><link rel="alternate" hreflang="fr" href="/fr/">
        <link rel="alternate" type="application/json" href="/wp-json/pages/2">
        <link rel="Alternate Home" type="application/RSS+xml; charset=utf-8" title=" All  news " href="feed">
        <link rel="alternate" type="application/atom+xml" href="http://www.paper.example/en/feed/">
        <link rel="alternate" type="application/feed+json" href="/feed.json">
        <link rel="alternate" type="application/rss+xml" href="feed:nonsense">
        <link rel="alternate" type="application/rss+xml" href="/hostile\u202e">
        <link rel="alternate" type="application/rss+xml" title="Comments" href="/comments/feed/"></head></html>"""
    assert [(link.url, link.title, link.of_comments) for link in feed_links(page(body))] == [
        ("http://paper.example/en/feed", "All news", False),
        ("http://paper.example/feed.json", "", False),
        ("http://paper.example/comments/feed/", "Comments", True),
    ]


@pytest.mark.parametrize(
    ("shown", "asked"),
    [
        ("https://fresh.example/api/query.php?user=ana&t=abc123&f=html",
         "https://fresh.example/api/query.php?user=ana&t=abc123&f=rss"),
        ("https://fresh.example/api/query.php?user=ana&t=abc123",
         "https://fresh.example/api/query.php?user=ana&t=abc123&f=rss"),
        ("https://fresh.example/p/i/?a=normal&get=c_2&state=3#top",
         "https://fresh.example/p/i/?get=c_2&state=3&a=rss"),
        ("https://fresh.example/i/?c=index&a=reader&get=s&user=ana&token=***",
         "https://fresh.example/i/?c=index&get=s&user=ana&token=***&a=rss"),
        ("https://fresh.example/i/?get=f_12", "https://fresh.example/i/?get=f_12&a=rss"),
    ],
)  # fmt: skip
def test_a_page_of_freshrss_is_read_in_its_rss_url(shown: str, asked: str) -> None:
    assert rss_url(shown) == asked
    assert rss_url(asked) == asked


@pytest.mark.parametrize(
    "url",
    [
        "https://fresh.example/api/query.php?user=ana&t=abc123&f=opml",
        "https://fresh.example/api/query.php?user=ana&t=abc123&f=greader",
        "https://fresh.example/i/?a=rss&get=c_2&user=ana&token=***&hours=24",
        "https://fresh.example/i/?c=feed&a=add",
        "https://fresh.example/i/",
        "https://paper.example/i/?page=2",
        "https://paper.example/?a=normal&get=1",
        "http://[",
    ],
)
def test_other_addresses_stay_as_they_are(url: str) -> None:
    assert rss_url(url) == url


# --- accounts, by the Google Reader API

TOKEN = "ana/0123456789abcdef"
ACCOUNT = feed("http://fresh.example/api/greader.php", kind="account", token_env="FRESH_TOKEN")
ENVIRONMENT = {"FRESH_TOKEN": TOKEN}


def item(number: int, **others: object) -> dict[str, object]:
    return {
        "id": f"tag:google.com,2005:reader/item/{number:016x}",
        "title": f"News &amp; {number}",
        "published": int(datetime(2026, 3, 2, 10, tzinfo=UTC).timestamp()) + number,
        "author": "Ana",
        "canonical": [{"href": f"http://paper.example/{number}"}],
        "alternate": [{"href": f"http://fresh.example/{number}", "type": "text/html"}],
        "content": {"content": f"<p>Text {number}<script>steal()</script></p>"},
        "origin": {"streamId": "feed/12", "title": "The Paper", "htmlUrl": "http://paper.example/"},
        **others,
    }


def http(web: PageServer) -> HttpFetcher:
    return HttpFetcher(user_agent="tests", connect_to=web.connect_to, host_pause_s=0, clock=lambda: NOW)


def sources(web: PageServer, *feeds: Feed, environment: dict[str, str] | None = None) -> SourceFetcher:
    known = {one.id: one for one in feeds}
    return SourceFetcher(http(web), known, now=NOW, environment=environment or ENVIRONMENT)


def request(one: Feed) -> Request:
    return Request(url=one.url, kind=RequestKind.FEED, item_id=one.id, etag='"old"')


def in_order(*answers: PageAnswer) -> Callable[[ReceivedRequest], Reply]:
    left = list(answers)

    def next_one(asked: ReceivedRequest) -> Reply:
        told = left.pop(0)
        return told if isinstance(told, Reply) else told(asked)

    return next_one


def told(value: object, **others: object) -> Reply:
    return reply(body=json.dumps(value), content_type="application/json", **others)  # type: ignore[arg-type]


CONTENTS = "http://fresh.example/api/greader.php/reader/api/0/stream/contents/user/-/state/com.google/reading-list"


def test_an_account_is_read_answer_by_answer_and_keeps_author_source_and_date() -> None:
    pages: dict[str, PageAnswer] = {
        CONTENTS: in_order(told({"items": [item(1), item(2)], "continuation": "77"}), told({"items": [item(3)]}))
    }
    with PageServer(pages) as web:
        (fetch,) = sources(web, ACCOUNT).fetch([request(ACCOUNT)])
    assert fetch.page is not None
    assert [parse_qs(one.url.partition("?")[2]).get("c") for one in web.requests] == [None, ["77"]]
    since = {parse_qs(one.url.partition("?")[2])["ot"][0] for one in web.requests}
    assert since == {str(int((NOW - timedelta(days=7)).timestamp()))}
    assert {one.headers["authorization"] for one in web.requests} == {f"GoogleLogin auth={TOKEN}"}
    parsed = parse_feed(ACCOUNT, fetch.page)
    assert [entry.title for entry in parsed.entries] == ["News & 1", "News & 2", "News & 3"]
    entry = parsed.entries[0]
    assert (entry.url, entry.author, entry.content) == ("https://paper.example/1", "Ana", "<p>Text 1</p>")
    assert (entry.source_title, entry.source_url) == ("The Paper", "http://paper.example/")
    assert (entry.published_at, entry.date_quality) == (
        datetime(2026, 3, 2, 10, 0, 1, tzinfo=UTC),
        DateQuality.GIVEN,
    )
    assert (fetch.request.url, fetch.final_url, fetch.etag) == (ACCOUNT.url, ACCOUNT.url, None)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (reply(status=401, body="Unauthorized"), Reason.FORBIDDEN),
        (reply(status=503), Reason.THROTTLED),
        (told({"error": "no"}), Reason.NOT_A_FEED),
        (reply(body="<html>log in</html>"), Reason.NOT_A_FEED),
    ],
)
def test_an_account_that_fails_at_once_is_one_error(answer: Reply, reason: Reason) -> None:
    with PageServer({CONTENTS: answer}) as web:
        (fetch,) = sources(web, ACCOUNT).fetch([request(ACCOUNT)])
    assert fetch.error is not None
    assert (fetch.error.reason, fetch.page, fetch.request.url) == (reason, None, ACCOUNT.url)
    assert TOKEN not in repr(fetch)


@pytest.mark.parametrize("answer", [reply(status=503), told({"error": "no"}), reply(body="<html>log in</html>")])
def test_what_an_account_gave_before_it_failed_is_kept_and_the_rest_is_told(answer: Reply) -> None:
    pages: dict[str, PageAnswer] = {CONTENTS: in_order(told({"items": [item(1)], "continuation": "1"}), answer)}
    with PageServer(pages) as web:
        (fetch,) = sources(web, ACCOUNT).fetch([request(ACCOUNT)])
    assert (fetch.error, fetch.request.url) == (None, ACCOUNT.url)
    assert fetch.page is not None
    parsed = parse_feed(ACCOUNT, fetch.page)
    assert [entry.title for entry in parsed.entries] == ["News & 1"]
    assert "left out: what a failed answer would hold" in parsed.warnings[0]
    assert TOKEN not in repr(fetch)


def test_an_account_without_its_token_is_not_asked() -> None:
    with PageServer({}) as web:
        (fetch,) = sources(web, ACCOUNT, environment={"OTHER": "x"}).fetch([request(ACCOUNT)])
    assert fetch.error is not None
    assert (fetch.error.reason, fetch.error.detail) == (
        Reason.NO_TOKEN,
        "FRESH_TOKEN is not set in the environment",
    )
    assert web.requests == []


def test_an_account_that_never_ends_is_left_after_twenty_answers_and_says_so() -> None:
    pages: dict[str, PageAnswer] = {
        CONTENTS: lambda asked: told({"items": [item(len(web.requests))], "continuation": "1"})
    }
    with PageServer(pages) as web:
        (fetch,) = sources(web, ACCOUNT).fetch([request(ACCOUNT)])
    assert fetch.page is not None
    assert parse_feed(ACCOUNT, fetch.page).warnings == ("left out: all but the first 20 answers",)


def test_an_account_does_not_move_to_where_one_of_its_answers_did() -> None:
    moved = reply(status=301, headers={"location": "/moved"})
    with PageServer({CONTENTS: moved, "http://fresh.example/moved": told({"items": [item(1)]})}) as web:
        (fetch,) = sources(web, ACCOUNT).fetch([request(ACCOUNT)])
    assert fetch.page is not None
    assert (fetch.moved_to, fetch.final_url) == (None, ACCOUNT.url)


def test_a_token_is_sent_to_no_other_host() -> None:
    elsewhere = reply(status=302, headers={"location": "http://thief.example/"})
    caught = told({"items": []})
    with PageServer({CONTENTS: elsewhere, "http://thief.example/": caught}) as web:
        list(sources(web, ACCOUNT).fetch([request(ACCOUNT)]))
    assert [("authorization" in one.headers) for one in web.requests] == [True, False]


def test_a_page_of_freshrss_in_the_list_is_asked_for_its_rss() -> None:
    one = feed("http://fresh.example/api/query.php?user=ana&t=abc&f=html")
    asked = "http://fresh.example/api/query.php?user=ana&t=abc&f=rss&nb=400&order=DESC"
    with PageServer({asked: reply(body=rss("one"))}) as web:
        (fetch,) = sources(web, one).fetch([request(one)])
    assert fetch.page is not None
    assert parse_feed(one, fetch.page).entries[0].title == "one"


def test_the_secret_of_a_freshrss_page_is_told_to_the_site_alone() -> None:
    shown = "http://fresh.example/i/?a=normal&get=s&user=ana&token=***"
    one = feed(shown)
    asked = request(one)
    asked = replace(asked, secret_url=shown.replace("***", "s3cr3t-s3cr3t"))
    rss_url = "http://fresh.example/i/?get=s&user=ana&token=s3cr3t-s3cr3t&a=rss&nb=400&order=DESC"
    with PageServer({rss_url: reply(body=rss("one").replace("News", "s3cr3t-s3cr3t"))}) as web:
        (fetch,) = sources(web, one).fetch([asked])
    assert web.urls == [rss_url]
    assert fetch.page is not None
    assert "s3cr3t" not in repr(fetch)


# --- looking behind an address


def looked(pages: dict[str, PageAnswer], one: Feed) -> tuple[object, list[str]]:
    with PageServer(pages) as web:
        found = discover(one, http(web), clock=lambda: NOW, environment=ENVIRONMENT)
    return found, web.urls


def test_a_feed_is_found_with_its_title_and_its_site_and_asked_once() -> None:
    found, asked = looked({"http://paper.example/rss": reply(body=rss("one"))}, new_feed("http://paper.example/rss"))
    assert isinstance(found, FoundFeed)
    assert (found.feed.title, found.feed.site_url, found.feed.kind) == (
        "The Paper",
        "http://paper.example/",
        "feed",
    )
    assert asked == ["http://paper.example/rss"]


def naming(**feeds: str) -> str:
    """A page that names feeds: title=path."""
    links = (f'<link rel="alternate" type="application/rss+xml" title="{t}" href="{at}">' for t, at in feeds.items())
    return f"<html><head>{''.join(links)}</head><body>Hello</body></html>"


def test_a_site_leads_to_the_feed_that_it_names() -> None:
    pages: dict[str, PageAnswer] = {
        "http://paper.example/": reply(body=naming(News="/feed")),
        "http://paper.example/feed": reply(body=rss("one")),
    }
    found, asked = looked(pages, new_feed("http://paper.example/"))
    assert isinstance(found, FoundFeed)
    assert found.feed.url == "http://paper.example/feed"
    assert found.how == "the feed that the page http://paper.example/ names"
    assert asked == ["http://paper.example/", "http://paper.example/feed"]


def test_the_feed_of_comments_is_no_choice_beside_the_news() -> None:
    links = naming(News="/feed", Comments="/comments/feed")
    pages: dict[str, PageAnswer] = {
        "http://paper.example/": reply(body=links),
        "http://paper.example/feed": reply(body=rss("one")),
    }
    found, _ = looked(pages, new_feed("http://paper.example/"))
    assert isinstance(found, FoundFeed)


def test_of_several_feeds_the_person_chooses() -> None:
    links = naming(News="/feed", Tech="/tech/feed")
    found, asked = looked({"http://paper.example/": reply(body=links)}, new_feed("http://paper.example/"))
    assert isinstance(found, FoundSeveral)
    assert [link.title for link in found.links] == ["News", "Tech"]
    assert asked == ["http://paper.example/"]


def test_the_usual_addresses_are_the_last_resort_and_asked_until_one_answers() -> None:
    pages: dict[str, PageAnswer] = {
        "http://paper.example/blog/": reply(body="<html><body>Hello</body></html>"),
        "http://paper.example/rss.xml": reply(body=rss("one")),
    }
    found, asked = looked(pages, new_feed("http://paper.example/blog/"))
    assert isinstance(found, FoundFeed)
    assert found.how == "a feed that http://paper.example/blog/ does not name"
    assert asked[1:] == ["http://paper.example/feed/", "http://paper.example/rss", "http://paper.example/rss.xml"]


def test_an_opml_address_and_a_news_sitemap_are_what_they_are() -> None:
    listed, _ = looked(
        {"http://lists.example/a": reply(body=opml(outline("one")))}, new_feed("http://lists.example/a")
    )
    assert isinstance(listed, FoundList)
    assert [one.title for one in listed.opml.feeds] == ["one"]
    mapped, _ = looked({"http://paper.example/m": reply(body=sitemap(NEWS))}, new_feed("http://paper.example/m"))
    assert isinstance(mapped, FoundFeed)
    assert mapped.feed.kind == "sitemap"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (reply(status=404), r"http://paper\.example/: not_found \(HTTP 404\)"),
        (reply(body=""), "empty"),
        (reply(body='{"error": 1}', content_type="application/json"), "not_a_feed"),
        (
            reply(body="<html><body>Hello</body></html>"),
            "html_not_feed .the page names no feed, and there is none at /feed/",
        ),
        (reply(body=naming(News="/gone")), r"http://paper\.example/gone: not_found"),
    ],
)
def test_where_there_is_no_feed_the_address_and_the_reason_are_told(answer: Reply, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        looked({"http://paper.example/": answer}, new_feed("http://paper.example/"))


def test_what_is_no_address_is_told() -> None:
    with pytest.raises(SettingsError, match="is no address of a page"):
        new_feed("paper")


# --- nights


@dataclass
class Nights:
    """Nights over a dict for a web, as far as the entries."""

    path: Path

    def live(
        self,
        web: dict[str, Answer],
        day: int,
        feeds: Sequence[Feed] = (),
        lists: Sequence[FeedList] = (),
    ) -> dict[str, Count]:
        now = NOW + timedelta(days=day)
        fetcher = DictFetcher(web, lambda: now)
        with Database(self.path, now=now) as db:
            run = runs.begin_run(db, flow="test", night_at=now, started_at=now, settings={})
            return {
                "lists": pipeline.fetch_lists(db, run, fetcher, lambda: now, lists, {}),
                "sync": pipeline.sync_feeds(db, run, feeds, lists),
                "fetch": pipeline.fetch_feeds(db, run, fetcher, environment=ENVIRONMENT),
                "parse": pipeline.parse_feeds(db, run, lambda: now),
            }

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        with Database(self.path) as db:
            return db.connection.execute(sql).fetchall()


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    return Nights(tmp_path / "night.duckdb")


LIST = FeedList(id=id_of("list", "https://lists.example/a"), url="https://lists.example/a", tags=("friends",))


def test_the_feeds_of_a_opml_subscription_come_and_go_with_it_and_stay_when_it_fails(nights: Nights) -> None:
    def listed() -> list[tuple[object, ...]]:
        return nights.rows("SELECT title, tags, listed_by FROM feeds WHERE listed ORDER BY title")

    web = {LIST.url: Answer(body=opml(outline("one"), outline("two")), etag="v1")}
    assert nights.live(web, 0, lists=[LIST])["lists"] == Count(done=1)
    one, two = ("one", ["friends"], LIST.url), ("two", ["friends"], LIST.url)
    assert listed() == [one, two]
    assert nights.live(web, 1, lists=[LIST])["lists"] == Count(skipped=1)  # it has not changed
    assert listed() == [one, two]
    changed = {LIST.url: Answer(body=opml(outline("two"), outline("three")))}
    nights.live(changed, 2, lists=[LIST])
    assert [row[0] for row in listed()] == ["three", "two"]
    for day, bad in enumerate(
        (
            Answer(status=500, reason=Reason.SERVER_ERROR),
            Answer(body="<html>log in</html>"),
            Answer(body=opml("<outline text='an empty folder'/>")),
        ),
        start=3,
    ):
        assert nights.live({LIST.url: bad}, day, lists=[LIST])["lists"] == Count(failed=1)
        assert [row[0] for row in listed()] == ["three", "two"]
    assert [
        row[0] for row in nights.rows("SELECT reason FROM fetches WHERE reason IN ('server_error', 'not_a_list')")
    ] == [
        "server_error",
        "not_a_list",
        "not_a_list",
    ]
    nights.live({}, 6, lists=[])
    assert listed() == []


@pytest.mark.parametrize("is_file", [False, True])
def test_a_list_that_breaks_off_unlists_none_of_the_feeds_behind(
    nights: Nights, tmp_path: Path, is_file: bool
) -> None:
    file = tmp_path / "mine.opml" if is_file else None
    listed = FeedList(id=id_of("list", "l"), url="mine.opml" if is_file else LIST.url, file=file)
    whole = opml(*map(outline, ("one", "two", "three")))

    def live(body: str, day: int) -> Count:
        if file:
            file.write_text(body)
        return nights.live({LIST.url: Answer(body=body)}, day, lists=[listed])["lists"]

    assert live(whole, 0) == Count(done=1)
    for day, end in enumerate((whole.index("two") + 2, whole.index("</body>"), whole.index("</opml>")), start=1):
        assert live(whole[:end], day) == Count(failed=1)
        assert len(nights.rows("FROM feeds WHERE listed")) == 3
    assert nights.rows("SELECT DISTINCT reason, detail FROM failures WHERE step = 'fetch_lists'") == [
        ("not_a_list", "it breaks off in line 1, without </opml>: whatever stood behind is missing")
    ]
    (notice,) = nights.rows("SELECT DISTINCT text FROM night_notices WHERE kind = 'lists'")
    assert "its feeds are those of its last good state" in str(notice)


def test_what_a_person_says_of_a_feed_goes_before_what_a_list_says(nights: Nights) -> None:
    mine = feed("http://one.example/feed", pages=PagePolicy.ALWAYS)
    nights.live({LIST.url: Answer(body=opml(outline("one")))}, 0, feeds=[mine], lists=[LIST])
    assert nights.rows("SELECT title, page_policy AS pages, listed_by FROM feeds") == [("The Paper", "always", None)]


def test_credentials_and_variables_in_a_list_of_others_are_not_kept(nights: Nights) -> None:
    secret = "<outline type='rss' text='Paid' xmlUrl='http://paid.example/feed?token=s3cr3t-s3cr3t'/>"
    thief = "<outline type='rss' text='Thief' xmlUrl='http://thief.example/?u=${HOME}'/>"
    nights.live({LIST.url: Answer(body=opml(secret, thief, outline("one")))}, 0, lists=[LIST])
    assert nights.rows("SELECT title FROM feeds") == [("one",)]
    assert b"s3cr3t" not in nights.path.read_bytes()


def test_a_list_in_a_file_is_read_each_night(nights: Nights, tmp_path: Path) -> None:
    file = tmp_path / "mine.opml"
    local = FeedList(id=id_of("list", "mine.opml"), url="mine.opml", file=file)
    file.write_text(opml(outline("one")))
    assert nights.live({}, 0, lists=[local])["lists"] == Count(done=1)
    file.unlink()
    assert nights.live({}, 1, lists=[local])["lists"] == Count(failed=1)
    assert nights.rows("SELECT title FROM feeds WHERE listed") == [("one",)]
    assert nights.rows("SELECT item, reason FROM failures WHERE step = 'fetch_lists'") == [("mine.opml", "not_found")]


def test_each_kind_of_feed_lives_a_night_and_names_its_sources(nights: Nights) -> None:
    mapped = feed("http://map.example/news.xml", kind="sitemap")
    shown = feed("http://page.example/", kind="page", select="h2 a")
    collected = "<source url='http://quai.example/flux'>Le Quai</source>"
    plain = feed("http://plain.example/feed")
    since = int((NOW - timedelta(days=7)).timestamp())
    web = {
        mapped.url: Answer(body=sitemap(NEWS)),
        shown.url: Answer(body="<h2><a href='/1'>One</a></h2>"),
        plain.url: Answer(body=rss("x").replace("</item>", f"{collected}</item>")),
        f"{CONTENTS}?output=json&n=250&ot={since}": Answer(body=json.dumps({"items": [item(1)]})),
    }
    counts = nights.live(web, 0, feeds=[mapped, shown, plain, ACCOUNT])
    assert counts["parse"] == Count(done=4)
    rows = nights.rows(
        "SELECT kind, selector, token_env, entries.title, source_title, source_url "
        "FROM entries JOIN feeds USING (feed_id) ORDER BY kind"
    )
    assert rows == [
        ("account", None, "FRESH_TOKEN", "News & 1", "The Paper", "http://paper.example/"),
        ("feed", None, None, "x", "Le Quai", "http://quai.example/flux"),
        ("page", "h2 a", None, "One", None, None),
        ("sitemap", None, None, "The ferry & the quay", None, None),
    ]
    assert TOKEN.encode() not in nights.path.read_bytes()
    again = nights.live(web, 1, feeds=[mapped, shown, plain, ACCOUNT])
    assert (again["sync"], again["parse"].done) == (Count(skipped=4), 0)


def test_a_listed_feed_that_changes_its_kind_is_changed_in_the_store(nights: Nights) -> None:
    one = feed("http://page.example/", kind="page", select="h2 a")
    nights.live({}, 0, feeds=[one])
    assert nights.live({}, 1, feeds=[replace(one, select="h3 a")])["sync"] == Count(done=1)
    assert nights.rows("SELECT selector FROM feeds") == [("h3 a",)]


# --- what the project was asked from


def test_the_feeds_behind_the_freshrss_pages_keep_author_and_date_of_each_item() -> None:
    folder = SHARED / "seeds" / "feeds"
    if not folder.is_dir():
        pytest.skip("needs the documents that the project was asked from, which are not part of it")
    written = json.loads((folder / "items.json").read_text())
    for path in sorted(folder.glob("*.xml")):
        parsed = parse_feed(feed(), page(path.read_bytes(), content_type="application/rss+xml"))
        told = {one["link"]: one for one in written if one["feed"] == path.stem}
        for entry in parsed.entries:
            one = told.get(entry.link)
            if one is not None:
                assert entry.author == (one["author"] or None)
                assert not one["published"] or entry.published_at == datetime.fromisoformat(one["published"])
        assert set(told) <= {entry.link for entry in parsed.entries}
