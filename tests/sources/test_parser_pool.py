"""Hostile feed documents: whatever they try, it costs their worker process and nobody else."""

import os
import socket
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from newsclust.errors import ParseError, Reason, StepError
from newsclust.model import Feed, Page, ParsedFeed
from newsclust.sources.entries import parse_feed
from newsclust.sources.parser_pool import FeedParserPool

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
FEED = Feed(id="f", url="https://one.test/feed", title="One")
GOOD = (
    b"<rss><channel><title>Good</title><item><title>A</title><link>https://one.test/a</link></item></channel></rss>"
)


@pytest.fixture(scope="module")
def reader() -> Iterator[FeedParserPool]:
    """One pool for many documents, as in a night."""
    with FeedParserPool(timeout_s=6) as pool:
        yield pool


def page(body: bytes) -> Page:
    return Page(url=FEED.url, final_url=FEED.url, fetched_at=NOON, headers={}, body=body)


def sleep_or_parse(feed: Feed, page: Page) -> ParsedFeed:
    if page.body == b"sleep":
        time.sleep(60)
    return parse_feed(feed, page)


def die_or_parse(feed: Feed, page: Page) -> ParsedFeed:
    if page.body == b"die":
        os._exit(7)
    return parse_feed(feed, page)


def sleep_die_or_parse(feed: Feed, page: Page) -> ParsedFeed:
    return sleep_or_parse(feed, page) if page.body == b"sleep" else die_or_parse(feed, page)


def eat_memory(feed: Feed, page: Page) -> ParsedFeed:
    bytes(2_000_000_000)
    raise AssertionError("nobody stopped it")


def stumble(feed: Feed, page: Page) -> ParsedFeed:
    raise ZeroDivisionError("over \x1b[2J nothing")


def tell_process(feed: Feed, page: Page) -> ParsedFeed:
    return ParsedFeed(feed_id=feed.id, title=str(os.getpid()), entries=())


def outcome(read: FeedParserPool, body: bytes) -> ParsedFeed | ParseError:
    try:
        return read(FEED, page(body))
    except ParseError as error:
        return error


def refusal(read: FeedParserPool, body: bytes) -> ParseError:
    with pytest.raises(ParseError) as raised:
        read(FEED, page(body))
    assert raised.value.item == FEED.url
    return raised.value


def test_a_document_is_read_as_it_would_be_here():
    with FeedParserPool() as read:
        assert read(FEED, page(GOOD)) == parse_feed(FEED, page(GOOD))
        assert refusal(read, b"").reason is Reason.EMPTY
        assert refusal(read, b"<html></html>").reason is Reason.HTML_NOT_FEED


def test_one_process_reads_many_documents_and_ends_with_the_reader():
    with FeedParserPool(parse=f"{__name__}:tell_process") as read:
        processes = {read(FEED, page(GOOD)).title for _ in range(3)}
    assert len(processes) == 1
    with pytest.raises(ProcessLookupError):
        os.kill(int(processes.pop() or 0), 0)


def test_of_many_documents_each_is_answered_once_whatever_becomes_of_the_others():
    bodies = [GOOD] * 60 + [b"die", b"", b"sleep"] + [GOOD] * 60 + [b"die"]
    documents = [(Feed(id=str(n), url=FEED.url, title="One"), page(body)) for n, body in enumerate(bodies)]
    begun = time.monotonic()
    with FeedParserPool(timeout_s=2, parse=f"{__name__}:sleep_die_or_parse") as reader:
        read = list(reader.parse(documents))
        assert reader(FEED, page(GOOD)).title == "Good"
    assert time.monotonic() - begun < 30
    assert sorted(int(feed.id) for (feed, _), _ in read) == list(range(len(bodies)))
    ended = {(shown.body, getattr(outcome, "reason", None)) for (_, shown), outcome in read}
    assert ended == {(GOOD, None), (b"die", Reason.CRASHED), (b"", Reason.EMPTY), (b"sleep", Reason.TIMEOUT)}


def test_a_document_that_hangs_holds_up_no_other_process():
    with FeedParserPool(timeout_s=5, parse=f"{__name__}:sleep_die_or_parse") as reader:
        documents = [(FEED, page(body)) for body in [GOOD] * 60 + [b"sleep"] + [GOOD] * 60]
        *others, (last, _) = reader.parse(documents)
    assert last[1].body == b"sleep"
    assert len(others) == 120


def test_more_processes_read_only_where_there_is_enough_to_read():
    def processes(documents: int) -> int:
        with FeedParserPool() as reader:
            assert len(list(reader.parse([(FEED, page(GOOD))] * documents))) == documents
            return len(reader._pool._workers)

    assert [processes(documents) for documents in (0, 1, 50, 51, 120)] == [0, 1, 1, 2, 2]


def test_documents_left_half_way_leave_no_process():
    with FeedParserPool(parse=f"{__name__}:tell_process") as reader:
        read = reader.parse([(FEED, page(GOOD))] * 3)
        (_, outcome) = next(read)
        read.close()
        with pytest.raises(ProcessLookupError):
            os.kill(int(outcome.title), 0)


def test_a_reader_that_reads_nothing_starts_no_process(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with FeedParserPool():
        pass


def test_a_document_that_takes_too_long_loses_its_process_and_the_next_has_another():
    with FeedParserPool(timeout_s=1, parse=f"{__name__}:sleep_or_parse") as read:
        begun = time.monotonic()
        error = refusal(read, b"sleep")
        assert (error.reason, error.detail) == (Reason.TIMEOUT, "not read within 1 s")
        assert time.monotonic() - begun < 20
        assert read(FEED, page(GOOD)).title == "Good"


def test_a_document_that_ends_its_process_costs_only_itself():
    with FeedParserPool(parse=f"{__name__}:die_or_parse") as read:
        error = refusal(read, b"die")
        assert (error.reason, error.detail) == (Reason.CRASHED, "the worker ended with 7")
        assert read(FEED, page(GOOD)).title == "Good"


@pytest.mark.skipif(sys.platform != "linux", reason="no other system keeps to a limit on memory")
def test_a_document_gets_no_more_memory_than_its_share():
    with FeedParserPool(parse=f"{__name__}:eat_memory") as read:
        error = refusal(read, GOOD)
    assert (error.reason, error.detail) == (Reason.CRASHED, "MemoryError:")


def test_an_error_nobody_expected_is_the_documents_own_and_moves_no_cursor():
    with FeedParserPool(parse=f"{__name__}:stumble") as read:
        error = refusal(read, GOOD)
    assert (error.reason, error.detail) == (Reason.CRASHED, "ZeroDivisionError: over [2J nothing")


def test_no_process_at_all_is_a_failure_of_the_step(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with FeedParserPool() as read, pytest.raises(StepError, match="did not start: it ended with 1"):
        read(FEED, page(GOOD))


# --- entities and DOCTYPEs

RSS = "<rss version='2.0'><channel><title>&x;</title><item><title>&x;</title><link>http://a.test/1</link></item></channel></rss>"
LAUGHS = "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 10))


@pytest.mark.parametrize(
    "doctype",
    [
        f"<!DOCTYPE rss [<!ENTITY l0 'ha'>{LAUGHS}<!ENTITY x '&l9;'>]>",
        "<!DOCTYPE rss [<!ENTITY a 'xxxxxxxxxx'><!ENTITY x '" + "&a;" * 50_000 + "'>]>",  # quadratic
        "<!DOCTYPE rss [<!ENTITY x SYSTEM 'file://{secret}'>]>",
        "<!DOCTYPE rss [<!ENTITY x SYSTEM 'http://127.0.0.1:{port}/x'>]>",
        "<!DOCTYPE rss SYSTEM 'http://127.0.0.1:{port}/x.dtd'>",
        "<!DOCTYPE rss PUBLIC '-//x' 'file://{secret}'>",
        "<!DOCTYPE rss [<!ENTITY % p SYSTEM 'http://127.0.0.1:{port}/p'>%p;]>",
        "<!DOCTYPE rss [<!ENTITY % p '<!ENTITY x SYSTEM \"file://{secret}\">'>%p;]>",
        "<!DOCTYPE rss [<!ENTITY x '&x;'>]>",
        "<!DOCTYPE rss [<!ATTLIST item xmlns CDATA #FIXED 'http://127.0.0.1:{port}/'><!ENTITY x SYSTEM '{secret}'>]>",
        # Not a whole DOCTYPE, or a second one: what looks for it must not be led astray.
        "<!DOCTYPE rss [<!ENTITY x SYSTEM 'file://{secret}'>",
        "<!DOCTYPE rss><!DOCTYPE rss [<!ENTITY x SYSTEM 'file://{secret}'>]>",
        "<!-- --><?a b?><!DOCTYPE rss [<!-- ]> --><!ENTITY x SYSTEM 'file://{secret}'>]>",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_an_entity_expands_to_nothing_and_opens_neither_file_nor_socket(reader, doctype, encoding, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("the crown jewels")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        written = doctype.replace("{secret}", str(secret)).replace("{port}", str(listening.getsockname()[1])) + RSS
        begun = time.monotonic()
        shown = repr(outcome(reader, written.encode(encoding)))
        assert time.monotonic() - begun < 5  # less than the pool allows
        assert len(shown) < 5000
        assert "jewels" not in shown
        assert "haha" not in shown
        with pytest.raises(TimeoutError):
            listening.accept()


# --- documents that are slow to read

ITEM = b"<item><title>T</title><link>https://one.test/%s</link><description>%s</description></item>"


@pytest.mark.parametrize(
    "body",
    [
        b"<rss><channel>" + b"<!--" * 50_000,
        b"<rss><channel>" + ITEM % (b"1", b"&lt;!--" * 50_000),
        b"<rss><channel>" + b"<![CDATA[" * 30_000,
        b"<rss><channel>" + b"<a " * 70_000,
        b"<rss><channel>" + b"<a>" * 70_000,
        b"<rss><channel>" + b"&" * 200_000,
        b"<rss><channel><item><title>" + b"<" * 200_000,
        b"<feed xmlns='http://www.w3.org/2005/Atom'>" + b"<x xmlns:a='b'>" * 20_000,
        b"<rss><channel>" + ITEM % (b"1", b"&lt;div&gt;" * 30_000),
        b"<!DOCTYPE rss [" + b"'\"" * 100_000,
        b"<?xml " + b"<!" * 100_000 + b"<rss>",
        b'{"version": "https://jsonfeed.org/version/1", "items": ' + b"[" * 200_000,
        b'{"version": "https://jsonfeed.org/version/1", "items": [' + b'{"a":' * 100_000,
    ],
    ids=lambda body: repr(body[-20:]),
)
def test_a_hostile_document_ends_in_bounded_time_and_the_next_is_read(reader, body):
    begun = time.monotonic()
    ended = outcome(reader, body)
    assert isinstance(ended, ParsedFeed) or ended.reason in {Reason.TIMEOUT, Reason.NOT_A_FEED, Reason.CRASHED}
    assert time.monotonic() - begun < 10
    assert reader(FEED, page(GOOD)).title == "Good"


# --- words of strangers


def test_titles_names_and_warnings_are_sanitised_and_short(reader):
    hostile = "\u202eevil\u2066\x9b31m\x85 &#27;[2J " + "long " * 200_000
    body = (
        f"<rss><channel><title>{hostile}</title><language>{hostile[:300]}</language>"
        f"<item><title>{hostile}</title><author>{hostile}</author><guid>{hostile}</guid><link>https://one.test/1</link>"
        f"<pubDate>{hostile[:50]}</pubDate></item>"
        f"<item><title>{hostile}</title></item>"
        f"<item><title>far</title><link>https://one.test/{'x' * 9000}</link></item></channel></rss>"
    )
    parsed = reader(FEED, page(body.encode()))
    entry, other = parsed.entries
    words = [parsed.title, entry.title, entry.author, other.title, *parsed.warnings, *entry.warnings, *other.warnings]
    assert entry.title.startswith("evil")
    assert [len(words) > 195 for words in (entry.title, parsed.title, entry.author)] == [True] * 3
    assert all(word and len(word) <= 500 and word.isprintable() for word in words)
    assert len(entry.guid) <= 2000
    assert "entry without an address: far" in parsed.warnings
