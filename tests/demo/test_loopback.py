"""The demonstration: the loopback server, the sample corpus rendered for it, and the captured documents."""

import gzip
import http.client
import json
import re
import shutil
import socket
import ssl
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from lxml import html as lxml_html

from newsclust.demo import (
    LoopbackServer,
    Reply,
    captured_feeds,
    captured_site,
    night_time,
    sample_feeds,
    sample_gold,
    sample_site,
)
from newsclust.demo.corpus import FeedBody, FeedFormat, OutletFeed, SampleOutlet
from newsclust.demo.render import RenderedArticle, feed_document
from newsclust.errors import SettingsError
from newsclust.model import PagePolicy
from newsclust.shipped import SAMPLE_FOLDER
from newsclust.sources.feeds_toml import read_feeds

ROOT = Path(__file__).parents[2]
CAPTURED = ROOT.parent / "shared" / "seeds"
NIGHTS = (1, 2, 3)
TIMEOUT_S = 5

needs_captured = pytest.mark.skipif(not CAPTURED.is_dir(), reason="needs ../shared/seeds, outside the repository")


# ---------------------------------------------------------------- the loopback server


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def connect(loopback: LoopbackServer, scheme: str, host: str) -> socket.socket:
    address, port = loopback.connect_to["*:443" if scheme == "https" else "*:80"].split(":")
    connection = socket.create_connection((address, int(port)), timeout=TIMEOUT_S)
    if scheme == "https":
        trusting = ssl.create_default_context(cafile=str(loopback.ca_file))
        return trusting.wrap_socket(connection, server_hostname=host)
    return connection


def ask(loopback: LoopbackServer, url: str, **headers: str) -> Answer:
    """GETs a URL as a client that was told `connect_to`; underscores in header names stand for dashes."""
    parts = urlsplit(url)
    client = http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT_S)
    client.sock = connect(loopback, parts.scheme, parts.hostname or "")
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        client.request("GET", target, headers={name.replace("_", "-"): text for name, text in headers.items()})
        answer = client.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        client.close()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_page_is_served_under_its_own_host_name(scheme: str) -> None:
    with LoopbackServer({f"{scheme}://any.host.example/a": Reply(body=b"hello")}) as loopback:
        answer = ask(loopback, f"{scheme}://any.host.example/a")
    assert (answer.status, answer.body) == (200, b"hello")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_the_same_path_on_another_host_or_scheme_is_not_found() -> None:
    with LoopbackServer({"https://one.example/a": Reply(body=b"one")}) as loopback:
        statuses = [
            ask(loopback, url).status
            for url in ("https://two.example/a", "http://one.example/a", "https://one.example/b")
        ]
    assert statuses == [404, 404, 404]


def test_a_certificate_names_the_one_host_that_was_asked_for() -> None:
    with LoopbackServer({}) as loopback:
        connection = connect(loopback, "https", "one.example")
        assert isinstance(connection, ssl.SSLSocket)
        with connection:
            names = dict(connection.getpeercert() or {})["subjectAltName"]
    assert names == (("DNS", "one.example"),)


def test_a_client_that_does_not_trust_the_authority_gets_nothing() -> None:
    with LoopbackServer({"https://one.example/": Reply()}) as loopback:
        port = int(loopback.connect_to["*:443"].rpartition(":")[2])
        with (
            socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as connection,
            pytest.raises(ssl.SSLCertVerificationError),
        ):
            ssl.create_default_context().wrap_socket(connection, server_hostname="one.example")
        assert loopback.requests == []


def test_a_url_is_looked_up_with_its_query_first_and_then_without() -> None:
    site = {
        "http://one.example/a": Reply(body=b"plain"),
        "http://one.example/a?page=2": Reply(body=b"second"),
    }
    with LoopbackServer(site) as loopback:
        bodies = [
            ask(loopback, f"http://one.example/a{query}").body
            for query in ("", "?page=2", "?utm_source=rss&utm_medium=libre")
        ]
    assert bodies == [b"plain", b"second", b"plain"]


@pytest.mark.parametrize(
    "url", ["/a", "one.example/a", "ftp://one.example/", "http://one.example", "http://one.example/#top"]
)
def test_a_site_key_that_no_request_could_name_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(url))):
        LoopbackServer({url: Reply()})


def test_a_reply_is_sent_with_its_status_type_and_headers() -> None:
    moved = Reply(status=301, content_type="text/plain", headers={"Location": "/b"}, body=b"moved")
    with LoopbackServer({"http://one.example/a": moved}) as loopback:
        answer = ask(loopback, "http://one.example/a")
    assert (answer.status, answer.headers["location"], answer.headers["content-type"]) == (
        301,
        "/b",
        "text/plain",
    )
    assert "etag" not in answer.headers


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_dropping_reply_closes_the_connection_without_an_answer(scheme: str) -> None:
    url = f"{scheme}://down.example/"
    with LoopbackServer({url: Reply(drop=True)}) as loopback:
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            ask(loopback, url)
        assert [(asked.url, asked.status) for asked in loopback.requests] == [(url, None)]


def test_the_etag_of_an_answer_gets_304_until_the_body_changes() -> None:
    url = "https://one.example/feed"
    with LoopbackServer({url: Reply(body=b"one")}) as loopback:
        etag = ask(loopback, url).headers["etag"]
        again = ask(loopback, url, If_None_Match=f'"other", {etag}')
        loopback.show({url: Reply(body=b"two")})
        changed = ask(loopback, url, If_None_Match=etag)
    assert re.fullmatch(r'"[^"]+"', etag)
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", etag)
    assert (changed.status, changed.body) == (200, b"two")
    assert changed.headers["etag"] != etag


def test_if_modified_since_is_judged_by_the_replys_own_date_and_only_without_an_etag() -> None:
    noon = datetime(2026, 2, 3, 12, tzinfo=UTC)
    url, undated = "http://one.example/a", "http://one.example/undated"
    site = {
        url: Reply(body=b"x", headers={"Last-Modified": format_datetime(noon, usegmt=True)}),
        undated: Reply(body=b"x"),
    }
    earlier, later = (format_datetime(noon + timedelta(hours=hours), usegmt=True) for hours in (-1, 1))
    with LoopbackServer(site) as loopback:
        assert ask(loopback, url, If_Modified_Since=earlier).status == 200
        assert ask(loopback, url, If_Modified_Since=later).status == 304
        assert ask(loopback, url, If_Modified_Since=later, If_None_Match='"other"').status == 200
        assert ask(loopback, undated, If_Modified_Since=later).status == 200


def test_an_error_is_never_not_modified() -> None:
    with LoopbackServer({"http://one.example/a": Reply(status=410)}) as loopback:
        assert ask(loopback, "http://one.example/a", If_None_Match="*").status == 410


@pytest.mark.parametrize(
    ("accepted", "length", "zipped"),
    [
        ("gzip", 1001, True),
        ("br;q=1.0, gzip;q=0.8", 1001, True),
        ("gzip", 1000, False),
        ("br", 1001, False),
        ("gzip;q=0", 1001, False),
        ("gzip; q=0.0, br", 1001, False),
        ("identity", 1001, False),
    ],
)
def test_a_body_over_one_kilobyte_is_zipped_for_whoever_accepts_it(accepted: str, length: int, zipped: bool) -> None:
    body = b"z" * length
    with LoopbackServer({"http://one.example/a": Reply(body=body)}) as loopback:
        answer = ask(loopback, "http://one.example/a", Accept_Encoding=accepted)
    assert (answer.headers.get("content-encoding") == "gzip") is zipped
    assert (gzip.decompress(answer.body) if zipped else answer.body) == body


def test_a_zipped_and_a_plain_answer_have_two_etags_which_both_get_304() -> None:
    url = "http://one.example/a"
    with LoopbackServer({url: Reply(body=b"z" * 5000)}) as loopback:
        plain, zipped = (ask(loopback, url, Accept_Encoding=kind).headers["etag"] for kind in ("br", "gzip"))
        assert plain != zipped
        assert ask(loopback, url, Accept_Encoding="br", If_None_Match=plain).status == 304
        assert ask(loopback, url, Accept_Encoding="gzip", If_None_Match=zipped).status == 304


def test_what_was_asked_is_listed_in_order_with_its_headers() -> None:
    with LoopbackServer({"http://one.example/a": Reply()}) as loopback:
        ask(loopback, "http://one.example/a?x=1", User_Agent="newsclust-test/1")
        ask(loopback, "https://two.example/b")
    first, second = loopback.requests
    assert (first.method, first.url, first.status) == ("GET", "http://one.example/a?x=1", 200)
    assert first.headers["user-agent"] == "newsclust-test/1"
    assert (second.url, second.status) == ("https://two.example/b", 404)


def test_the_next_night_replaces_the_one_before() -> None:
    with LoopbackServer({"http://one.example/a": Reply(body=b"1")}) as loopback:
        loopback.show({"http://one.example/b": Reply(body=b"2")})
        assert ask(loopback, "http://one.example/a").status == 404
        assert ask(loopback, "http://one.example/b").body == b"2"


def test_two_servers_run_side_by_side() -> None:
    url = "https://one.example/"
    with LoopbackServer({url: Reply(body=b"1")}) as one, LoopbackServer({url: Reply(body=b"2")}) as two:
        assert (ask(one, url).body, ask(two, url).body) == (b"1", b"2")


def test_leaving_ends_the_server_at_once_though_clients_hold_their_connections() -> None:
    with LoopbackServer({}) as loopback:
        held = [connect(loopback, scheme, "one.example") for scheme in ("http", "https")]
        ca_file, connect_to = loopback.ca_file, dict(loopback.connect_to)
        assert ca_file.is_file()
        began = time.monotonic()
    assert time.monotonic() - began < TIMEOUT_S
    assert not ca_file.exists()
    for address in connect_to.values():
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), timeout=TIMEOUT_S)
    for connection in held:
        connection.close()


# ---------------------------------------------------------------- the sample, with a corpus of our own


def article(id_: str, site: str, feeds: list[str], **more: Any) -> dict[str, Any]:
    """One article's table as a person would write it."""
    return {
        "id": id_,
        "site": site,
        "feeds": feeds,
        "slug": f"/{id_}",
        "night": 1,
        "published": "2026-02-03T14:10:00Z",
        "title": f"Title of {id_}",
        "summary": " ".join(f"{id_}-{number}" for number in range(40)),
        "paragraphs": [f"First paragraph of {id_}.", f"Second paragraph of {id_}."],
        **more,
    }


def toml_of(table: Mapping[str, Any]) -> str:
    """One [[article]] table; JSON's strings, numbers and lists are TOML's too."""
    lines = ["[[article]]"]
    for key, worth in table.items():
        if worth is not None and key != "edit":
            text = worth if key == "published" else json.dumps(worth, ensure_ascii=False)
            lines.append(f"{key} = {text}")
    if "edit" in table:
        lines.append("[article.edit]")
        lines += [f"{key} = {json.dumps(worth)}" for key, worth in table["edit"].items()]
    return "\n".join(lines) + "\n"


def write_corpus(folder: Path, *articles: Mapping[str, Any]) -> Path:
    """The outlets and layouts of the real sample with these articles, and their gold."""
    shutil.copytree(SAMPLE_FOLDER / "layouts", folder / "layouts")
    shutil.copy(SAMPLE_FOLDER / "sites.toml", folder)
    (folder / "articles").mkdir()
    (folder / "articles" / "all.toml").write_text("\n".join(map(toml_of, articles)), encoding="utf-8")
    rows = [f"{table['id']}\tstory-{table['id']}\ttopic\t\t" for table in articles]
    write_gold(folder, *rows)
    return folder


def write_gold(folder: Path, *rows: str) -> None:
    header = "id\tstory\ttopic\tduplicate_of\tderived_from"
    (folder / "gold.tsv").write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")


def entries_of(reply: Reply) -> list[dict[str, Any]]:
    """title, link, summary, content, published, updated of each entry, by readers that are not ours."""
    if reply.content_type == "application/feed+json":
        return [
            {
                "title": item["title"],
                "link": item["url"],
                "summary": item["summary"],
                "content": item["content_html"],
                "published": item.get("date_published"),
                "updated": item.get("date_modified"),
            }
            for item in json.loads(reply.body)["items"]
        ]
    parsed = feedparser.parse(reply.body, response_headers={"content-type": reply.content_type})
    assert not parsed.bozo, parsed.bozo_exception
    return [
        {
            "title": entry.title,
            "link": entry.link,
            "summary": entry.summary,
            "content": entry.content[0].value if "content" in entry else None,
            "published": dict(entry).get("published") or dict(entry).get("updated"),  # dc:date is the latter
            "updated": dict(entry).get("updated"),
        }
        for entry in parsed.entries
    ]


ALL_FEEDS = [
    ("circuit", "/feed.xml"),
    ("harbor", "/tech.atom"),
    ("harbor", "/business.atom"),
    ("kernel", "/index.rdf"),
    ("lantern", "/feed.json"),
    ("bitbyte", "/rss"),
    ("fil", "/feed/"),
    ("fil", "/feed/libre/"),
    ("gazette", "/actu.xml"),
    ("agora", "/flux.atom"),
    ("quotidien", "/rss/tech.xml"),
    ("echo", "/feed"),
]
ORIGINS = {
    "circuit": "https://circuit.example",
    "harbor": "https://harborwire.example",
    "kernel": "https://kernelpost.example",
    "lantern": "https://lantern.example",
    "bitbyte": "https://bitbyte.example",
    "fil": "https://filnumerique.example",
    "gazette": "http://gazettepuces.example",
    "agora": "https://agora-dev.example",
    "quotidien": "https://quotidien-reseau.example",
    "echo": "https://echo-continu.example",
}


@pytest.mark.parametrize(("site", "path"), ALL_FEEDS)
def test_every_feed_tells_title_link_and_date_in_its_own_format(tmp_path: Path, site: str, path: str) -> None:
    shown = article("été & <b>1</b>", site, [path], slug="/a/1")
    [entry] = entries_of(sample_site(write_corpus(tmp_path, shown), night=1)[ORIGINS[site] + path])
    assert lxml_html.fromstring(f"<p>{entry['title']}</p>").text_content().startswith("Title of été &")
    assert entry["link"] == f"{ORIGINS[site]}/a/1"
    assert entry["published"] in {
        "Tue, 03 Feb 2026 14:10:00 +0000",
        "2026-02-03T14:10:00+00:00",
    }


@pytest.mark.parametrize(("site", "path"), ALL_FEEDS)
def test_an_undated_entry_carries_no_date_in_any_format(tmp_path: Path, site: str, path: str) -> None:
    folder = write_corpus(tmp_path, article("a", site, [path], published=None))
    rendered = sample_site(folder, night=1)
    [entry] = entries_of(rendered[ORIGINS[site] + path])
    assert (entry["published"], entry["updated"]) == (None, None)
    assert b"<time" not in rendered[f"{ORIGINS[site]}/a"].body


@pytest.mark.parametrize(("site", "path"), ALL_FEEDS)
def test_every_article_has_a_page_that_names_its_address_and_holds_its_text(
    tmp_path: Path, site: str, path: str
) -> None:
    folder = write_corpus(
        tmp_path, article("a", site, [path], title="L'été à « Lyon » & <co>", author="Ève", comments=["Oh"])
    )
    reply = sample_site(folder, night=1)[f"{ORIGINS[site]}/a"]
    page = lxml_html.fromstring(reply.body.decode(reply.content_type.partition("charset=")[2]))
    assert page.xpath("//link[@rel='canonical']/@href") == [f"{ORIGINS[site]}/a"]
    assert page.xpath("//h1")[0].text_content() == "L'été à « Lyon » & <co>"
    texts = [paragraph.text_content() for paragraph in page.xpath("//p")]
    for paragraph in ("First paragraph of a.", "Second paragraph of a.", "Oh"):
        assert texts.count(paragraph) == 1
    linked = json.loads(page.xpath("//script[@type='application/ld+json']/text()")[0])
    assert (linked["headline"], linked["author"]["name"]) == ("L'été à « Lyon » & <co>", "Ève")


def test_no_two_outlets_share_their_markup() -> None:
    layouts = [re.sub(r">[^<]*<", "><", file.read_text()) for file in (SAMPLE_FOLDER / "layouts").iterdir()]
    assert len(set(layouts)) == len(layouts) == len(ORIGINS)


def test_a_title_cannot_break_out_of_the_pages_script(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path, article("a", "circuit", ["/feed.xml"], title="</script><h1>x</h1>"))
    page = lxml_html.fromstring(sample_site(folder, night=1)["https://circuit.example/a"].body)
    assert [heading.text_content() for heading in page.xpath("//h1")] == ["</script><h1>x</h1>"]


def test_an_article_appears_on_its_night_and_stays(tmp_path: Path) -> None:
    later = article("b", "circuit", ["/feed.xml"], night=2, published="2026-02-04T09:00:00Z")
    folder = write_corpus(tmp_path, article("a", "circuit", ["/feed.xml"]), later)
    titles = {
        night: [
            entry["title"]
            for entry in entries_of(sample_site(folder, night=night)["https://circuit.example/feed.xml"])
        ]
        for night in NIGHTS
    }
    assert titles == {
        1: ["Title of a"],
        2: ["Title of b", "Title of a"],
        3: ["Title of b", "Title of a"],
    }
    assert "https://circuit.example/b" not in sample_site(folder, night=1)


def test_a_future_date_is_told_but_does_not_keep_an_entry_on_top(tmp_path: Path) -> None:
    future = article("future", "bitbyte", ["/rss"], published="2026-02-19T08:00:00Z")
    later = article("later", "bitbyte", ["/rss"], night=2, published="2026-02-04T09:00:00Z")
    folder = write_corpus(tmp_path, future, later)
    entries = entries_of(sample_site(folder, night=2)["https://bitbyte.example/rss"])
    assert [entry["title"] for entry in entries] == ["Title of later", "Title of future"]
    assert entries[1]["published"] == "Thu, 19 Feb 2026 08:00:00 +0000"


def test_a_feed_shows_its_thirty_newest_and_the_pages_of_all(tmp_path: Path) -> None:
    many = [
        article(f"n{minute}", "circuit", ["/feed.xml"], published=f"2026-02-03T14:{minute:02}:00Z")
        for minute in range(35)
    ]
    site = sample_site(write_corpus(tmp_path, *many), night=1)
    titles = [entry["title"] for entry in entries_of(site["https://circuit.example/feed.xml"])]
    assert titles == [f"Title of n{minute}" for minute in reversed(range(5, 35))]
    assert all(f"https://circuit.example/n{minute}" in site for minute in range(35))


def test_a_feed_without_news_is_the_same_bytes_on_the_next_night(tmp_path: Path) -> None:
    folder = write_corpus(
        tmp_path, *(article(f"a{place}", site, [path]) for place, (site, path) in enumerate(ALL_FEEDS))
    )
    assert sample_site(folder, night=1) == sample_site(folder, night=2)


@pytest.mark.parametrize(("site", "path"), [("agora", "/flux.atom"), ("lantern", "/feed.json")])
def test_an_edit_shows_from_its_night_on_with_a_later_updated_date(tmp_path: Path, site: str, path: str) -> None:
    edit = {"night": 2, "title": "New title", "paragraphs": ["Corrected."]}
    folder = write_corpus(tmp_path, article("a", site, [path], edit=edit))
    before, after, still = (sample_site(folder, night=night) for night in NIGHTS)
    [old], [new] = (entries_of(shown[ORIGINS[site] + path]) for shown in (before, after))
    assert (old["title"], new["title"]) == ("Title of a", "New title")
    assert old["published"] == new["published"]
    assert datetime.fromisoformat(new["updated"]) > night_time(1)
    assert b"First paragraph of a." in before[f"{ORIGINS[site]}/a"].body
    assert b"Corrected." in after[f"{ORIGINS[site]}/a"].body
    assert b"First paragraph of a." not in after[f"{ORIGINS[site]}/a"].body
    assert after == still


def test_an_edit_of_the_title_alone_keeps_the_text(tmp_path: Path) -> None:
    edit = {"night": 3, "title": "New title"}
    folder = write_corpus(tmp_path, article("a", "quotidien", ["/rss/tech.xml"], edit=edit))
    body = sample_site(folder, night=3)["https://quotidien-reseau.example/a"].body
    assert b"New title" in body
    assert b"First paragraph of a." in body


@pytest.mark.parametrize(
    ("site", "paths", "medium"),
    [("fil", ["/feed/", "/feed/libre/"], "libre"), ("harbor", ["/tech.atom", "/business.atom"], "business")],
)
def test_the_second_feed_of_an_article_adds_tracking_to_its_link(
    tmp_path: Path, site: str, paths: list[str], medium: str
) -> None:
    rendered = sample_site(write_corpus(tmp_path, article("a", site, paths)), night=1)
    links = [entries_of(rendered[ORIGINS[site] + path])[0]["link"] for path in paths]
    page = f"{ORIGINS[site]}/a"
    assert links == [page, f"{page}?utm_source=rss&utm_medium={medium}"]
    with LoopbackServer(rendered) as loopback:
        first, second = (ask(loopback, link) for link in links)
    assert first.status == 200
    assert first.body == second.body


def test_teasers_break_off_and_summaries_are_whole(tmp_path: Path) -> None:
    folder = write_corpus(
        tmp_path, *(article(site, site, [path]) for site, path in dict(reversed(ALL_FEEDS)).items())
    )
    site = sample_site(folder, night=1)
    for key, path in dict(reversed(ALL_FEEDS)).items():
        [entry] = entries_of(site[ORIGINS[key] + path])
        whole = " ".join(f"{key}-{number}" for number in range(40))
        cut = " ".join(f"{key}-{number}" for number in range(25)) + "..."
        text = lxml_html.fromstring(entry["summary"]).text_content()
        assert text == {"kernel": cut, "gazette": f"{cut}Lire la suite"}.get(key, whole)


def test_only_the_outlets_that_carry_the_full_text_put_it_into_the_feed(tmp_path: Path) -> None:
    firsts = dict(reversed(ALL_FEEDS))
    site = sample_site(write_corpus(tmp_path, *(article(k, k, [p]) for k, p in firsts.items())), night=1)
    carrying = {
        key
        for key, path in firsts.items()
        if f"Second paragraph of {key}." in (entries_of(site[ORIGINS[key] + path])[0]["content"] or "")
    }
    assert carrying == {"circuit", "lantern", "bitbyte", "fil"}


def test_circuit_ends_its_items_with_where_the_post_appeared(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path, article("a", "circuit", ["/feed.xml"], title="R&D"))
    site = sample_site(folder, night=1)
    [entry] = entries_of(site["https://circuit.example/feed.xml"])
    last = lxml_html.fragments_fromstring(entry["content"])[-1]
    assert last.text_content() == "The post R&D appeared first on The Circuit."
    assert last.xpath("a/@href") == ["https://circuit.example/a", "https://circuit.example"]
    assert b"appeared first on" not in site["https://circuit.example/a"].body


def test_a_paywalled_article_ends_in_the_three_lines_on_its_page_and_in_its_feed(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path, article("a", "fil", ["/feed/"], paywall=80))
    site = sample_site(folder, night=1)
    [entry] = entries_of(site["https://filnumerique.example/feed/"])
    page = lxml_html.fromstring(site["https://filnumerique.example/a"].body.decode())
    lines = [
        "Il reste 80% de l'article à découvrir.",
        "La suite est réservée à nos abonnés.",
        "Déjà abonné ? Identifiez-vous.",
    ]
    in_feed = [p.text_content() for p in lxml_html.fragments_fromstring(entry["content"])]
    on_page = [p.text_content() for p in page.xpath("//div[@class='article-texte']/p")]
    assert in_feed == on_page == ["First paragraph of a.", "Second paragraph of a.", *lines]


def test_the_gazette_is_latin_1_by_its_declarations_and_loses_no_sign(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path, article("a", "gazette", ["/actu.xml"], title="Cet été dès 5 €"))
    site = sample_site(folder, night=1)
    feed, page = site["http://gazettepuces.example/actu.xml"], site["http://gazettepuces.example/a"]
    assert feed.body.startswith(b'<?xml version="1.0" encoding="ISO-8859-1"?>')
    assert b"\xe9t\xe9 d\xe8s" in feed.body
    assert b"charset=iso-8859-1" in page.body
    assert b"\xe9t\xe9 d\xe8s" in page.body
    assert entries_of(feed)[0]["title"] == "Cet été dès 5 €"


def test_comments_have_names_and_dates_and_headlines_stand_aside(tmp_path: Path) -> None:
    shown = article("a", "agora", ["/flux.atom"], comments=["One.", "Two."], headlines=["Rain <today>"])
    page = lxml_html.fromstring(
        sample_site(write_corpus(tmp_path, shown), night=1)["https://agora-dev.example/a"].body.decode()
    )
    comments = page.xpath("//*[@id='comments']//li")
    assert [comment.xpath(".//div")[0].text_content() for comment in comments] == ["One.", "Two."]
    assert all(comment.xpath(".//b/text()") and comment.xpath(".//time/@datetime") for comment in comments)
    assert page.xpath("//aside//li")[0].text_content() == "Rain <today>"
    assert page.xpath("//aside/h2/text()") == ["À lire aussi"]
    assert not page.xpath("//article//aside")


def test_the_broken_feeds_answer_what_no_feed_should(tmp_path: Path) -> None:
    site = sample_site(write_corpus(tmp_path), night=1)
    with LoopbackServer(site) as loopback:
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            ask(loopback, "http://down.example/feed.xml")
        portal = ask(loopback, "https://portal.example/rss")
        vanished = ask(loopback, "https://vanished.example/feed.atom")
    assert (portal.status, portal.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert lxml_html.fromstring(portal.body).tag == "html"
    assert vanished.status == 410


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"site": "nowhere"}, "no site is called nowhere"),
        ({"feeds": ["/other.xml"]}, "no such feed: /other.xml"),
        ({"feeds": []}, "no such feed: none given"),
        ({"slug": "a"}, "does not begin with /"),
        ({"edit": {"night": 1, "title": "x"}}, "before it was there"),
        ({"paywall": 80}, "no words for a paywall"),
        ({"colour": "red"}, "colour"),
        ({"night": "one"}, "night"),
        ({"published": "2026-02-03T14:10:00"}, "published"),
    ],
)
def test_a_wrong_article_is_refused_by_name(tmp_path: Path, wrong: dict[str, Any], words: str) -> None:
    folder = write_corpus(tmp_path, article("a", "circuit", ["/feed.xml"]) | wrong)
    with pytest.raises(SettingsError, match=re.escape(words)):
        sample_site(folder, night=1)


@pytest.mark.parametrize(("second", "words"), [("a", "called a"), ("b", "called https://circuit.example/a")])
def test_two_articles_of_one_name_or_address_are_refused(tmp_path: Path, second: str, words: str) -> None:
    one = article("a", "circuit", ["/feed.xml"])
    folder = write_corpus(tmp_path, one, one | {"id": second})
    with pytest.raises(SettingsError, match=re.escape(words)):
        sample_site(folder, night=1)


def test_a_missing_or_misspelt_layout_is_refused_by_name(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path)
    layout = folder / "layouts" / "echo.html"
    for text, words in (("$titel", "titel"), ("5 $", "$$"), (None, "echo.html")):
        layout.unlink() if text is None else layout.write_text(text)
        with pytest.raises(SettingsError, match=re.escape(words)):
            sample_site(folder, night=1)


def test_gold_names_articles_by_their_canonical_addresses(tmp_path: Path) -> None:
    folder = write_corpus(
        tmp_path,
        article("a", "gazette", ["/actu.xml"]),
        article("b", "echo", ["/feed"]),
        article("c", "echo", ["/feed"]),
    )
    write_gold(folder, "a\tchips\thardware\t\t", "b\tchips\thardware\ta\t", 'c\t"x"\thardware\t\ta')
    a, b, c = sample_gold(folder)
    assert (a.url, a.story, a.topic) == ("https://gazettepuces.example/a", "chips", "hardware")
    assert (a.duplicate_of, a.derived_from) == (None, None)
    assert (b.duplicate_of, b.derived_from) == (a.url, None)
    assert (c.story, c.duplicate_of, c.derived_from) == ('"x"', None, a.url)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["a\ts\tt\t\t", "z\ts\tt\t\t"], "'z'"),
        (["a\ts\tt\tz\t"], "'z'"),
        (["a\ts\tt\t\t", "a\ts\tt\t\t"], "has a gold row already"),
        ([], "no gold for a"),
    ],
)
def test_wrong_gold_is_refused(tmp_path: Path, rows: list[str], words: str) -> None:
    folder = write_corpus(tmp_path, article("a", "circuit", ["/feed.xml"]))
    write_gold(folder, *rows)
    with pytest.raises(SettingsError, match=re.escape(words)):
        sample_gold(folder)


XML_TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), min_size=1)


@given(
    title=XML_TEXT,
    paragraph=XML_TEXT,
    kind=st.sampled_from(FeedFormat),
    encoding=st.sampled_from(["utf-8", "iso-8859-1"]),
)
def test_no_text_is_lost_or_changed_on_its_way_into_a_feed(
    title: str, paragraph: str, kind: FeedFormat, encoding: str
) -> None:
    feed = OutletFeed(path="/f", format=kind, title="F")
    outlet = SampleOutlet(
        key="o",
        name="O",
        origin="https://o.example",
        language="en",
        carries=FeedBody.FULL,
        feeds=(feed,),
        encoding=encoding,
    )
    shown = RenderedArticle(
        url="https://o.example/a",
        title=title,
        author=None,
        summary="s",
        paragraphs=(paragraph,),
        feeds=("/f",),
        published=None,
        updated=None,
        went_up_at=night_time(1),
        comments=(),
        headlines=(),
    )
    document = feed_document(outlet, feed, [shown], changed_at=night_time(1))
    if kind is FeedFormat.JSON:
        [item] = json.loads(document)["items"]
        told, content = item["title"], item["content_html"]
    else:
        [item] = etree.fromstring(document).xpath("//*[local-name()='item' or local-name()='entry']")
        told = item.xpath("*[local-name()='title']")[0].text
        content = item.xpath("*[local-name()='encoded' or local-name()='content']")[0].text
    assert told == title
    unescaped = content.removeprefix("<p>").removesuffix("</p>")
    assert unescaped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == paragraph


# ---------------------------------------------------------------- the sample that ships


def test_feeds_toml_lists_the_feeds_of_the_sample() -> None:
    assert read_feeds(SAMPLE_FOLDER / "feeds.toml") == sample_feeds(SAMPLE_FOLDER)


def test_every_article_that_ships_is_in_a_feed_from_its_night_on_and_on_a_page() -> None:
    articles = [
        one
        for file in sorted((SAMPLE_FOLDER / "articles").glob("*.toml"))
        for one in tomllib.loads(file.read_text(encoding="utf-8"))["article"]
    ]
    assert len(articles) > 100
    for night in NIGHTS:
        site = sample_site(SAMPLE_FOLDER, night=night)
        links = {
            entry["link"].partition("?")[0]
            for key, path in ALL_FEEDS
            for entry in entries_of(site[ORIGINS[key] + path])
        }
        due = {ORIGINS[one["site"]] + one["slug"] for one in articles if one["night"] <= night}
        assert links == due
        assert due < site.keys()


def test_the_gold_that_ships_covers_both_languages_and_both_kinds_of_copies() -> None:
    gold = sample_gold(SAMPLE_FOLDER)
    assert any(one.duplicate_of for one in gold)
    assert any(one.derived_from for one in gold)
    hosts = {urlsplit(one.url).hostname for one in gold}
    assert hosts == {urlsplit(origin).hostname for origin in ORIGINS.values()}


# ---------------------------------------------------------------- the captured documents


@needs_captured
def test_every_seed_feed_and_page_is_served_at_its_address() -> None:
    site = captured_site(CAPTURED)
    with LoopbackServer(site) as loopback:
        answers = {url: ask(loopback, url) for url in site}
    assert {answer.status for answer in answers.values()} == {200}
    assert {feed.url for feed in captured_feeds(CAPTURED)} < answers.keys()
    assert "https://next.ink/feed/next.xml" in answers
    assert b"<article" in answers["https://next.ink/183501/next-noyb-meta/"].body


@needs_captured
def test_only_seed_feeds_whose_pages_were_kept_have_them_downloaded() -> None:
    feeds = captured_feeds(CAPTURED)
    site = captured_site(CAPTURED)
    assert {feed.language for feed in feeds} == {"en", "fr"}
    for feed in feeds:
        links = {entry["link"] for entry in entries_of(site[feed.url])}
        assert (feed.pages is PagePolicy.AUTO) is (links <= site.keys())
        assert feed.pages in {PagePolicy.AUTO, PagePolicy.NEVER}
    assert sum(feed.pages is PagePolicy.AUTO for feed in feeds) == 3


def test_a_folder_without_seeds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=re.escape("no feeds/*.xml there")):
        captured_site(tmp_path)
