"""Kinds of sources: what the registry knows, and a new kind that is one class."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsclust import pipeline
from newsclust.errors import SettingsError
from newsclust.model import Count, Feed, Fetch, Page, PagePolicy, Request, RequestKind, id_of
from newsclust.sources.discovery import new_feed
from newsclust.sources.feeds_toml import read_feeds, write_feeds
from newsclust.sources.fetching import SourceFetcher
from newsclust.sources.registry import SOURCES, kind_with, matching_kind, source_of
from newsclust.store import Database, runs
from tests.fakes import Answer, DictFetcher, PlainExtractor

NOW = datetime(2026, 3, 2, 22, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
RELEASE_NOTES = "tests.sources.release_notes:ReleaseNotes"
TEXT = "It starts in half the time, reads every archive that version 1 wrote, and tells what it skipped and why."
LISTED = f"""
[[feed]]
url = "https://tool.example/NEWS"
title = "The Tool"
kind = "{RELEASE_NOTES}"
select = "Version"
pages = "never"
"""


def test_the_kinds_keep_the_names_that_databases_and_lists_have() -> None:
    assert set(SOURCES) == {"feed", "sitemap", "page", "account"}
    assert [source_of(kind) for kind in SOURCES] == list(SOURCES.values())


@pytest.mark.parametrize("kind", [*SOURCES, RELEASE_NOTES])
def test_every_kind_keeps_the_contract_of_a_source(kind: str) -> None:
    source = source_of(kind)
    assert source.description
    assert set(source.options) <= {"select", "token_env"}
    url = "https://fresh.example/i/?a=normal&get=c_2"
    assert source.poll_url(source.poll_url(url)) == source.poll_url(url)
    feed = Feed(id="1", url="https://tool.example/", title="The Tool", kind=kind, token_env="TOKEN")
    request = Request(url=feed.url, kind=RequestKind.FEED, item_id=feed.id, etag="v1")
    exchange = source.fetch(request, feed, now=NOW, environment={"TOKEN": "abc"})
    first = next(exchange)
    assert (first.item_id, first.kind) == (request.item_id, RequestKind.FEED)


@pytest.mark.parametrize(
    "kind", ["rss", "no.such.module:Source", "json:NoSuchClass", ":", "tests.fakes:NOON", "json:JSONDecoder"]
)
def test_what_is_no_kind_is_refused_with_the_kinds_there_are(kind: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is no kind of source"):
        source_of(kind)
    path = tmp_path / "feeds.toml"
    path.write_text(f'[[feed]]\nurl = "https://tool.example/"\ntitle = "The Tool"\nkind = "{kind}"\n')
    with pytest.raises(SettingsError, match=r"feed 1 \(https://tool\.example/\): kind: .* is no kind of source"):
        read_feeds(path)


def test_an_address_or_a_document_says_its_kind_and_an_option_belongs_to_one() -> None:
    def page(body: bytes) -> Page:
        return Page(url="http://a.example/", final_url="http://a.example/", fetched_at=NOW, headers={}, body=body)

    assert matching_kind("https://fresh.example/api/greader.php") == "account"
    assert matching_kind("https://a.example/map.xml", page(b"<urlset></urlset>")) == "sitemap"
    assert matching_kind("https://a.example/", page(b"<rss></rss>")) is None
    assert (kind_with("select"), kind_with("token_env")) == ("page", "account")


def test_kinds_of_one_request_are_fetched_in_one_call_and_each_request_has_one_answer() -> None:
    calls: list[int] = []

    class Counting(DictFetcher):
        def fetch(self, requests):  # type: ignore[no-untyped-def]
            calls.append(len(requests))
            return super().fetch(requests)

    kinds = {"one": "feed", "two": "sitemap", "three": "page", "four": "account"}
    feeds = {name: Feed(id=name, url=f"http://{name}.example/", title=name, kind=k) for name, k in kinds.items()}
    requests = [Request(url=feed.url, kind=RequestKind.FEED, item_id=feed.id) for feed in feeds.values()]
    fetcher = SourceFetcher(Counting({}, lambda: NOW), feeds, now=NOW, environment={})
    fetches: list[Fetch] = list(fetcher.fetch(requests))
    assert sorted(fetch.request.item_id for fetch in fetches) == sorted(kinds)
    assert calls == [3]  # an account without a token is not asked for anything


def test_a_kind_of_another_package_is_one_class_and_lives_a_night(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'src'}:{ROOT}")  # feeds are read in processes of their own
    path = tmp_path / "feeds.toml"
    path.write_text(LISTED)
    (feed,) = read_feeds(path)
    assert write_feeds([feed]).strip() == LISTED.strip()
    assert new_feed("https://tool.example/", kind=RELEASE_NOTES).id == feed.id == id_of("https://tool.example/NEWS")
    news = f"2026-03-02T10:00:00Z | Version 2 | /notes/2 | {TEXT}\n2026-03-01 | Weather | /notes/w | Rain.\nno row\n"
    for night, expected in ((0, Count(done=1)), (1, Count(skipped=1))):
        now = NOW + timedelta(days=night)
        fetcher = DictFetcher({feed.url: Answer(body=news)}, lambda now=now: now)
        with Database(tmp_path / "night.duckdb", now=now) as db:
            run = runs.begin_run(db, flow="test", night_at=now, started_at=now, settings={})
            pipeline.sync_feeds(db, run, [feed])
            assert pipeline.fetch_feeds(db, run, fetcher).done == 1
            assert pipeline.parse_feeds(db, run, fetcher.clock) == expected
            pipeline.extract_articles(db, run, fetcher.clock, PlainExtractor())
    with Database(tmp_path / "night.duckdb") as db:
        assert db.connection.sql("SELECT kind, selector, page_policy FROM feeds").fetchall() == [
            (RELEASE_NOTES, "Version", PagePolicy.NEVER)
        ]
        assert db.connection.sql("SELECT title, published_at, date_quality FROM entries").fetchall() == [
            ("Version 2", datetime(2026, 3, 2, 10), "given")  # noqa: DTZ001 - the store keeps UTC
        ]
        assert db.connection.sql("SELECT title, text FROM articles").fetchall() == [("Version 2", TEXT)]


def test_an_option_of_another_kind_is_checked_by_that_kind(tmp_path: Path) -> None:
    path = tmp_path / "feeds.toml"
    path.write_text(LISTED.replace('"Version"', '"two words"'))
    with pytest.raises(SettingsError, match="select: one word is needed"):
        read_feeds(path)
    path.write_text(LISTED.replace('select = "Version"\n', ""))
    with pytest.raises(SettingsError, match=f'select is what kind = "{RELEASE_NOTES}" needs'):
        read_feeds(path)
