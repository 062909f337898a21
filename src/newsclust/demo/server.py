"""A loopback HTTP(S) server that answers for any host name, so that a night runs without the internet."""

import asyncio
import gzip
import hashlib
import re
import ssl
import tempfile
import threading
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Self, TypeAlias

from aiohttp import web

GZIP_FROM_BYTES = 1000  # below that compressing saves no packet
START_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 1.0  # what an answer under way gets at the end
STOP_TIMEOUT_S = 10.0
LONGEST_LINE = 65_536  # bytes of a request line or header: aiohttp's own limit is 8,190
WRITE_AHEAD = 1_000_000  # bytes that may wait in a connection before a stream is held up


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What one URL answers."""

    body: bytes = b""
    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False  # close the connection without an answer, as a server that is down
    verbatim: bool = False  # sent as it stands: no ETag, no compression, no 304


Site: TypeAlias = Mapping[str, Reply]
"""Absolute URL, without fragment or default port -> Reply; a URL with a query is found without it, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedRequest:
    """One request as the server saw it: header names in lower case, no status when the connection was dropped."""

    method: str
    url: str
    status: int | None
    headers: dict[str, str]
    path: str = "/"  # as sent, with the query
    body: bytes = b""
    server_name: str | None = None  # that the TLS handshake asked for (SNI)


class RawConnection:
    """Connection that a stream writes to byte by byte, in place of an answer in HTTP."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    async def write(self, sent: bytes) -> None:
        """Send these bytes; wait while the client is slow, and raise ConnectionResetError when it has gone."""
        self._transport.write(sent)
        while not self._transport.is_closing() and self._transport.get_write_buffer_size() > WRITE_AHEAD:
            await asyncio.sleep(0.001)
        if self._transport.is_closing():
            raise ConnectionResetError("the client closed the connection")

    async def wait_closed(self) -> None:
        """Wait until the client closes the connection."""
        while not self._transport.is_closing():
            await asyncio.sleep(0.005)


Stream: TypeAlias = Callable[[RawConnection], Awaitable[None]]
"""Writes one answer by itself; the connection is closed when it returns."""
Responder: TypeAlias = Callable[[ReceivedRequest], "Reply | Stream"]
"""Answers any request; called in a thread of its own, so that it may wait."""


class LoopbackServer:
    """Server of a site, or of what a function answers, on 127.0.0.1, over http and https, inside the context.

    `connect_to` leads a fetcher here whatever the host of a URL, as curl's --connect-to does; `ca_file` (PEM) is the
    throw-away authority that signs a certificate for every host name requested, or for `certified_hosts` alone. Both
    exist inside the context only. Answers carry a strong ETag; a `Last-Modified` is the reply's own. `requests` lists
    the requests in order of arrival.
    """

    connect_to: dict[str, str]
    ca_file: Path

    def __init__(self, site: Site | Responder, *, certified_hosts: Collection[str] | None = None) -> None:
        from trustme import CA

        self.requests: list[ReceivedRequest] = []
        self._authority = CA()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._server_names: dict[int, str] = {}
        self._certified_hosts = certified_hosts
        self.show(site)

    @property
    def port(self) -> int:
        """Return the port that speaks http."""
        return int(self.connect_to["*:80"].rpartition(":")[2])

    @property
    def tls_port(self) -> int:
        """Return the port that speaks https."""
        return int(self.connect_to["*:443"].rpartition(":")[2])

    def show(self, site: Site | Responder) -> None:
        """Serve this site from now on, and nothing of the one before."""
        if callable(site):
            self._respond: Responder = site
            return
        for url in site:
            if not re.match(r"https?://[^/?#]+/[^#]*$", url):
                raise ValueError(f"not an absolute http(s) URL with a path and without a fragment: {url!r}")
        pages = dict(site)
        missing = Reply(status=404, body=b"not found\n", content_type="text/plain")
        self._respond = lambda request: pages.get(request.url) or pages.get(request.url.partition("?")[0]) or missing

    def __enter__(self) -> Self:
        with ExitStack() as context:
            folder = context.enter_context(tempfile.TemporaryDirectory(prefix="newsclust-demo-"))
            self.ca_file = Path(folder) / "authority.pem"
            self._authority.cert_pem.write_to_path(str(self.ca_file))
            loop = context.enter_context(_loop_in_a_thread())
            started = asyncio.run_coroutine_threadsafe(self._start(), loop)
            runner, http_port, https_port = started.result(timeout=START_TIMEOUT_S)
            context.callback(
                lambda: asyncio.run_coroutine_threadsafe(_shut_down(runner), loop).result(timeout=STOP_TIMEOUT_S)
            )
            self.connect_to = {"*:80": f"127.0.0.1:{http_port}", "*:443": f"127.0.0.1:{https_port}"}
            self._context = context.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._context.close()

    async def _start(self) -> tuple[web.ServerRunner, int, int]:
        """Start the server; return it with its ports, http first."""
        server = web.Server(self._answer, access_log=None, max_line_size=LONGEST_LINE, max_field_size=LONGEST_LINE)
        runner = web.ServerRunner(server, shutdown_timeout=ANSWER_TIMEOUT_S)
        await runner.setup()
        plain = web.TCPSite(runner, "127.0.0.1", 0)
        secure = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self._listening_context())
        await plain.start()
        await secure.start()
        return runner, plain.port, secure.port

    def _listening_context(self) -> ssl.SSLContext:
        """Return a context that presents the certificate of the host named in the handshake (SNI, RFC 6066)."""

        def certify(connection: ssl.SSLObject, host: str | None, _: ssl.SSLContext) -> None:
            if host is not None and (self._certified_hosts is None or host in self._certified_hosts):
                connection.context = self._context_of(host)
            if host is not None:
                self._server_names[id(connection)] = host

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        context.sni_callback = certify
        return context

    def _context_of(self, host: str) -> ssl.SSLContext:
        if host not in self._contexts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._authority.issue_cert(host).configure_cert(context)
            self._contexts[host] = context
        return self._contexts[host]

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        default_port = ":443" if request.scheme == "https" else ":80"
        host = request.host.lower().removesuffix(default_port)
        tls = request.transport and request.transport.get_extra_info("ssl_object")
        received = ReceivedRequest(
            method=request.method,
            url=f"{request.scheme}://{host}{request.raw_path}",
            status=None,
            headers={name.lower(): text for name, text in request.headers.items()},
            path=request.raw_path,
            body=await request.read(),
            server_name=self._server_names.get(id(tls)) if tls else None,
        )
        place = len(self.requests)
        self.requests.append(received)
        reply = await asyncio.to_thread(self._respond, received)
        if not isinstance(reply, Reply):
            return await _streamed(request, reply)
        response = _response(request, reply)
        if place < len(self.requests):  # a test may have emptied the list meanwhile
            self.requests[place] = replace(received, status=None if reply.drop else response.status)
        if reply.drop and request.transport is not None:
            request.transport.abort()  # aiohttp then drops the response: there is nobody to write to
        return response


async def _streamed(request: web.BaseRequest, stream: Stream) -> web.StreamResponse:
    """Let the stream write the answer, then close the connection; aiohttp drops the response that is returned."""
    transport = request.transport
    if transport is not None:
        try:
            await stream(RawConnection(transport))
        except ConnectionError:
            pass  # the client went away, as it may
        finally:
            transport.close()
    return web.Response(status=500)


@contextmanager
def _loop_in_a_thread() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="newsclust-demo", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=STOP_TIMEOUT_S)
        loop.close()  # refuses, aloud, while the thread still runs


async def _shut_down(runner: web.ServerRunner) -> None:
    """Stop listening, let answers under way finish for a moment, then cut the connections that are left."""
    server = runner.server
    open_transports = [connection.transport for connection in server.connections] if server is not None else []
    await runner.cleanup()
    for transport in open_transports:
        if transport is not None:
            transport.abort()  # a TLS connection would wait 30 s for the client's goodbye
    await asyncio.sleep(0)


def _response(request: web.BaseRequest, reply: Reply) -> web.Response:
    """Return the reply as the request accepts it, or 304 when the client's cached copy is current (RFC 9110)."""
    if reply.verbatim:
        headers = {"Content-Type": reply.content_type, **reply.headers}
        return web.Response(status=reply.status, body=reply.body, headers=headers)
    headers = {**reply.headers, "Content-Type": reply.content_type, "Vary": "Accept-Encoding"}
    etag = hashlib.sha256(reply.body).hexdigest()[:16]
    body = reply.body
    if (
        len(body) > GZIP_FROM_BYTES
        and "Content-Encoding" not in headers
        and _accepts_gzip(request.headers.get("Accept-Encoding", ""))
    ):
        body = gzip.compress(body, mtime=0)
        headers["Content-Encoding"] = "gzip"
        etag += "-gzip"  # a strong ETag names the bytes as sent (RFC 9110, 8.8.3.3)
    if reply.status == 200:
        headers["ETag"] = f'"{etag}"'
        if _not_modified(request, etag, reply.headers.get("Last-Modified")):
            kept = ("ETag", "Vary", "Last-Modified", "Cache-Control", "Expires")
            return web.Response(status=304, headers={name: headers[name] for name in kept if name in headers})
    return web.Response(status=reply.status, body=body, headers=headers)


def _accepts_gzip(accept_encoding: str) -> bool:
    return re.search(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))", accept_encoding.lower()) is not None


def _not_modified(request: web.BaseRequest, etag: str, last_modified: str | None) -> bool:
    """Return whether the client's cached copy is current; If-None-Match decides alone (RFC 9110, 13.2.2)."""
    if request.if_none_match is not None:
        return any(candidate.value in ("*", etag) for candidate in request.if_none_match)
    if request.if_modified_since is not None and last_modified is not None:
        return parsedate_to_datetime(last_modified) <= request.if_modified_since
    return False
