"""`newsclust feeds add` and `newsclust feeds preview` over a small web on loopback."""

import json
import re
from collections.abc import Iterator
from email.utils import format_datetime
from pathlib import Path

import pytest

from newsclust.demo.server import Reply
from newsclust.model import Feed
from newsclust.sources.feeds_toml import read_feeds, read_lists, write_feeds
from newsclust.store import Database, feeds, runs
from tests.loopback import PageAnswer, PageServer, reply
from tests.sources.test_discovery import (
    CONTENTS,
    NEWS,
    NOW,
    TEASERS,
    TOKEN,
    item,
    naming,
    opml,
    outline,
    rss,
    sitemap,
    told,
)
from tests.terminal import Ended, Terminal

ACCOUNT = "http://fresh.example/api/greader.php"
WEB: dict[str, PageAnswer] = {
    "http://paper.example/": reply(body=naming(News="/feed", Comments="/comments/feed")),
    "http://paper.example/feed": reply(body=rss("one", "two"), content_type="application/rss+xml"),
    "http://two.example/": reply(body=naming(News="/feed", Tech="/tech", Gone="/gone")),
    "http://two.example/feed": reply(body=rss("one", name="Two: news"), content_type="application/rss+xml"),
    "http://two.example/tech": reply(body=rss("one", name="Two: tech"), content_type="application/rss+xml"),
    "http://quai.example/": reply(body=TEASERS),
    "http://map.example/news.xml": reply(body=sitemap(NEWS), content_type="text/xml"),
    "http://lists.example/tech.opml": reply(body=opml(outline("one"), outline("two"), "<outline text='Odd'/>")),
    "http://fresh.example/api/query.php": reply(body=rss("one", name="Shared"), content_type="application/rss+xml"),
    CONTENTS: told({"items": [item(1)]}),
}


@pytest.fixture
def web() -> Iterator[PageServer]:
    with PageServer(dict(WEB)) as web:
        yield web


@pytest.fixture
def newsclust(terminal: Terminal, web: PageServer, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal in an empty folder whose fetcher finds every host in the small web."""
    options = {"connect_to": web.connect_to, "host_pause_s": 0}
    monkeypatch.setenv("NEWSCLUST_FETCH__OPTIONS", json.dumps(options))
    monkeypatch.setenv("NEWSCLUST_PATHS__FEEDS", "feeds.toml")
    monkeypatch.setenv("FRESH_TOKEN", TOKEN)
    monkeypatch.setenv("COLUMNS", "300")
    return terminal


LISTED = Path("feeds.toml")


def added(newsclust: Terminal, *arguments: str) -> Ended:
    ended = newsclust("feeds", "add", *arguments)
    assert ended.code == 0, ended.err
    return ended


def test_adding_a_feed_shows_what_it_found_writes_it_and_requests_it_once(
    newsclust: Terminal, web: PageServer
) -> None:
    ended = added(newsclust, "http://paper.example/feed", "--tag", "tech", "--tag", "boats", "--language", "en")
    assert "http://paper.example/feed is a feed: The Paper, 2 entries" in ended.out
    assert "newsclust feeds preview 'http://paper.example/feed'" in ended.out
    (feed,) = read_feeds(LISTED)
    assert (feed.title, feed.tags, feed.language) == ("The Paper", ("tech", "boats"), "en")
    assert web.urls == ["http://paper.example/feed"]


def test_adding_keeps_what_a_person_wrote_byte_for_byte(newsclust: Terminal) -> None:
    written = '# mine\n\n[[feed]]\nurl = "http://old.example/feed"  # first\ntitle = "Old"\n'
    LISTED.write_text(written)
    added(newsclust, "http://paper.example/feed")
    assert LISTED.read_text().startswith(written)
    assert [feed.title for feed in read_feeds(LISTED)] == ["Old", "The Paper"]


def test_adding_a_site_adds_the_feed_that_it_names(newsclust: Terminal) -> None:
    ended = added(newsclust, "http://paper.example/")
    assert "is the feed that the page http://paper.example/ names" in ended.out
    (feed,) = read_feeds(LISTED)
    assert (feed.url, feed.site_url) == ("http://paper.example/feed", "http://paper.example/")


def test_of_several_feeds_one_is_named_or_all_are_added(newsclust: Terminal) -> None:
    ended = newsclust("feeds", "add", "http://two.example/")
    assert ended.code == 2
    assert "http://two.example/tech" in ended.out
    assert "name one of these 3 feeds, or add them with --all" in ended.err
    assert not LISTED.exists()
    ended = added(newsclust, "http://two.example/", "--all")
    assert "left out: http://two.example/gone: not_found" in ended.err
    assert [feed.title for feed in read_feeds(LISTED)] == ["Two: news", "Two: tech"]


def test_adding_an_opml_address_keeps_it_as_a_subscription(newsclust: Terminal) -> None:
    ended = added(newsclust, "http://lists.example/tech.opml", "--tag", "friends")
    assert "is a list of 2 feeds" in ended.out
    assert "Odd: left out" in ended.out
    assert read_feeds(LISTED) == []
    (one,) = read_lists(LISTED)
    assert (one.url, one.tags, one.file) == ("http://lists.example/tech.opml", ("friends",), None)
    again = newsclust("feeds", "add", "http://lists.example/tech.opml")
    assert (again.code, "listed in feeds.toml already" in again.err) == (2, True)
    assert "http://lists.example/tech.opml" in newsclust("feeds", "list").out


def test_adding_an_opml_file_keeps_its_path_from_the_list(
    newsclust: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEWSCLUST_PATHS__FEEDS", "lists/feeds.toml")
    Path("mine.opml").write_text(opml(outline("one")))
    added(newsclust, "mine.opml")
    (one,) = read_lists(Path("lists/feeds.toml"))
    assert one.url == "../mine.opml"
    assert one.file is not None
    assert one.file.resolve() == Path("mine.opml").resolve()


def test_adding_a_page_of_freshrss_adds_its_rss_form(newsclust: Terminal, web: PageServer) -> None:
    added(newsclust, "http://fresh.example/api/query.php?user=ana&t=abc&f=html")
    (feed,) = read_feeds(LISTED)
    asked = "http://fresh.example/api/query.php?user=ana&t=abc&f=rss"
    assert (feed.title, feed.url, feed.written_url) == ("Shared", asked.replace("abc", "***"), asked)
    assert web.urls == [f"{asked}&nb=400&order=DESC"]


def two_queries(newsclust: Terminal) -> list[str]:
    """Two shared queries of one reader, which differ in what is hidden; their ids."""
    LISTED.write_text(
        "".join(
            f'[[feed]]\ntitle = "{title}"\nurl = "http://fresh.example/api/query.php?user=ana&t={token}&f=rss"\n'
            for title, token in (("Boats", "abc"), ("Quays", "def"))
        )
    )
    return [feed.id for feed in read_feeds(LISTED)]


def test_feeds_that_are_shown_alike_are_told_apart_by_their_ids(newsclust: Terminal) -> None:
    boats, quays = two_queries(newsclust)
    listed = newsclust("feeds", "list").out
    assert boats in listed
    assert quays in listed
    ended = newsclust("feeds", "preview", "http://fresh.example/api/query.php?user=ana&t=***&f=rss")
    assert ended.code == 2
    assert f"by id: {boats} (Boats), {quays} (Quays)" in ended.err
    previewed = newsclust("feeds", "preview", boats)
    assert previewed.code == 0, previewed.err
    assert "Shared" in previewed.out


def test_export_names_the_feeds_whose_address_holds_a_secret_and_writes_no_dead_address(newsclust: Terminal) -> None:
    two_queries(newsclust)
    ended = newsclust("feeds", "export")
    assert "***" not in ended.out
    assert "Boats (http://fresh.example/api/query.php?user=ana&t=***&f=rss): left out" in ended.err


def test_adding_a_news_sitemap_a_page_and_an_account_keeps_their_kinds(newsclust: Terminal) -> None:
    added(newsclust, "http://map.example/news.xml")
    added(newsclust, "http://quai.example/", "--select", "article h2 a", "--title", "Le Quai")
    ended = added(newsclust, ACCOUNT, "--token-env", "FRESH_TOKEN")
    assert [(feed.kind, feed.title, feed.select, feed.token_env) for feed in read_feeds(LISTED)] == [
        ("sitemap", "The Paper", None, None),
        ("page", "Le Quai", "article h2 a", None),
        ("account", "fresh.example", None, "FRESH_TOKEN"),
    ]
    assert TOKEN not in ended.out + ended.err + LISTED.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["http://nowhere.example/"], "http://nowhere.example/: not_found (HTTP 404)"),
        (["nowhere"], "'nowhere' is no file here and no address of a page, which begins with https://"),
        (["http://quai.example/", "--select", "article[["], "'article[[' is no CSS selector"),
        (["http://quai.example/", "--select", "section a"], "nothing_selected (no link matches 'section a')"),
        (["http://quai.example/", "--select", "a", "--token-env", "T"], "not both"),
        ([ACCOUNT], "--token-env is needed"),
        ([ACCOUNT, "--token-env", "NOT_SET"], "no_token (NOT_SET is not set in the environment)"),
        ([ACCOUNT, "--token-env", TOKEN], "the name of an environment variable is needed, never the token itself"),
        (["http://paper.example/feed", "--language", "english"], "write it with two letters"),
        (["http://two.example/", "--all", "--title", "Two"], "--title names one feed"),
    ],
)
def test_what_cannot_be_added_is_an_error_and_nothing_is_written(
    newsclust: Terminal, arguments: list[str], message: str
) -> None:
    ended = newsclust("feeds", "add", *arguments)
    assert ended.code == 2
    assert message in ended.err
    assert TOKEN not in ended.err
    assert not LISTED.exists()


def test_a_feed_is_not_added_twice_however_it_is_written_or_found(newsclust: Terminal, web: PageServer) -> None:
    added(newsclust, "http://paper.example/feed")
    before, asked = LISTED.read_bytes(), len(web.requests)
    again = newsclust("feeds", "add", "https://www.paper.example/feed/")
    assert (again.code, "listed in feeds.toml already, as The Paper" in again.err) == (2, True)
    assert len(web.requests) == asked
    found = newsclust("feeds", "add", "http://paper.example/")
    assert (found.code, "listed already, as The Paper" in found.out) == (2, True)
    assert LISTED.read_bytes() == before


def test_a_wrong_list_is_an_error_and_left_alone(newsclust: Terminal) -> None:
    LISTED.write_text("feed = [3]\n")
    ended = newsclust("feeds", "add", "http://paper.example/feed")
    assert (ended.code, LISTED.read_text()) == (2, "feed = [3]\n")


def test_a_feed_that_leads_to_a_listed_one_is_not_added(newsclust: Terminal, web: PageServer) -> None:
    added(newsclust, "http://paper.example/feed")
    before = LISTED.read_bytes()
    web.pages["http://old.example/rss"] = reply(status=301, headers={"location": "http://paper.example/feed/"})
    web.pages["http://paper.example/feed/"] = web.pages["http://paper.example/feed"]
    ended = newsclust("feeds", "add", "http://old.example/rss")
    assert "It answers at http://paper.example/feed/." in ended.out
    assert "It is listed already, as The Paper." in ended.out
    assert (ended.code, LISTED.read_bytes()) == (2, before)


def test_other_feeds_that_a_page_names_are_shown(newsclust: Terminal) -> None:
    ended = added(newsclust, "http://paper.example/")
    assert "The page names another one: http://paper.example/comments/feed (Comments)" in ended.out


def test_of_one_feed_in_two_formats_the_first_is_taken(newsclust: Terminal, web: PageServer) -> None:
    links = (
        '<link rel="alternate" type="application/rss+xml" title="Both (RSS 2.0)" href="/rss">'
        '<link rel="alternate" type="application/atom+xml" title="Both (Atom)" href="/atom">'
    )
    web.pages["http://both.example/"] = reply(body=f"<html><head>{links}</head></html>")
    web.pages["http://both.example/rss"] = reply(body=rss("one"), content_type="application/rss+xml")
    ended = added(newsclust, "http://both.example/")
    assert "The page names another one: http://both.example/atom (Both (Atom))" in ended.out
    assert [feed.url for feed in read_feeds(LISTED)] == ["http://both.example/rss"]


INDEX = "<sitemapindex>{}</sitemapindex>".format(
    "".join(f"<sitemap><loc>http://map.example/{name}.xml</loc></sitemap>" for name in ("pages", "gone-news", "news"))
)


@pytest.mark.parametrize("url", ["http://map.example/all.xml", "http://map.example/"])
def test_an_index_of_sitemaps_and_a_robots_txt_lead_to_the_news(
    newsclust: Terminal, web: PageServer, url: str
) -> None:
    web.pages |= {
        "http://map.example/": reply(body="<html><body>Hello</body></html>"),
        "http://map.example/robots.txt": reply(body="Sitemap: http://map.example/all.xml", content_type="text/plain"),
        "http://map.example/all.xml": reply(body=INDEX, content_type="text/xml"),
    }
    added(newsclust, url)
    (feed,) = read_feeds(LISTED)
    assert (feed.url, feed.kind) == ("http://map.example/news.xml", "sitemap")
    assert "http://map.example/pages.xml" not in web.urls


def test_undated_entries_have_no_newest_and_an_empty_feed_is_reported_once(
    newsclust: Terminal, web: PageServer
) -> None:
    web.pages["http://quiet.example/"] = reply(body=rss(name="Quiet"), content_type="application/rss+xml")
    assert "The Paper, 2 entries, none with a date." in added(newsclust, "http://paper.example/feed").out
    assert "Quiet, 0 entries.\n" in added(newsclust, "http://quiet.example/").out
    ended = newsclust("feeds", "preview", "http://quiet.example/")
    assert (ended.code, ended.out.strip()) == (0, "http://quiet.example/ is a feed: Quiet, 0 entries.")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (reply(body=b"%PDF-1.7\n1 0 obj", content_type="application/pdf"), "not_a_feed (%PDF-1.7"),
        (reply(body=b"\x1f\x8bnothing", headers={"content-encoding": "gzip"}), "bad_encoding"),
        (reply(body=b"\x1f\x8bnothing", content_type="application/gzip"), "not_a_feed"),
        (reply(status=302, headers={"location": "http://odd.example/"}), "too_many_redirects (a loop"),
        (
            reply(status=302, headers={"location": "http://127.0.0.1:8080/"}),
            "refused_address (127.0.0.1 is loopback)",
        ),
        (reply(status=304), "server_error (HTTP 304"),
        (reply(status=410), "gone (HTTP 410)"),
        (reply(body=""), "empty (0 bytes)"),
        (reply(body=INDEX.replace("news", "old"), content_type="text/xml"), "not_a_feed (an index of sitemaps"),
    ],
)
def test_what_is_no_feed_leaves_the_list_as_it_was(
    newsclust: Terminal, web: PageServer, answer: Reply, message: str
) -> None:
    LISTED.write_text("# mine\n")
    web.pages["http://odd.example/"] = answer
    for verb in ("add", "preview"):
        ended = newsclust("feeds", verb, "http://odd.example/")
        assert (ended.code, ended.out) == (2, "")
        assert f"http://odd.example/: {message}" in ended.err
        assert ended.err.count("\n") == 1
    assert LISTED.read_text() == "# mine\n"


# --- feeds list


def test_the_feeds_of_opml_subscriptions_are_shown_with_their_list_and_those_named_no_more_as_unlisted(
    newsclust: Terminal,
) -> None:
    LISTED.write_text('[[list]]\nurl = "http://lists.example/tech.opml"\n')
    assert "Their feeds are shown here when a night has read them." in newsclust("feeds", "list").out
    one, two = (
        Feed(id=name, url=f"http://{name}.example/feed", title=name, listed_by="http://lists.example/tech.opml")
        for name in ("one", "two")
    )
    mine = Feed(id="mine", url="http://mine.example/feed", title="mine")
    with Database(Path("data/published/newsclust.duckdb"), now=NOW) as db:
        run = runs.begin_run(db, flow="test", night_at=NOW, started_at=NOW, settings={})
        feeds.save_feeds(db, run, [one, two, mine])
        feeds.save_feeds(db, run, [two, mine])
    ended = newsclust("feeds", "list")
    assert "2 feeds of OPML subscriptions, as of the last night" in ended.out
    assert re.search(r"two +http://lists\.example/tech\.opml +http://two\.example/feed", ended.out)
    assert re.search(r"one +http://lists\.example/tech\.opml +unlisted +http://one\.example/feed", ended.out)
    assert "mine" not in ended.out


# --- feeds preview


def test_previewing_a_feed_shows_what_would_be_stored_and_writes_nothing(
    newsclust: Terminal, web: PageServer
) -> None:
    text = "word " * 200
    items = (
        f"<item><title>Long \x1b[31m one</title><link>http://paper.example/1</link><dc:language>fr</dc:language>"
        f"<pubDate>{format_datetime(NOW)}</pubDate><description>{text}.</description></item>"
        "<item><title>Short</title><link>http://paper.example/2</link><pubDate>soon</pubDate></item>"
    )
    body = (
        "<rss version='2.0' xmlns:dc='http://purl.org/dc/elements/1.1/'><channel>"
        f"<title>The Paper</title>{items}</channel></rss>"
    )
    web.pages["http://paper.example/feed"] = reply(body=body, content_type="text/plain")
    ended = newsclust("feeds", "preview", "http://paper.example/feed")
    assert ended.code == 0
    assert "content type: text/plain" in ended.out
    assert "\x1b" not in ended.out
    assert re.search(r"one +2026-03-02 22:00 +given +fr +\d{3,4} +no +http://paper\.example/1", ended.out)
    assert re.search(r"Short +\d{4}-\d\d-\d\d \d\d:\d\d +missing +0 +yes +http://paper\.example/2", ended.out)
    assert "date unreadable: soon" in ended.out
    assert list(Path().iterdir()) == []


def test_previewing_a_listed_feed_uses_its_settings_of_the_list(newsclust: Terminal) -> None:
    added(newsclust, "http://quai.example/", "--select", "article h2 a", "--language", "fr")
    before = LISTED.read_bytes()
    ended = newsclust("feeds", "preview", "http://quai.example/")
    assert (ended.code, LISTED.read_bytes()) == (0, before)
    assert "a page whose links are read as entries" in ended.out
    assert "The quay sinks" in ended.out


def test_a_listed_account_is_previewed_by_its_address_alone(newsclust: Terminal) -> None:
    added(newsclust, ACCOUNT, "--token-env", "FRESH_TOKEN")
    ended = newsclust("feeds", "preview", ACCOUNT)
    assert (ended.code, "News & 1" in ended.out) == (0, True)


def test_previewing_an_account_names_the_feeds_its_entries_come_from(newsclust: Terminal) -> None:
    ended = newsclust("feeds", "preview", ACCOUNT, "--token-env", "FRESH_TOKEN")
    assert ended.code == 0
    assert re.search(r"News & 1 .* given .* The Paper +http://paper\.example/1", ended.out)


def test_previewing_shows_no_more_entries_than_wanted(newsclust: Terminal) -> None:
    ended = newsclust("feeds", "preview", "http://paper.example/feed", "--number", "1")
    assert "the first 1 of 2 entries" in ended.out
    assert "http://paper.example/two" not in ended.out


def test_previewing_a_list_or_a_page_of_several_feeds_says_what_they_name(newsclust: Terminal) -> None:
    assert "is a list of 2 feeds" in newsclust("feeds", "preview", "http://lists.example/tech.opml").out
    several = newsclust("feeds", "preview", "http://two.example/")
    assert (several.code, "http://two.example/tech" in several.out) == (0, True)


def test_previewing_what_is_no_feed_ends_with_exit_code_2(newsclust: Terminal) -> None:
    ended = newsclust("feeds", "preview", "http://nowhere.example/")
    assert (ended.code, "http://nowhere.example/: not_found" in ended.err) == (2, True)


# --- OPML


def test_export_leaves_out_what_no_other_reader_knows_and_names_it(newsclust: Terminal) -> None:
    added(newsclust, "http://paper.example/feed", "--tag", "tech")
    added(newsclust, "http://map.example/news.xml")
    ended = newsclust("feeds", "export")
    assert "http://map.example/news.xml: left out" in ended.err
    assert "map.example" not in ended.out
    Path("back.opml").write_text(ended.out)
    first = write_feeds(read_feeds(LISTED)[:1])
    LISTED.unlink()
    assert newsclust("feeds", "import", "back.opml").code == 0
    assert write_feeds(read_feeds(LISTED)) == first


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Das Unternehmen stellt einen neuen Prozessor für Notebooks vor, der schneller ist.", "It speaks German: "),
        ("Компания представила новый процессор для ноутбуков, быстрее прежнего.", "It speaks Russian, whose script "),
        ("The company presents a new processor for laptops, faster than the one before.", None),
        ("L'entreprise présente un nouveau processeur pour ordinateurs portables.", None),
    ],
)
def test_adding_and_previewing_a_feed_says_what_becomes_of_its_language(
    newsclust: Terminal, web: PageServer, text: str, told: str | None
) -> None:
    items = "".join(f"<item><title>{text}</title><link>http://l.example/{n}</link></item>" for n in range(3))
    document = f"<rss version='2.0'><channel><title>L</title>{items}</channel></rss>"
    web.pages["http://l.example/feed"] = reply(body=document, content_type="application/rss+xml")
    for verb in ("preview", "add"):
        shown = newsclust("feeds", verb, "http://l.example/feed").out
        assert shown.count("It speaks") == (told is not None)
        assert (told or "") in shown


def test_importing_says_which_languages_the_file_names(newsclust: Terminal) -> None:
    german = '<outline text="A" xmlUrl="http://a.example/f" language="de-DE"/>'
    Path("their.opml").write_text(opml(german, german.replace("a.e", "b.e"), outline("c")))
    shown = newsclust("feeds", "import", "their.opml").out
    assert "2 in German: thresholds and topic labels are made for English and French" in shown
