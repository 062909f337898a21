"""Each attack that an address can make on the machine that opens it, played by a server on loopback."""

import asyncio
import socket
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime

import brotli
import pytest

from newsclust import pipeline
from newsclust.demo.server import RawConnection, ReceivedRequest, Stream
from newsclust.errors import Reason
from newsclust.fetch import HttpFetcher
from newsclust.fetch.redaction import Redactor, redactor_for, with_redirect_secrets
from newsclust.model import Fetch, Request, RequestKind
from newsclust.polling.http_freshness import fresh_until, retry_at
from newsclust.sources.feeds_toml import read_feeds
from newsclust.store import Database, runs
from newsclust.urls import redacted
from tests.loopback import FEED, RoutedServer, answering, raw

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
PASSWORD = "correct/horse"
TOKEN = "battery-staple"


@pytest.fixture
def fetcher(server: RoutedServer) -> Callable[..., HttpFetcher]:
    """Builds a fetcher that dials the server for the hosts attack.test and secure.test, and the world for others."""

    def build(**options: object) -> HttpFetcher:
        defaults = {
            "user_agent": "newsclust-test/1",
            "host_pause_s": 0,
            "connect_to": {
                "attack.test:80": f"127.0.0.1:{server.port}",
                "secure.test:80": f"127.0.0.1:{server.port}",
                "secure.test:443": f"127.0.0.1:{server.tls_port}",
            },
            "ca_file": server.ca_file,
            "clock": lambda: NOON,
            "connect_timeout_s": 5,
        }
        return HttpFetcher(**(defaults | options))

    return build


@pytest.fixture
def get(fetcher: Callable[..., HttpFetcher]) -> Callable[..., Fetch]:
    def one(url: str, secret_url: str | None = None, authorization: str | None = None, **options: object) -> Fetch:
        request = Request(
            url=url, kind=RequestKind.FEED, item_id="f", secret_url=secret_url, authorization=authorization
        )
        (answer,) = fetcher(**options).fetch([request])
        return answer

    return one


def _resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """A name server that gives one answer after the other, the last one for ever; returns the names it was asked."""
    asked: list[str] = []
    left = list(answers)

    def getaddrinfo(host, port, *args, **kwargs):
        asked.append(host)
        addresses = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


# --- addresses


@pytest.mark.parametrize(
    ("target", "detail"),
    [
        ("http://169.254.169.254/latest/meta-data/", "169.254.169.254 is metadata"),
        ("http://[fd00:ec2::254]/", "fd00:ec2::254 is metadata"),
        ("http://127.0.0.1/", "127.0.0.1 is loopback"),
        ("http://someone:secret@127.0.0.1/", "127.0.0.1 is loopback"),
        ("//10.0.0.1/admin", "10.0.0.1 is private"),
        ("http://[::1]/", "::1 is loopback"),
        ("http://[::ffff:7f00:1]/", "::ffff:7f00:1 is loopback"),
        ("http://[::ffff:169.254.169.254]/", "::ffff:a9fe:a9fe is metadata"),
        ("http://[64:ff9b::7f00:1]/", "64:ff9b::7f00:1 is loopback"),
        ("http://[2002:7f00:1::]/", "2002:7f00:1:: is reserved"),
        ("http://0x7f.1/", "127.0.0.1 is loopback"),
        ("http://0x7f000001/", "127.0.0.1 is loopback"),
        ("http://0.0.0.0/", "0.0.0.0 is unspecified"),
    ],
)
@pytest.mark.parametrize("redirected", [False, True])
def test_an_address_that_is_not_public_is_refused_at_once_and_behind_a_redirect(
    server, get, target, detail, redirected
):
    server.routes["/feed"] = answering("302 Found", Location=target)
    if not redirected and target.startswith("//"):
        target = f"http:{target}"
    answer = get("http://attack.test/feed" if redirected else target)
    assert (answer.error.reason, answer.error.detail, answer.status) == (Reason.REFUSED_ADDRESS, detail, None)
    assert answer.redirects == redirected
    assert len(server.visits) == redirected


@pytest.mark.parametrize(
    "target", ["http://2130706433/", "http://127.1/", "http://127.0.0.1./", "http://0177.0.0.1/"]
)
def test_a_number_that_is_no_address_as_written_is_none(server, get, target):
    server.routes["/feed"] = answering("302 Found", Location=target)
    assert get("http://attack.test/feed").error.reason is Reason.BAD_URL
    assert get(target).error.reason is Reason.BAD_URL
    assert len(server.visits) == 1


def test_a_name_is_refused_for_the_address_it_has(get, monkeypatch):
    _resolving(monkeypatch, ["192.168.1.1"])
    answer = get("http://intranet.test/")
    assert (answer.error.reason, answer.error.detail) == (Reason.REFUSED_ADDRESS, "192.168.1.1 is private")


def test_a_name_with_several_refused_addresses_is_refused(get, monkeypatch):
    _resolving(monkeypatch, ["192.168.1.1", "10.0.0.1"])
    assert get("http://intranet.test/").error.reason is Reason.REFUSED_ADDRESS


def test_a_name_server_that_changes_its_mind_gets_nobody_to_loopback(server, get, monkeypatch):
    # 127.0.0.2 plays the public address: nobody listens there, and the setting allows it.
    asked = _resolving(monkeypatch, ["127.0.0.2"], ["127.0.0.1"])
    options = {"allow_private": ["127.0.0.2"], "ports": [server.port]}
    first = get(f"http://rebinding.test:{server.port}/", **options)
    second = get(f"http://rebinding.test:{server.port}/", **options)
    assert (first.error.reason, second.error.reason) == (Reason.CONNECTION_FAILED, Reason.REFUSED_ADDRESS)
    assert asked == ["rebinding.test"] * 2  # what was looked up is what is dialled: there is no second look
    assert server.visits == []


def test_a_name_with_a_public_and_a_refused_address_is_dialled_at_the_public_one_only(server, get, monkeypatch):
    _resolving(monkeypatch, ["127.0.0.2", "127.0.0.1"])
    answer = get(f"http://both.test:{server.port}/", allow_private=["127.0.0.2"], ports=[server.port])
    assert answer.error.reason in {Reason.CONNECTION_FAILED, Reason.REFUSED_ADDRESS}  # as the last one dialled ended
    assert server.visits == []


@pytest.mark.parametrize("allowed", ["nas.test", "NAS.test.", "127.0.0.0/8", "127.0.0.1"])
def test_what_a_person_allowed_is_dialled_and_nothing_else(server, get, monkeypatch, allowed):
    _resolving(monkeypatch, ["127.0.0.1"])
    options = {"allow_private": [allowed], "ports": [server.port]}
    assert get(f"http://nas.test:{server.port}/", **options).page.body == FEED
    other = get(f"http://other.test:{server.port}/", **options)
    assert (other.error is None) == (allowed[0] == "1")


@pytest.mark.parametrize("kind", [RequestKind.FEED, RequestKind.PAGE, RequestKind.ROBOTS])
@pytest.mark.parametrize("location", ["http://nas.test:{port}/", "http://127.0.0.1:{port}/", "//127.0.0.1:{port}/"])
@pytest.mark.parametrize("allowed", [["nas.test", "127.0.0.0/8"], ["127.0.0.1"]])
def test_a_strangers_redirect_never_reaches_what_a_person_allowed(
    server, fetcher, monkeypatch, kind, location, allowed
):
    _resolving(monkeypatch, ["127.0.0.1"])
    server.routes["/feed"] = answering("302 Found", Location=location.format(port=server.port))
    options = {"allow_private": allowed, "ports": [80, server.port]}  # port 80 of any host is led to the server
    request = Request(url="http://attack.test/feed", kind=kind, item_id="a", private_site="attack.test")
    (answer,) = fetcher(**options).fetch([request])
    assert answer.error.reason is Reason.REFUSED_ADDRESS
    assert [visit.headers["host"] for visit in server.visits] == ["attack.test"]


def test_what_a_person_allowed_holds_for_a_feed_of_its_own_site_and_for_no_strangers_link(
    server, fetcher, monkeypatch
):
    _resolving(monkeypatch, ["127.0.0.1"])
    url = f"http://nas.test:{server.port}/"
    reasons = {}
    for kind, site in [
        (RequestKind.FEED, None),
        (RequestKind.FEED, ""),  # named by a list of others
        (RequestKind.PAGE, None),
        (RequestKind.PAGE, "nas.test"),  # behind the entry of a feed there
        (RequestKind.PAGE, "attack.test"),
    ]:
        request = Request(url=url, kind=kind, item_id="a", private_site=site)
        (answer,) = fetcher(allow_private=["nas.test"], ports=[server.port]).fetch([request])
        reasons[kind.value, site] = answer.error and answer.error.reason
    refused = Reason.REFUSED_ADDRESS
    assert reasons == {
        ("feed", None): None,
        ("feed", ""): refused,
        ("page", None): refused,
        ("page", "nas.test"): None,
        ("page", "attack.test"): refused,
    }


def test_an_address_to_connect_to_holds_for_the_host_that_it_was_given_for(server, get, monkeypatch):
    _resolving(monkeypatch, ["192.168.1.1"])
    server.routes["/feed"] = answering("302 Found", Location="http://inside.test/")
    options = {
        "connect_to": {"inside.test:80": f"127.0.0.1:{server.port}", "attack.test:80": f"127.0.0.1:{server.port}"}
    }
    assert get("http://inside.test/", **options).page.body == FEED
    assert get("http://attack.test/feed", **options).error.reason is Reason.REFUSED_ADDRESS


@pytest.mark.parametrize("port", [22, 25, 6379, 8081])
def test_a_port_that_is_not_in_the_settings_is_refused(server, get, port):
    server.routes["/feed"] = answering("302 Found", Location=f"http://other.test:{port}/")
    for url in ("http://attack.test/feed", f"http://attack.test:{port}/"):
        answer = get(url)
        assert answer.error.reason is Reason.REFUSED_ADDRESS
        assert answer.error.detail.startswith(f"port {port} is not one of [80, 443, 8000")


# --- bodies and headers that never end


async def _endless_headers(connection: RawConnection) -> None:
    await connection.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(1_000_000):
        await connection.write(b"X-%d: y\r\n" % number)


async def _slow_headers(connection: RawConnection) -> None:
    for letter in b"HTTP/1.1 200 OK\r\nX: " + b"y" * 10_000:
        await connection.write(bytes([letter]))
        await asyncio.sleep(0.01)


async def _endless_hints(connection: RawConnection) -> None:
    while True:
        await connection.write(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n")
        await asyncio.sleep(0.001)


async def _endless_body(connection: RawConnection) -> None:
    await connection.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        await connection.write(bytes(65536))


async def _endless_tiny_chunks(connection: RawConnection) -> None:
    await connection.write(CHUNKED)
    while True:
        await connection.write(b"1\r\nx\r\n" * 100)


def _gzip_bomb() -> bytes:
    stream = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    block = stream.compress(bytes(10_000_000)) + stream.flush(zlib.Z_FULL_FLUSH)
    return block + 19 * (stream.compress(bytes(10_000_000)) + stream.flush(zlib.Z_FULL_FLUSH))


def _many_headers(count: int, length: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * length) for n in range(count)) + b"\r\n"


# Each attack, what it plays, and the reason it ends with.
ATTACKS = {
    "slow headers": (lambda _: _slow_headers, Reason.TIMEOUT),
    "endless headers": (lambda _: _endless_headers, Reason.SERVER_ERROR),
    "one huge header": (raw(_many_headers(1, 1_000_000)), Reason.SERVER_ERROR),
    "many headers": (raw(_many_headers(1000, 10)), Reason.SERVER_ERROR),
    "large headers": (raw(_many_headers(100, 1000)), Reason.TOO_LARGE),
    "endless hints": (lambda _: _endless_hints, Reason.TIMEOUT),
    "silence": (raw(then_wait=True), Reason.TIMEOUT),
    "slow body": (raw(b"HTTP/1.1 200 OK\r\n\r\n", *[b"."] * 2000, pause_s=0.01), Reason.TIMEOUT),
    "endless body": (lambda _: _endless_body, Reason.TOO_LARGE),
    "body longer than said": (answering(body=FEED, Content_Length="5"), None),
    "body shorter than said": (answering(body=FEED, Content_Length="5000"), Reason.CONNECTION_FAILED),
    "two lengths": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), Reason.SERVER_ERROR),
    "garbage for a chunk": (
        raw(CHUNKED, b"3\r\nabc\r\n", b"zz\r\n", pause_s=0.05, then_wait=True),
        Reason.SERVER_ERROR,
    ),
    "garbage at once": (raw(CHUNKED, b"zz\r\n", pause_s=0.05, then_wait=True), Reason.SERVER_ERROR),
    "garbage with headers": (raw(CHUNKED + b"zz\r\n", then_wait=True), Reason.SERVER_ERROR),
    "a chunk of 2**84 bytes": (raw(CHUNKED, b"f" * 21 + b"\r\n", pause_s=0.05, then_wait=True), Reason.SERVER_ERROR),
    "a chunk longer than said": (raw(CHUNKED, b"3\r\nabcdef\r\n", pause_s=0.05, then_wait=True), Reason.SERVER_ERROR),
    "gzip bomb": (answering(body=_gzip_bomb(), Content_Encoding="gzip"), Reason.TOO_LARGE),
    "brotli bomb": (answering(body=brotli.compress(bytes(50_000_000)), Content_Encoding="br"), Reason.TOO_LARGE),
    "bomb in a bomb": (answering(body=_gzip_bomb(), Content_Encoding="gzip, gzip"), Reason.BAD_ENCODING),
    "redirect to itself": (answering("302 Found", Location="?"), Reason.TOO_MANY_REDIRECTS),
    "redirect to metadata": (answering("302 Found", Location="http://169.254.169.254/"), Reason.REFUSED_ADDRESS),
    "redirect to a file": (answering("302 Found", Location="file:///etc/hostname"), Reason.BAD_URL),
    "redirect to a mail server": (answering("302 Found", Location="http://attack.test:25/"), Reason.REFUSED_ADDRESS),
    "redirect with a thousand keys": (
        answering("302 Found", Location="/?" + "&".join(f"key={number}" for number in range(1000))),
        Reason.BAD_URL,
    ),
    "redirect to data": (answering("302 Found", Location="data:text/xml,<rss/>"), Reason.BAD_URL),
}


def _redirect_for_ever(request: ReceivedRequest) -> Stream:
    return answering("302 Found", Location=f"{request.path}x")(request)


@pytest.fixture
def attacked(server: RoutedServer) -> RoutedServer:
    """The server with an attack at each path."""
    for number, (route, _) in enumerate(ATTACKS.values()):
        server.routes[f"/{number}"] = route
    return server


def test_every_attack_ends_with_its_reason_in_bounded_time_and_holds_nobody_up(attacked, fetcher):
    requests = [
        Request(url=f"http://attack.test/{number}", kind=RequestKind.FEED, item_id=name)
        for number, name in enumerate(ATTACKS)
    ]
    honest = [
        Request(url=f"http://secure.test/honest/{n}", kind=RequestKind.FEED, item_id=f"honest {n}") for n in range(20)
    ]
    begun = time.monotonic()
    ended = {}
    options = {"total_timeout_s": 3, "idle_timeout_s": 2, "max_bytes": 2_000_000, "per_host": 100}
    for answer in fetcher(**options).fetch(requests + honest):
        ended[answer.request.item_id] = (answer, time.monotonic() - begun)
    reasons = {name: answer.error and answer.error.reason for name, (answer, _) in ended.items()}
    assert reasons == {name: reason for name, (_, reason) in ATTACKS.items()} | {r.item_id: None for r in honest}
    assert all(answer.seconds < 5 for answer, _ in ended.values())
    assert max(seconds for name, (_, seconds) in ended.items() if name.startswith("honest")) < 5


HOSTILE = [(mark, mark * 8000) for mark in ("?", ":", "//a:x", "?key", "a", " ", "-", 'a="', "key=&")]


@pytest.mark.parametrize("written", [text for _, text in HOSTILE], ids=[mark for mark, _ in HOSTILE])
def test_a_header_costs_no_more_than_its_length(written):
    # All hosts wait while one header is read: no timeout comes between.
    begun = time.process_time()
    redacted(f"http://attack.test/?{written}")
    redacted(f"http://{written}")
    fresh_until({"cache-control": f"x!{written}!", "expires": written, "date": written}, NOON)
    retry_at({"retry-after": written}, NOON)
    assert time.process_time() - begun < 0.3


def test_the_keys_of_a_redirect_are_found_at_once():
    given = "&".join(f"key=a1b2c3-{number}" for number in range(28))
    begun = time.process_time()
    redactor = with_redirect_secrets(Redactor(), f"http://attack.test/?{given}")
    assert time.process_time() - begun < 1
    assert redactor.redact("see a1b2c3-27 there") == "see *** there"


@pytest.mark.parametrize(
    ("shown", "whole"),
    [
        ("http://a.test/***", "http://b.test/secret"),
        ("http://a.test/***/feed", "http://a.test/secret/food"),
        ("http://a.test/***/feed", "http://a.test/feed"),
        ("http://a.test/***/x/***/feed", "http://a.test/secret/feed"),
        ("http://a.test/feed", "http://a.test/feed?x"),
    ],
)
def test_an_address_with_credentials_is_the_one_that_is_shown(shown, whole):
    with pytest.raises(ValueError, match="another one"):
        redactor_for(Request(url=shown, secret_url=whole, kind=RequestKind.FEED, item_id="f"))


def test_chunks_of_one_byte_without_end_end_with_the_limit_they_reach_first(server, get):
    server.routes["/feed"] = lambda _: _endless_tiny_chunks
    answer = get("http://attack.test/feed", total_timeout_s=2, max_bytes=100_000)
    assert answer.error.reason in {Reason.TOO_LARGE, Reason.TIMEOUT}
    assert answer.seconds < 5


def test_redirects_to_ever_new_addresses_end(server, get):
    for hops in range(12):
        server.routes["/feed" + "x" * hops] = _redirect_for_ever
    answer = get("http://attack.test/feed")
    assert (answer.error.reason, answer.redirects) == (Reason.TOO_MANY_REDIRECTS, 5)


# --- credentials


def _basic(request: ReceivedRequest) -> str | None:
    return request.headers.get("authorization")


CREDENTIALS = "Basic bWU6Y29ycmVjdC9ob3JzZQ=="  # me, PASSWORD
SECRET_URL = f"http://me:correct%2Fhorse@attack.test/feed?token={TOKEN}&n=2"
SHOWN_URL = "http://***@attack.test/feed?token=***&n=2"


def test_credentials_are_sent_and_told_to_nobody_else(server, get):
    echo = (
        f"<rss><channel><link>http://attack.test/feed?token={TOKEN}</link><title>{PASSWORD}</title></channel></rss>"
    )
    server.routes[f"/feed?token={TOKEN}&n=2"] = answering(
        body=echo.encode(), Link=f"<http://attack.test/feed?token={TOKEN}>; rel=self", X_Seen=CREDENTIALS
    )
    answer = get(SHOWN_URL, SECRET_URL)
    assert [_basic(visit) for visit in server.visits] == [CREDENTIALS]
    assert answer.final_url == answer.page.final_url == SHOWN_URL
    assert b"token=***" in answer.page.body
    shown = repr(answer)
    assert not [secret for secret in (TOKEN, PASSWORD, "correct%2Fhorse", CREDENTIALS[6:]) if secret in shown]


@pytest.mark.parametrize(
    "written", ["?token={t}&n=2", "http://a..b/?token={t}", "ftp://me:{t}@x.test/", "http://[{t}"]
)
def test_an_error_quotes_no_secret(server, get, written):
    server.routes[f"/feed?token={TOKEN}&n=2"] = answering("302 Found", Location=written.format(t=TOKEN))
    answer = get(SHOWN_URL, SECRET_URL)
    assert answer.error.item == SHOWN_URL
    assert TOKEN not in repr(answer)
    assert TOKEN not in str(answer.error)


@pytest.mark.parametrize(
    ("location", "sent"),
    [
        ("/there", CREDENTIALS),
        ("http://attack.test/there", CREDENTIALS),
        ("http://attack.test:80/there", CREDENTIALS),
        ("http://secure.test/there", None),
        ("http://you:other@secure.test/there", None),
        ("http://you:other@attack.test/there", CREDENTIALS),
    ],
)
def test_a_redirect_takes_credentials_no_further_than_their_origin(server, get, location, sent):
    server.routes["/feed"] = answering("302 Found", Location=location)
    everywhere = {"*:80": f"127.0.0.1:{server.port}"}
    get("http://***@attack.test/feed", "http://me:correct%2Fhorse@attack.test/feed", connect_to=everywhere)
    assert [_basic(visit) for visit in server.visits] == [CREDENTIALS, sent]


@pytest.mark.parametrize(("first", "second", "sent"), [("http", "https", CREDENTIALS), ("https", "http", None)])
def test_credentials_may_move_to_tls_and_never_off_it(server, get, first, second, sent):
    server.routes["/feed"] = answering("302 Found", Location=f"{second}://secure.test/there")
    answer = get(f"{first}://***@secure.test/feed", f"{first}://me:correct%2Fhorse@secure.test/feed")
    assert answer.error is None
    assert [_basic(visit) for visit in server.visits] == [CREDENTIALS, sent]


def test_an_authorization_stays_at_its_origin_and_goes_before_that_of_the_address(server, get):
    server.routes["/feed"] = answering("302 Found", Location="/next")
    server.routes["/next"] = answering("302 Found", Location="http://secure.test/there")
    get(
        "http://***@attack.test/feed",
        "http://me:pass@attack.test/feed",
        authorization=f"GoogleLogin auth={TOKEN}",
        connect_to={"*:80": f"127.0.0.1:{server.port}"},
    )
    assert [_basic(visit) for visit in server.visits] == [f"GoogleLogin auth={TOKEN}"] * 2 + [None]


@pytest.mark.parametrize("secret_url", [None, "http://me:pass@other.test/feed"])
def test_asterisks_are_never_sent_for_credentials(server, get, secret_url):
    answer = get("http://***@attack.test/feed", secret_url)
    assert answer.error.reason is Reason.BAD_URL
    assert server.visits == []


def test_a_night_stores_and_logs_no_credentials(server, fetcher, tmp_path, caplog):
    items = f"<item><title>One</title><link>http://attack.test/one?token={TOKEN}</link></item>"
    server.routes[f"/feed?token={TOKEN}&n=2"] = answering(
        body=f"<rss><channel><title>Private</title>{items}</channel></rss>".encode(), Content_Type="text/xml"
    )
    server.routes[f"/{TOKEN}/broken"] = answering(body=f"nothing for {TOKEN}".encode())
    server.routes[f"/gone?key={TOKEN}"] = answering("500 Broken")
    (tmp_path / "feeds.toml").write_text(
        '[[feed]]\nurl = "http://me:${HORSE}@attack.test/feed?token=${STAPLE}&n=2"\ntitle = "Private"\n'
        '[[feed]]\nurl = "http://attack.test/${STAPLE}/broken"\ntitle = "Broken"\n'
        f'[[feed]]\nurl = "http://attack.test/gone?key={TOKEN}"\ntitle = "Down"\n'
    )
    listed = read_feeds(tmp_path / "feeds.toml")
    assert TOKEN not in repr(listed)
    with Database(tmp_path / "night.duckdb", now=NOON) as db:
        run = runs.begin_run(db, flow="test", night_at=NOON, started_at=NOON, settings={})
        pipeline.sync_feeds(db, run, listed)
        environment = {"HORSE": PASSWORD, "STAPLE": TOKEN}
        fetched = pipeline.fetch_feeds(db, run, fetcher(), listed=listed, environment=environment)
        parsed = pipeline.parse_feeds(db, run, lambda: NOON)
        assert (fetched.done, fetched.failed, parsed.done, parsed.failed) == (2, 1, 1, 1)
        assert [_basic(visit) for visit in server.visits if visit.path.startswith("/feed")] == [CREDENTIALS]
        assert db.rows("SELECT link FROM entries") == [{"link": "http://attack.test/one?token=***"}]
        stored = []
        for table in db.rows("SELECT table_name AS name FROM duckdb_tables()"):
            for row in db.rows(f"FROM {table['name']}"):
                stored += [repr(zlib.decompress(value) if name == "body" else value) for name, value in row.items()]
    for secret in (PASSWORD, TOKEN, "correct%2Fhorse", CREDENTIALS[6:]):
        assert not [text for text in stored if secret in text]
        assert secret not in caplog.text
        assert secret.encode() not in (tmp_path / "night.duckdb").read_bytes()
    assert "http://attack.test/gone?key=***" in caplog.text
