"""A loopback HTTP(S) server that answers for any host name, so that a night runs without the internet."""

import asyncio
import gzip
import hashlib
import re
import ssl
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Self, TypeAlias

from aiohttp import web

from newsclust.errors import SettingsError

GZIP_FROM_BYTES = 1000  # below that compressing saves no packet
START_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 1.0  # what an answer under way gets at the end
STOP_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What one URL answers."""

    body: bytes = b""
    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False  # close the connection without an answer, as a server that is down


Site: TypeAlias = Mapping[str, Reply]
"""Absolute URL, without fragment or default port -> Reply; a URL with a query is found without it, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedRequest:
    """One request as the server saw it: header names in lower case, no status when the connection was dropped."""

    method: str
    url: str
    status: int | None
    headers: dict[str, str]


class LoopbackServer:
    """Server of a site on 127.0.0.1, over http and https, from entering the context until leaving it.

    `connect_to` leads a fetcher here whatever the host of a URL, as curl's --connect-to does; `ca_file` (PEM)
    is the throw-away authority that signs a certificate for every host name requested. Both exist inside the
    context only. Answers carry a strong ETag; a `Last-Modified` is the reply's own. `requests` lists the
    requests in order of answering.

    Raises SettingsError when trustme, of the extra `newsclust[demo]`, is not installed.
    """

    connect_to: dict[str, str]
    ca_file: Path

    def __init__(self, site: Site) -> None:
        try:
            from trustme import CA
        except ImportError as error:
            raise SettingsError("the loopback server needs trustme: pip install 'newsclust[demo]'") from error
        self.requests: list[ReceivedRequest] = []
        self._authority = CA()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self.show(site)

    def show(self, site: Site) -> None:
        """Serve this site from now on, and nothing of the one before."""
        for url in site:
            if not re.match(r"https?://[^/?#]+/[^#]*$", url):
                raise ValueError(f"not an absolute http(s) URL with a path and without a fragment: {url!r}")
        self._site = dict(site)

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
        server = web.Server(self._answer, access_log=None)
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
            if host is not None:
                connection.context = self._context_of(host)

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
        url = f"{request.scheme}://{host}{request.raw_path}"
        reply = self._site.get(url) or self._site.get(url.partition("?")[0])
        if reply is None:
            reply = Reply(status=404, body=b"not found\n", content_type="text/plain")
        response = _response(request, reply)
        self.requests.append(
            ReceivedRequest(
                method=request.method,
                url=url,
                status=None if reply.drop else response.status,
                headers={name.lower(): text for name, text in request.headers.items()},
            )
        )
        if reply.drop and request.transport is not None:
            request.transport.abort()  # aiohttp then drops the response: there is nobody to write to
        return response


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
