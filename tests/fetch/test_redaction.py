"""What a reader's addresses hide is in no table, file, log, page or terminal, wherever a site repeats it."""

import json
import logging
import zlib
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from newsclust import pipeline, report
from newsclust.demo.server import ReceivedRequest, Reply
from newsclust.fetch import HttpFetcher
from newsclust.fetch.redaction import redactor_for
from newsclust.model import Request, RequestKind
from newsclust.sources.feeds_toml import read_feeds, read_lists
from newsclust.store import Database, runs
from newsclust.store.database import migrations
from tests.fakes import PlainExtractor
from tests.loopback import PageAnswer, PageServer, reply
from tests.readers import FreshReader, Held
from tests.terminal import Terminal

NOW = datetime(2026, 3, 2, 22, tzinfo=UTC)
USER, TOKEN, SHARE, API_KEY, KEY = (
    "user-secret-01",
    "token-secret-02",
    "shareSecret03",
    "api-secret-04",
    "key-secret-05",
)
READER, PATH, LIST, OUTLINE, MOVED = (
    "ana/reader-secret-06",
    "path secret/07",
    "list-secret-08",
    "opml-secret-09",
    "move-secret-10",
)
SECRETS = (
    USER,
    TOKEN,
    SHARE,
    API_KEY,
    KEY,
    "reader-secret-06",
    "path secret/07",
    "path%20secret",
    LIST,
    OUTLINE,
    MOVED,
)
ENVIRONMENT = {"READER_TOKEN": READER, "PATH_TOKEN": PATH}
ENCODED = b64encode(f"ana:{USER}".encode()).decode()

FEEDS = f"""
[[feed]]
url = "http://ana:{USER}@one.example/feed"
title = "User and password"
[[feed]]
url = "http://two.example/feed?token={TOKEN}"
title = "Token"
[[feed]]
url = "http://three.example/api/query.php?user=ana&t={SHARE}&f=html"
title = "Shared query"
[[feed]]
url = "http://four.example/feed?api_key={API_KEY}"
title = "Key that is refused"
[[feed]]
url = "http://five.example/feed?key={KEY}"
title = "Key of what is no feed"
[[feed]]
url = "http://six.example/${{PATH_TOKEN}}/feed"
title = "Variable"
[[feed]]
url = "http://seven.example/feed"
title = "Leads to a token"
[[feed]]
url = "http://reader.example/api/greader.php"
title = "Account"
kind = "account"
token_env = "READER_TOKEN"
[[list]]
url = "http://lists.example/mine.opml?token={LIST}"
"""


def told_back(asked: ReceivedRequest) -> Reply:
    """A feed that repeats the address it was asked at wherever a feed can, and its Authorization header."""
    url = asked.url.replace("&", "&amp;")
    said = asked.headers.get("authorization", "").removeprefix("Basic ")
    item = (
        f"<item><title>News {said}</title><link>{url}#1</link><guid>{url}</guid><author>{url}</author>"
        f"<description>Read more at {url} {said}, dear reader.</description><source url='{url}'>{url}</source></item>"
        "<item><title>Elsewhere</title><link>http://news.example/1</link></item>"
    )
    body = (
        f"<rss version='2.0' xmlns:atom='http://www.w3.org/2005/Atom'><channel><title>{url}</title><link>{url}</link>"
        f"<atom:link rel='self' href='{url}'/>{item}</channel></rss>"
    )
    return reply(
        body=body, content_type="application/rss+xml", headers={"link": f"<{asked.url}>; rel=self", "etag": said}
    )


def moved_on(asked: ReceivedRequest) -> Reply:
    return reply(status=301, headers={"location": asked.url.replace("/feed", "/new/feed")})


OPML = (
    "<opml version='2.0'><body>"
    f"<outline type='rss' text='http://ana:{OUTLINE}@paid.example/' xmlUrl='http://ana:{OUTLINE}@paid.example/'/>"
    f"<outline type='rss' text='http://bo:{OUTLINE}@free.example/' xmlUrl='http://free.example/feed'"
    f" htmlUrl='http://bo:{OUTLINE}@free.example/'/>"
    f"<outline type='rss' text='Paid' xmlUrl='http://paid.example/feed?api_key={OUTLINE}'/>"
    f"<outline type='rss' text='Query' xmlUrl='http://paid.example/api/query.php?user=a&amp;t={OUTLINE}&amp;f=rss'/>"
    f"<outline type='rss' text='Bad' xmlUrl='http://bad.example/' htmlUrl='ftp://ana:{OUTLINE}@bad.example/'/>"
    f"<outline type='rss' text='Wrong' xmlUrl='ftp://ana:{OUTLINE}@bad.example/'/></body></opml>"
)

WEB: dict[str, PageAnswer] = {
    "http://one.example/feed": told_back,
    "http://two.example/feed": moved_on,
    "http://two.example/new/feed": told_back,
    "http://three.example/api/query.php": told_back,
    "http://four.example/feed": lambda asked: reply(status=403, body=f"no {asked.url}"),
    "http://five.example/feed": lambda asked: reply(body=f"<html><body>Sign in again: {asked.url}</body></html>"),
    "http://six.example/*": told_back,
    "http://seven.example/feed": reply(status=301, headers={"location": f"http://seven.example/feed2?token={MOVED}"}),
    "http://seven.example/feed2": told_back,
    "http://free.example/feed": told_back,
    "http://bad.example/": told_back,
    "http://lists.example/mine.opml": reply(body=OPML, content_type="text/x-opml"),
    "http://reader.example/*": FreshReader(
        token=READER, items=[Held(number=1, title="News", published=int(NOW.timestamp()), seen=int(NOW.timestamp()))]
    ),
    "http://news.example/1": reply(
        body="<html><body>" + "<p>The ferry is back at its quay.</p>" * 30 + "</body></html>"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """Four nights, and where they were lived."""

    folder: Path
    web: PageServer
    log: str
    summary: str

    @property
    def options(self) -> dict[str, object]:
        return {"connect_to": self.web.connect_to, "host_pause_s": 0}


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "feeds.toml").write_text(FEEDS)
    feeds, lists = read_feeds(folder / "feeds.toml"), read_lists(folder / "feeds.toml")
    heard, log = Lines(), logging.getLogger("newsclust")
    log.addHandler(heard)
    with PageServer(dict(WEB)) as web:
        for day in range(4):
            now = NOW + timedelta(days=day)
            clock = pipeline.night_clock(now)
            fetcher = HttpFetcher(user_agent="tests", clock=clock, connect_to=web.connect_to, host_pause_s=0)
            with Database(folder / "working.duckdb", now=now) as db:
                run = runs.begin_run(db, flow="test", night_at=now, started_at=now, settings={})
                pipeline.fetch_lists(db, run, fetcher, clock, lists, ENVIRONMENT)
                pipeline.sync_feeds(db, run, feeds, lists)
                pipeline.fetch_feeds(db, run, fetcher, listed=feeds, environment=ENVIRONMENT)
                pipeline.parse_feeds(db, run, clock)
                pipeline.check_feed_anomalies(db, run)
                pipeline.fetch_pages(db, run, fetcher)
                pipeline.plan_feeds(db, run)
                pipeline.update_feed_health(db, run)
                pipeline.extract_articles(db, run, clock, PlainExtractor())
                runs.finish_run(db, run, finished_at=clock())
                summary = report.summary_markdown(db.connection, run.id)
                pipeline.publish(db, folder / "published.duckdb")
        log.removeHandler(heard)
        yield Lived(folder=folder, web=web, log="\n".join(heard.lines), summary=summary)


@pytest.fixture
def newsclust(lived: Lived, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal beside what was published, in which the same web answers."""
    settings = {"PATHS__FEEDS": "feeds.toml", "PATHS__PUBLISHED": str(lived.folder / "published.duckdb")}
    for name, value in {**settings, "FETCH__OPTIONS": json.dumps(lived.options)}.items():
        monkeypatch.setenv(f"NEWSCLUST_{name}", value)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    Path("feeds.toml").write_text(FEEDS)
    return terminal


def leaks(text: str) -> list[str]:
    return [secret for secret in (*SECRETS, ENCODED) if secret in text]


def stored(path: Path) -> Iterator[tuple[str, str]]:
    """Every table of the file with all it holds, unpacked."""
    with duckdb.connect(str(path), read_only=True) as connection:
        for schema, table in connection.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall():
            for row in connection.execute(f"FROM {schema}.{table}").fetchall():
                for value in row:
                    yield table, zlib.decompress(value).decode() if isinstance(value, bytes) else str(value)


def test_every_secret_was_asked_with_so_that_it_could_leak(lived: Lived) -> None:
    asked = "\n".join(f"{one.url} {one.headers.get('authorization')}" for one in lived.web.requests)
    for secret in (ENCODED, TOKEN, SHARE, API_KEY, KEY, READER, "path%20secret%2F07", LIST, MOVED):
        assert secret in asked
    assert OUTLINE not in asked  # what stands in a list of others is not asked


@pytest.mark.parametrize("name", ["working.duckdb", "published.duckdb"])
def test_no_secret_is_stored_or_published(lived: Lived, name: str) -> None:
    path = lived.folder / name
    assert [(table, found) for table, value in stored(path) if (found := leaks(value))] == []
    assert leaks(path.read_bytes().decode("latin-1")) == []
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute("SELECT count(DISTINCT feed_id) FROM internal.entries").fetchone() == (8,)


def test_no_secret_is_logged_or_told_in_the_morning(lived: Lived) -> None:
    assert leaks(lived.log) == []
    assert leaks(lived.summary) == []
    assert "four.example" in lived.log
    assert "paid.example" in lived.log


def test_what_leads_to_a_token_is_no_move(lived: Lived) -> None:
    with duckdb.connect(str(lived.folder / "working.duckdb"), read_only=True) as connection:
        assert connection.execute("FROM feed_moves").fetchall() == []


@pytest.mark.parametrize(
    "verb", [("feeds", "list"), ("feeds", "export"), ("feeds", "schedule"), ("feeds", "moved"), ("top",)]
)
def test_no_verb_tells_a_secret(newsclust: Terminal, verb: tuple[str, ...]) -> None:
    ended = newsclust(*verb)
    assert ended.code == 0, ended.err
    assert leaks(ended.out + ended.err) == []


def test_previewing_and_adding_print_no_secret_and_request_with_it(newsclust: Terminal, lived: Lived) -> None:
    for feed in read_feeds(Path("feeds.toml")):
        lived.web.requests.clear()
        for url in {feed.url, feed.written_url or feed.url}:
            ended = newsclust("feeds", "preview", url)
            assert leaks(ended.out + ended.err) == [], feed.title
        assert lived.web.requests, (url, ended.out, ended.err)
    Path("feeds.toml").write_text("")
    for url in (f"http://ana:{USER}@one.example/feed", f"http://five.example/feed?key={KEY}"):
        ended = newsclust("feeds", "add", url)
        assert leaks(ended.out + ended.err) == []
    assert [feed.title for feed in read_feeds(Path("feeds.toml"))] == ["http://one.example/feed"]


def test_a_database_that_stored_the_token_of_a_shared_query_forgets_it(tmp_path: Path) -> None:
    url = f"http://three.example/api/query.php?user=ana&t={SHARE}&f=rss"
    path, at = tmp_path / "old.duckdb", NOW.replace(tzinfo=None)
    item = {"item_id": "f", "run_id": "run"}
    page = item | {"kind": "feed", "url": url, "final_url": url}
    fetch = page | {"requested_at": at, "seconds": 0, "redirects": 0, "received_bytes": 0}
    shared = {"feed_id": "f", "run_id": "run", "url": url, "site_url": url.replace("rss", "html"), "title": "Shared"}
    failure = {"reason": "not_found", "detail": url}
    rows = (
        ("feeds", shared | {"tags": [], "pages": "auto", "listed": True, "added_at": at}),
        ("fetches", fetch | {"etag": '"1"', "moved_to": url}),
        ("fetches", fetch | failure),
        ("pages", page | {"headers": {"link": url}, "body": zlib.compress(url.encode()), "fetched_at": at}),
        ("failures", item | failure | {"step": "fetch_feeds", "item": url, "failed_at": at}),
    )
    with duckdb.connect(str(path)) as old:  # as it was before migration 12
        old.execute("CREATE TABLE migrations (number INTEGER, name TEXT, checksum TEXT, applied_at TIMESTAMP)")
        for migration in migrations()[:11]:
            old.execute(migration.sql)
            applied = [migration.number, migration.name, migration.checksum, at]
            old.execute("INSERT INTO migrations VALUES (?, ?, ?, ?)", applied)
        for table, row in rows:
            places = ", ".join("?" * len(row))
            old.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", list(row.values()))
    assert any(leaks(value) for _, value in stored(path))
    with Database(path, now=NOW) as db:
        assert db.rows("SELECT url, etag FROM fetches WHERE reason IS NULL") == [
            {"url": url.replace(SHARE, "***"), "etag": None}
        ]
        assert db.rows("FROM pages") == []
    assert [(table, found) for table, value in stored(path) if (found := leaks(value))] == []


@pytest.mark.parametrize(
    "written",
    [
        "pa&ss\"w/o<r>d'é",
        "pa&amp;ss&quot;w/o&lt;r&gt;d&#x27;é",
        "pa&amp;ss&quot;w/o&lt;r&gt;d&#39;é",
        "pa&amp;ss\"w/o&lt;r&gt;d'é",
        "pa&ss\\\"w/o<r>d'é",
        "pa&ss\\\"w\\/o<r>d'\\u00e9",
        'pa\\u0026ss\\"w/o\\u003cr\\u003ed\\u0027é',
        'pa\\u0026ss\\"w\\/o\\u003Cr\\u003Ed\\u0027\\u00e9',
        "pa%26ss%22w%2Fo%3Cr%3Ed%27%C3%A9",
        "pa%26ss%22w%2fo%3cr%3ed%27%c3%a9",
    ],
)
def test_a_secret_is_hidden_however_a_document_escapes_it(written: str) -> None:
    secret = "pa%26ss%22w%2Fo%3Cr%3Ed%27%C3%A9"
    request = Request(
        url="https://***@one.test/feed",
        kind=RequestKind.FEED,
        item_id="f",
        secret_url=f"https://me:{secret}@one.test/feed",
    )
    redactor = redactor_for(request)
    assert redactor.redact(f"<a href='{written}'>") == "<a href='***'>"
    assert redactor.redact_body(f"<a href='{written}'>".encode()) == b"<a href='***'>"
