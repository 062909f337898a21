"""Fetching over real sockets, from a server on loopback that misbehaves in every way we know."""

import asyncio
import gzip
import socket
import subprocess
import sys
import textwrap
import threading
import time
import tracemalloc
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import brotli
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsclust.demo.server import RawConnection
from newsclust.errors import Reason, SettingsError
from newsclust.fetch import HttpFetcher
from newsclust.fetch.url_policy import read_url
from newsclust.model import Fetch, Request, RequestKind
from newsclust.urls import redacted
from tests.loopback import FEED, RoutedServer, answering, raw

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def fetcher(server: RoutedServer) -> Callable[..., HttpFetcher]:
    """Builds a fetcher for which every host is the test server."""

    def build(**options: object) -> HttpFetcher:
        to = {"*:80": f"127.0.0.1:{server.port}", "*:443": f"127.0.0.1:{server.tls_port}"}
        defaults = {
            "user_agent": "newsclust-test/1",
            "host_pause_s": 0,
            "connect_to": to,
            "clock": lambda: NOON,
        }
        return HttpFetcher(**(defaults | options))

    return build


@pytest.fixture
def get(fetcher: Callable[..., HttpFetcher]) -> Callable[..., Fetch]:
    """Fetches one address with a fetcher of these options."""

    def one(url: str, *, kind: RequestKind = RequestKind.FEED, etag=None, last_modified=None, **options) -> Fetch:
        request = Request(url=url, kind=kind, item_id="f1", etag=etag, last_modified=last_modified)
        (answer,) = fetcher(**options).fetch([request])
        assert answer.request is request
        assert answer.error is None or answer.error.item == redacted(url)
        return answer

    return one


def _requests(*urls: str, kind: RequestKind = RequestKind.FEED) -> list[Request]:
    return [Request(url=url, kind=kind, item_id=url) for url in urls]


def _fetching_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "newsclust-fetch"]


# --- answers ---------------------------------------------------------------------------------------------


def test_a_page_carries_its_bytes_its_headers_and_what_to_ask_next_time(server, get):
    server.routes["/feed"] = answering(
        body=FEED, ETag='"v1"', Last_Modified="Sun, 01 Nov 2026 06:00:00 GMT", Content_Type="text/plain"
    )
    answer = get("http://one.test/feed")
    assert (answer.status, answer.redirects, answer.received_bytes) == (200, 0, len(FEED))
    assert (answer.etag, answer.last_modified) == ('"v1"', "Sun, 01 Nov 2026 06:00:00 GMT")
    assert answer.requested_at == answer.page.fetched_at == NOON
    assert 0 < answer.seconds < 10
    assert answer.page.body == FEED
    assert answer.page.url == answer.page.final_url == answer.final_url == "http://one.test/feed"
    assert answer.page.headers["content-type"] == "text/plain"


def test_the_server_learns_who_asks_and_for_what(server, get):
    get("http://one.test/feed")
    get("http://one.test:80/page", kind=RequestKind.PAGE)
    feed, page = server.visits
    assert feed.headers["user-agent"] == page.headers["user-agent"] == "newsclust-test/1"
    assert feed.headers["host"] == page.headers["host"] == "one.test"
    assert feed.headers["accept-encoding"] == "gzip, deflate, br"
    assert feed.headers["accept"].startswith("application/atom+xml")
    assert page.headers["accept"].startswith("text/html")


def test_what_has_not_changed_is_neither_page_nor_error_and_keeps_its_validators(server, get):
    server.routes["/feed"] = answering("304 Not Modified", ETag='W/"v2"')
    answer = get("http://one.test/feed", etag='"v1"', last_modified="Sun, 01 Nov 2026 06:00:00 GMT")
    assert (answer.status, answer.page, answer.error) == (304, None, None)
    assert (answer.etag, answer.last_modified) == ('W/"v2"', "Sun, 01 Nov 2026 06:00:00 GMT")
    assert server.visits[0].headers["if-none-match"] == '"v1"'
    assert server.visits[0].headers["if-modified-since"] == "Sun, 01 Nov 2026 06:00:00 GMT"


def test_not_modified_is_an_error_when_there_was_nothing_to_compare(server, get):
    server.routes["/feed"] = answering("304 Not Modified")
    assert get("http://one.test/feed").error.reason is Reason.SERVER_ERROR


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, Reason.FORBIDDEN),
        (403, Reason.FORBIDDEN),
        (404, Reason.NOT_FOUND),
        (410, Reason.GONE),
        (418, Reason.CLIENT_ERROR),
        (429, Reason.THROTTLED),
        (451, Reason.FORBIDDEN),
        (500, Reason.SERVER_ERROR),
        (503, Reason.THROTTLED),
        (300, Reason.SERVER_ERROR),
        (302, Reason.SERVER_ERROR),
    ],
)
def test_a_status_that_is_no_page_has_its_reason(server, get, status, reason):
    server.routes["/feed"] = answering(f"{status} No", body=b"sorry")
    answer = get("http://one.test/feed")
    assert (answer.status, answer.error.reason, answer.page) == (status, reason, None)
    assert str(status) in answer.error.detail


def test_a_throttled_request_says_when_to_come_back(server, get):
    server.routes["/feed"] = answering("429 Slow down", Retry_After="120")
    assert get("http://one.test/feed").error.detail == "HTTP 429, Retry-After: 120"


def test_headers_that_are_not_text_can_still_be_stored_and_asked_with(server, get):
    headers = b'Content-Length: 1\r\nETag: "\xe9"\r\nX-Name: caf\xe9\r\nVia: a\r\nVia: b'
    server.routes["/feed"] = raw(b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n\r\nx")
    answer = get("http://one.test/feed")
    assert answer.etag is None
    assert answer.page.headers["x-name"] == "caf\ufffd"
    assert answer.page.headers["via"] == "a, b"
    "".join(answer.page.headers.values()).encode()


def test_no_cookie_of_a_page_is_kept_or_shown(server, fetcher):
    server.routes["/a"] = answering("302 Found", Location="/b")
    server.routes["/b"] = answering(body=FEED, Set_Cookie="who=you")
    answers = list(
        # A name, since aiohttp keeps no cookies of hosts written as numbers.
        fetcher(per_host=1, connect_to={"*:80": f"localhost:{server.port}"}).fetch(
            _requests("http://one.test/a", "http://one.test/b")
        )
    )
    assert all("cookie" not in visit.headers for visit in server.visits)
    assert all("set-cookie" not in answer.page.headers for answer in answers)


# --- redirects -------------------------------------------------------------------------------------------


def test_redirects_are_followed_counted_and_resolved_against_the_last_hop(server, get):
    server.routes["/old"] = answering("301 Moved", Location="http://two.test/blog/feed")
    server.routes["/blog/feed"] = answering("308 Moved", Location="atom?lang=fr#top")
    server.routes["/blog/atom?lang=fr"] = answering("307 Moved", Location="//three.test/caf\xc3\xa9")
    answer = get("http://one.test/old")
    assert answer.page.body == FEED
    assert (answer.status, answer.redirects) == (200, 3)
    assert answer.final_url == answer.page.final_url == "http://three.test/caf%C3%A9"
    assert [visit.headers["host"] for visit in server.visits] == [
        "one.test",
        "two.test",
        "two.test",
        "three.test",
    ]


@pytest.mark.parametrize(
    ("location", "final_url"),
    [
        ("http://caf\xc3\xa9.test/\xc3\xa9", "http://xn--caf-dma.test/%C3%A9"),  # UTF-8
        ("/caf\xe9 noir", "http://one.test/caf%E9%20noir"),  # Latin-1
        ("?page=2#top", "http://one.test/feed?page=2"),
    ],
)
def test_a_location_is_read_as_browsers_read_it(server, get, location, final_url):
    server.routes["/feed"] = answering("302 Found", Location=location)
    assert get("http://one.test/feed").final_url == final_url


def test_a_redirect_back_to_where_we_were_ends_at_once(server, get):
    server.routes["/a"] = answering("302 Found", Location="/b")
    server.routes["/b"] = answering("302 Found", Location="/a")
    answer = get("http://one.test/a")
    assert (answer.error.reason, answer.status, answer.redirects) == (Reason.TOO_MANY_REDIRECTS, 302, 1)
    assert answer.error.detail == "a loop, back to http://one.test/a"
    assert len(server.visits) == 2


@pytest.mark.parametrize("allowed", [0, 3])
def test_redirects_without_end_stop_at_the_limit(server, get, allowed):
    for hop in range(10):
        server.routes[f"/{hop}"] = answering("302 Found", Location=f"/{hop + 1}")
    answer = get("http://one.test/0", max_redirects=allowed)
    assert (answer.error.reason, answer.redirects) == (Reason.TOO_MANY_REDIRECTS, allowed)
    assert len(server.visits) == allowed + 1


@pytest.mark.parametrize(
    "location", ["file:///etc/hostname", "ftp://one.test/x", "http://a..b/", "http://[::1", "data:,x"]
)
def test_a_redirect_out_of_the_web_is_refused(server, get, location):
    server.routes["/feed"] = answering("302 Found", Location=location)
    answer = get("http://one.test/feed")
    assert answer.error.reason is Reason.BAD_URL
    assert location in answer.error.detail
    assert answer.final_url == "http://one.test/feed"


# --- addresses -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        *("", "feed", "//one.test/x", "http:///x", "file:///etc/hostname", "mailto:a@b.test"),
        *(
            "http://a:99999/",
            "http://[::1",
            "http://a..b/",
            "http://two words.test/",
            "http://one.test/\udc80",
        ),
        *("http://2130706433/", "http://127.1/", "http://[::g]/", f"http://{'a' * 64}.test/"),
        *("http://日@one.test/", "http://a%3Ab@one.test/", "http://[]@?@one.test/"),
    ],
)
def test_an_address_that_is_none_is_refused_before_any_socket(get, url):
    answer = get(url)
    assert (answer.error.reason, answer.status, answer.final_url) == (Reason.BAD_URL, None, redacted(url))


@given(st.text() | st.text().map("http://{}".format) | st.text().map("https://one.test/{}".format))
def test_any_text_is_an_http_url_or_a_value_error(text):
    try:
        url = read_url(text)
    except ValueError:
        return
    assert url.scheme in ("http", "https")
    url.raw_host.encode("idna")
    assert read_url(str(url)) == url


_HOSTILE = st.text("aé日\udc80\x00\n\t @:/?#[]%\\.\u202e=~01-", max_size=12)
_ADDRESSES = st.builds(
    str.replace,
    st.sampled_from(["http://one.test/X", "http://X@one.test/", "http://u:X@one.test/", "http://X/", "X"]),
    st.just("X"),
    _HOSTILE,
)
_ANSWERS = st.builds(
    lambda start, parts: start + b"".join(parts),
    st.sampled_from([b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 302 Found\r\nLocation: ", b"HTTP/1.1 304 X\r\n", b""]),
    st.lists(
        st.sampled_from(
            [b"http://", b"one.test", b"/", b"\xff", b"\xe6\x97\xa5", b"@", b"\r\n", b"\r\n\r\n", b"[", b":"]
        )
        | st.sampled_from([b"ETag: ", b"Content-Length: 3", b"Content-Encoding: gzip", b"\x1f\x8b\x08", b"\x00"])
        | st.sampled_from([b"Transfer-Encoding: chunked\r\n\r\n", b"3\r\nabc\r\n", b"Set-Cookie: a=b", b"Upgrade: x"])
        | st.binary(max_size=3),
        max_size=10,
    ),
)


def test_whatever_is_asked_or_answered_comes_out_as_one_storable_fetch_each(server, fetcher):
    @settings(max_examples=40, deadline=None)
    @given(st.lists(_ADDRESSES, max_size=20), st.lists(_ANSWERS, max_size=20))
    def holds(addresses: list[str], written: list[bytes]) -> None:
        server.routes.clear()
        server.routes |= {f"/{number}": raw(answer) for number, answer in enumerate(written)}
        requests = _requests(*addresses, *[f"http://h{n}.test/{n}" for n in range(len(written))])
        answers = list(fetcher(total_timeout_s=1, per_host=20).fetch(requests))
        assert Counter(a.request.url for a in answers) == Counter(r.url for r in requests)
        for answer in answers:
            assert (answer.page is None) != (answer.error is None)  # nobody asked for "not modified"
            texts = [answer.error.detail] if answer.error else [*answer.page.headers.values(), answer.final_url]
            "".join([*texts, answer.etag or "", answer.last_modified or ""]).encode()

    holds()


def test_a_name_nobody_knows_is_a_dns_failure(get, monkeypatch):
    def unknown(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    answer = get("http://nobody.test/", connect_to={})
    assert (answer.error.reason, answer.status) == (Reason.DNS_FAILED, None)


def test_a_closed_port_is_a_connection_failure(get):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    answer = get("http://one.test/", connect_to={"one.test:80": f"127.0.0.1:{port}"})
    assert (answer.error.reason, answer.status) == (Reason.CONNECTION_FAILED, None)


def test_connect_to_prefers_the_named_host_and_leaves_other_ports_alone(server, get):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        closed = listening.getsockname()[1]
    to = {"*:80": f"127.0.0.1:{closed}", "One.test:80": f"localhost:{server.port}"}
    assert get("http://one.TEST./", connect_to=to).status == 200
    assert get("http://other.test/", connect_to=to).error.reason is Reason.CONNECTION_FAILED
    elsewhere = {"ports": [server.port], "allow_private": ["127.0.0.0/8"]}
    assert get(f"http://127.0.0.1:{server.port}/", connect_to=to, **elsewhere).status == 200


def test_connect_to_holds_for_hosts_written_as_numbers_too(server, get):
    assert get("http://192.0.2.7/feed").status == 200
    assert get("http://[2001:db8::7]/feed").status == 200
    assert [visit.headers["host"] for visit in server.visits] == ["192.0.2.7", "[2001:db8::7]"]


# --- TLS -------------------------------------------------------------------------------------------------


@pytest.fixture
def ca_file(server: RoutedServer) -> Path:
    return server.ca_file


def test_a_certificate_of_the_extra_authority_is_trusted_for_its_name(server, get, ca_file):
    answer = get("https://secure.test/feed", ca_file=ca_file)
    assert answer.page.body == FEED
    assert (server.visits[0].server_name, server.visits[0].headers["host"]) == ("secure.test", "secure.test")


@pytest.mark.parametrize("url", ["https://other.test/feed", "https://192.0.2.7/feed"])
def test_a_certificate_for_another_name_is_refused_whatever_address_is_dialled(server, get, ca_file, url):
    answer = get(url, ca_file=ca_file)
    assert (answer.error.reason, answer.status) == (Reason.TLS_FAILED, None)
    assert server.visits == []


def test_an_unknown_authority_is_refused(server, get):
    answer = get("https://secure.test/feed")
    assert answer.error.reason is Reason.TLS_FAILED
    assert "certificate verify failed" in answer.error.detail


def test_a_server_that_does_not_speak_tls_is_a_tls_failure(server, get):
    answer = get("https://secure.test/", connect_to={"*:443": f"127.0.0.1:{server.port}"})
    assert answer.error.reason is Reason.TLS_FAILED


# --- broken answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (b"", Reason.CONNECTION_FAILED),
        (b"HTTP/1.1 200 OK\r\nContent-Le", Reason.CONNECTION_FAILED),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhalf", Reason.CONNECTION_FAILED),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal", Reason.CONNECTION_FAILED),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhal", Reason.SERVER_ERROR),
        (b"220 mail.test ESMTP\r\n\r\n", Reason.SERVER_ERROR),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", Reason.SERVER_ERROR),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n", Reason.SERVER_ERROR),
    ],
)
def test_an_answer_that_breaks_off_or_is_not_http_has_its_reason(server, get, written, reason):
    server.routes["/feed"] = raw(written)
    assert get("http://one.test/feed").error.reason is reason


def test_of_a_body_that_is_longer_than_said_as_much_as_was_said_is_read(server, get):
    server.routes["/feed"] = answering(body=FEED, Content_Length="5")
    assert get("http://one.test/feed").page.body == FEED[:5]


def test_a_redirect_that_brings_a_body_it_did_not_announce_is_followed(server, get):
    server.routes["/a"] = raw(
        b"HTTP/1.1 302 Object Moved\r\nContent-Length: 0\r\nLocation: /b\r\n\r\n<html>moved</html>"
    )
    server.routes["/b"] = answering(body=FEED)
    assert get("http://one.test/a").page.body == FEED


@pytest.mark.parametrize(
    "encoding", ["aws-chunked", "UTF-8", "none", "utf-8, identity", "binary", "gzip", "br", "deflate", '"utf8"']
)
def test_a_body_that_is_not_encoded_is_read_whatever_is_said_of_it(server, get, encoding):
    server.routes["/feed"] = answering(body=FEED, Content_Encoding=encoding)
    assert get("http://one.test/feed").page.body == FEED


@pytest.mark.parametrize("encoding", ["aws-chunked,gzip", "gzip, utf-8", "GZIP", "gzip;q=1"])
def test_the_codings_among_other_words_are_undone(server, get, encoding):
    server.routes["/feed"] = answering(body=gzip.compress(FEED), Content_Encoding=encoding)
    assert get("http://one.test/feed").page.body == FEED


# --- cookies


def asking_for_a_cookie(set_cookie: str, location: str, expected: str = "seen=1"):
    """Answers with the feed to whom brings the cookie, and sends all others on with it."""

    def route(request):
        if expected in request.headers.get("cookie", ""):
            return answering(body=FEED)(request)
        return answering("302 Found", Location=location, Set_Cookie=set_cookie)(request)

    return route


@pytest.mark.parametrize(
    "set_cookie",
    [
        "seen=1; Path=/",
        "seen=1",
        "seen=1; Domain=one.test; Max-Age=60",
        'seen=1; Expires="Wed, 09 Jun 2100 10:18:14 GMT"',
    ],
)
def test_within_one_chain_of_redirects_a_cookie_comes_back(server, get, set_cookie):
    server.routes["/feed"] = asking_for_a_cookie(set_cookie, "/feed")
    answer = get("http://one.test/feed")
    assert (answer.page.body, answer.redirects) == (FEED, 1)
    assert "seen=1" not in str(answer)


def test_a_cookie_is_told_to_no_later_request(server, fetcher):
    server.routes["/a"] = asking_for_a_cookie("seen=1; Path=/", "/a")
    server.routes["/b"] = answering(body=FEED)
    one = fetcher()
    for url in ("http://one.test/a", "http://one.test/b"):
        list(one.fetch(_requests(url)))
    assert [visit.headers.get("cookie") for visit in server.visits] == [None, "seen=1", None]


@pytest.mark.parametrize(
    "set_cookie",
    ["seen=1", "seen=1; Domain=two.test", "seen=1; Domain=test", "seen=1; Secure", "seen=1; Path=/other"],
)
def test_a_cookie_goes_nowhere_but_where_it_belongs(server, get, set_cookie):
    server.routes["/a"] = answering("302 Found", Location="http://two.test/b", Set_Cookie=set_cookie)
    server.routes["/b"] = answering(body=FEED)
    get("http://one.test/a")
    assert all("cookie" not in visit.headers for visit in server.visits)


def test_a_redirect_to_itself_that_sets_the_same_cookie_again_is_a_loop(server, get):
    server.routes["/feed"] = answering("302 Found", Location="/feed", Set_Cookie="seen=1")
    assert get("http://one.test/feed").error.reason is Reason.TOO_MANY_REDIRECTS
    assert len(server.visits) == 2


def test_a_dropped_connection_is_not_tried_again_on_the_spot(server, get):
    server.routes["/feed"] = raw(b"")
    assert get("http://one.test/feed").error.detail == "Server disconnected"
    assert len(server.visits) == 1


def test_headers_of_twenty_kilobytes_are_read(server, get):
    server.routes["/feed"] = answering(body=FEED, Content_Security_Policy="x" * 20_000)
    assert get("http://one.test/feed").page.body == FEED


@pytest.mark.parametrize(
    ("parts", "pause_s", "status"),
    [
        ([], 0, None),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"], 0, 200),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b"12345"], 0, 200),
    ],
)
def test_a_server_that_falls_silent_is_a_timeout_soon(server, get, parts, pause_s, status):
    server.routes["/feed"] = raw(*parts, pause_s=pause_s, then_wait=True)
    answer = get("http://one.test/feed", idle_timeout_s=0.2)
    assert (answer.error.reason, answer.status) == (Reason.TIMEOUT, status)
    assert 0.2 <= answer.seconds < 3


def test_a_body_that_drips_for_ever_ends_with_the_total_timeout(server, get):
    server.routes["/feed"] = raw(b"HTTP/1.1 200 OK\r\n\r\n", *[b"."] * 1000, pause_s=0.02)
    answer = get("http://one.test/feed", total_timeout_s=0.3, idle_timeout_s=5)
    assert (answer.error.reason, answer.error.detail) == (Reason.TIMEOUT, "not done within 0.3 s")
    assert answer.received_bytes > 1
    assert answer.seconds < 3


def test_the_total_timeout_covers_all_hops_together(server, get):
    for hop in range(5):
        server.routes[f"/{hop}"] = raw(
            b"",
            f"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /{hop + 1}\r\n\r\n".encode(),
            pause_s=0.15,
        )
    answer = get("http://one.test/0", total_timeout_s=0.4)
    assert answer.error.reason is Reason.TIMEOUT
    assert 1 <= answer.redirects <= 3


# --- sizes and encodings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("br", brotli.compress)]
)
def test_a_compressed_body_is_decompressed_and_counted_as_sent(server, get, encoding, compress):
    body = FEED * 1000
    server.routes["/feed"] = answering(body=compress(body), Content_Encoding=encoding)
    answer = get("http://one.test/feed")
    assert answer.page.body == body
    assert answer.received_bytes == len(compress(body))


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", b"not " + FEED),
        ("gzip", gzip.compress(FEED, mtime=0)[:-9]),
        ("br", b"not " + FEED),
        ("deflate", b"x\x9c!"),
        ("zstd", FEED),
    ],
)
def test_a_body_that_is_not_what_its_encoding_says_is_refused(server, get, encoding, body):
    server.routes["/feed"] = answering(body=body, Content_Encoding=encoding)
    answer = get("http://one.test/feed")
    assert (answer.error.reason, answer.status) == (Reason.BAD_ENCODING, 200)


def test_a_gigabyte_of_zeros_in_a_megabyte_is_refused_without_filling_memory(server, get):
    stream = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    head = stream.compress(bytes(10_000_000)) + stream.flush(zlib.Z_FULL_FLUSH)
    block = stream.compress(bytes(10_000_000)) + stream.flush(zlib.Z_FULL_FLUSH)
    server.routes["/feed"] = answering(body=head + 99 * block, Content_Encoding="gzip")
    tracemalloc.start()
    try:
        answer = get("http://one.test/feed", max_bytes=4_000_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (answer.error.reason, answer.error.detail) == (
        Reason.TOO_LARGE,
        "more than 4000000 bytes decompressed",
    )
    assert peak < 12_000_000


def test_a_body_of_fifty_megabytes_is_cut_off_early(server, get):
    written = []

    async def endless(connection: RawConnection) -> None:
        await connection.write(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(500):
            await connection.write(bytes(100_000))
            written.append(100_000)

    server.routes["/feed"] = lambda _: endless
    answer = get("http://one.test/feed", max_bytes=1_000_000)
    assert (answer.error.reason, answer.error.detail) == (Reason.TOO_LARGE, "more than 1000000 bytes as sent")
    assert answer.received_bytes < 2_000_000
    assert sum(written) < 25_000_000


def test_a_length_over_the_limit_is_refused_before_the_body(server, get):
    server.routes["/feed"] = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n", then_wait=True)
    answer = get("http://one.test/feed")
    assert (answer.error.reason, answer.received_bytes) == (Reason.TOO_LARGE, 0)
    assert answer.seconds < 5


@pytest.mark.parametrize(("kind", "limit"), [(RequestKind.FEED, "max_bytes"), (RequestKind.PAGE, "max_page_bytes")])
def test_feeds_and_pages_have_limits_of_their_own_and_may_reach_them(server, get, kind, limit):
    server.routes["/x"] = answering(body=bytes(1000))
    assert len(get("http://one.test/x", kind=kind, **{limit: 1000}).page.body) == 1000
    assert get("http://one.test/x", kind=kind, **{limit: 999}).error.reason is Reason.TOO_LARGE


# --- politeness ------------------------------------------------------------------------------------------


async def _slow(connection: RawConnection) -> None:
    await asyncio.sleep(0.03)
    await connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(FEED), FEED))


def test_a_host_never_sees_more_than_its_share_at_once_redirected_guests_included(server, fetcher):
    for number in range(6):
        server.routes[f"/slow{number}"] = lambda _: _slow
        server.routes[f"/to{number}"] = answering("302 Found", Location=f"http://busy.test/slow{number}")
    urls = [f"http://busy.test/slow{n}" for n in range(6)] + [f"http://from{n}.test/to{n}" for n in range(6)]
    answers = list(fetcher(per_host=2).fetch(_requests(*urls)))
    assert [answer.error for answer in answers] == [None] * 12
    assert server.most["busy.test"] == 2


def test_requests_to_one_host_start_a_pause_apart_and_waiting_is_not_counted_as_time(fetcher):
    begin = time.monotonic()
    answers = list(fetcher(host_pause_s=0.2).fetch(_requests(*[f"http://one.test/{n}" for n in range(4)])))
    assert time.monotonic() - begin >= 0.6
    assert sum(answer.seconds for answer in answers) < 0.6


def test_a_host_that_hangs_holds_up_no_other(server, fetcher):
    server.routes["/hang"] = raw(then_wait=True)
    hanging = [f"http://hang.test/hang?{n}" for n in range(20)]
    for url in hanging:
        server.routes[url.removeprefix("http://hang.test")] = raw(then_wait=True)
    quick = [f"http://quick{n}.test/" for n in range(20)]
    answers = fetcher(concurrency=4, total_timeout_s=60, idle_timeout_s=60).fetch(_requests(*hanging, *quick))
    begin = time.monotonic()
    first = [next(answers) for _ in quick]
    answers.close()
    assert {answer.request.url for answer in first} == set(quick)
    assert all(answer.status == 200 for answer in first)
    assert time.monotonic() - begin < 5


# --- the iterator ----------------------------------------------------------------------------------------


def test_every_request_is_answered_once_and_quick_ones_do_not_wait_for_slow_ones(server, fetcher):
    server.routes["/slow"] = raw(b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", pause_s=1.5)
    requests = _requests("http://slow.test/slow", "nonsense", *[f"http://h{n}.test/" for n in range(50)])
    answers = list(fetcher(concurrency=8).fetch(requests))
    assert Counter(answer.request.item_id for answer in answers) == Counter(r.item_id for r in requests)
    assert answers[-1].request.url == "http://slow.test/slow"


def test_nothing_to_fetch_is_nothing_fetched(fetcher):
    assert list(fetcher().fetch([])) == []
    assert _fetching_threads() == []


def test_closing_the_iterator_ends_its_thread_and_its_requests(server, fetcher):
    server.routes["/hang"] = raw(then_wait=True)
    answers = fetcher().fetch(_requests("http://one.test/", "http://two.test/hang"))
    assert next(answers).status == 200
    assert len(_fetching_threads()) == 1
    begin = time.monotonic()
    answers.close()
    assert time.monotonic() - begin < 2
    assert _fetching_threads() == []
    deadline = time.monotonic() + 5
    while any(server.running.values()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(server.running.values())


def test_a_consumer_that_takes_its_time_holds_the_fetching_back(server, fetcher):
    answers = fetcher(concurrency=4).fetch(_requests(*[f"http://h{n}.test/" for n in range(100)]))
    next(answers)
    seen = -1
    while seen != len(server.visits):
        seen = len(server.visits)
        time.sleep(0.2)
    assert seen <= 1 + 16 + 1 + 4
    assert len(list(answers)) == 99


def test_it_works_in_a_thread_whose_loop_is_running(fetcher):
    async def inside() -> list[Fetch]:
        return list(fetcher().fetch(_requests("http://one.test/")))

    assert [answer.status for answer in asyncio.run(inside())] == [200]


def test_two_iterators_may_run_side_by_side(fetcher):
    shared = fetcher()
    one, two = shared.fetch(_requests("http://one.test/")), shared.fetch(_requests("http://two.test/"))
    assert [next(two).status, next(one).status] == [200, 200]
    assert [*one, *two] == []


def test_a_bug_is_raised_and_not_filed_under_a_reason(fetcher):
    def broken_clock() -> datetime:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as raised:
        list(fetcher(clock=broken_clock).fetch(_requests("http://one.test/")))
    assert raised.group_contains(ZeroDivisionError)
    assert _fetching_threads() == []


def test_a_program_that_dies_half_way_does_not_hang(server):
    program = f"""
        from newsclust.fetch import HttpFetcher
        from newsclust.model import Request, RequestKind
        to = {{"*:80": "127.0.0.1:{server.port}"}}
        feed = dict(kind=RequestKind.FEED, item_id="x")
        requests = [Request(url=f"http://h{{n}}.test/", **feed) for n in range(200)]
        answers = HttpFetcher(user_agent="test", connect_to=to).fetch(requests)
        next(answers)
        raise SystemError("the consumer broke")  # and the name keeps the iterator alive to the very end
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("SystemError: the consumer broke")


def test_aiohttp_is_not_loaded_before_the_first_request():
    check = "import sys, newsclust.fetch; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], timeout=30, check=False).returncode == 0


# --- settings --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"user_agent": ""},
        {"user_agent": "a\r\nCookie: b"},
        {"concurrency": 0},
        {"per_host": 0},
        {"total_timeout_s": 0},
        {"max_bytes": -1},
        {"host_pause_s": -0.1},
        {"connect_to": {"one.test": "127.0.0.1:80"}},
        {"connect_to": {"one.test:80": "127.0.0.1:99999"}},
        {"ports": []},
        {"ports": [0]},
        {"ports": [65536]},
        {"allow_private": ["10.0.0.1/8"]},  # not a network: host bits are set
        {"allow_private": ["http://nas.home/"]},
        {"allow_private": ["*"]},
        {"allow_private": [""]},
        {"allow_private": ["127.1"]},
        {"ca_file": Path("no/such/file.pem")},
        {"ca_file": Path(__file__)},
    ],
)
def test_settings_that_cannot_be_are_refused_when_the_fetcher_is_built(options):
    with pytest.raises(SettingsError):
        HttpFetcher(**({"user_agent": "test"} | options))


def test_an_address_that_no_server_would_take_is_not_requested(server, fetcher):
    (answer,) = fetcher().fetch(_requests(f"http://one.test/{'a' * 8000}"))
    assert (answer.error.reason, server.visits) == (Reason.BAD_URL, [])


def test_a_request_that_cannot_start_in_its_time_is_not_sent_and_keeps_nobody_waiting(server, fetcher):
    waiting = [
        replace(request, start_within_s=0.5) for request in _requests(*(f"http://one.test/{n}" for n in range(40)))
    ]
    begun = time.monotonic()
    answers = list(fetcher(host_pause_s=0.2, per_host=1).fetch(waiting))
    assert time.monotonic() - begun < 3
    reasons = Counter(answer.error and answer.error.reason for answer in answers)
    assert reasons[Reason.POSTPONED] >= 36
    assert reasons[Reason.POSTPONED] + len(server.visits) == 40
