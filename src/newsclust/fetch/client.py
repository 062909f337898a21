"""One request over HTTP: hops, limits and reasons. The only file that knows aiohttp."""

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address

import aiohttp
from yarl import URL

from newsclust.errors import FetchError, Reason
from newsclust.fetch.encoding import ACCEPTED, EncodingError, decoder_for
from newsclust.fetch.hosts import HostTurns
from newsclust.fetch.limits import Limits
from newsclust.model import Fetch, Page, Request, RequestKind

_ACCEPT = {
    RequestKind.FEED: "application/atom+xml, application/rss+xml, application/rdf+xml, "
    "application/feed+json, application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5",
    RequestKind.PAGE: "text/html, application/xhtml+xml, */*;q=0.5",
}
_REDIRECTS = {301, 302, 303, 307, 308}
_REASONS = {
    401: Reason.FORBIDDEN,
    403: Reason.FORBIDDEN,
    404: Reason.NOT_FOUND,
    410: Reason.GONE,
    429: Reason.THROTTLED,
    451: Reason.FORBIDDEN,
    503: Reason.THROTTLED,
}
_HEADER_BYTES = 65536  # of one header; real Content-Security-Policy headers pass aiohttp's 8190
_SURROGATE = re.compile("[\udc80-\udcff]")
# A DNS name (RFC 1035, 2.3.4), with the underscore that some have.
_NAME = re.compile(r"(?=.{1,254}\Z)(?:[\w-]{1,63}\.)*[\w-]{1,63}\.?", re.ASCII)

Address = tuple[str, int]  # host without brackets, port


@dataclass(slots=True, kw_only=True)
class _Trail:
    """How far one request has come."""

    request: Request
    requested_at: datetime
    visited: list[URL] = field(default_factory=list)
    seconds: float = 0.0
    status: int | None = None
    received_bytes: int = 0
    etag: str | None = None
    last_modified: str | None = None

    @property
    def redirects(self) -> int:
        return max(0, len(self.visited) - 1)

    @property
    def final_url(self) -> str:
        return str(self.visited[-1]) if self.redirects else self.request.url

    def error(self, reason: Reason, detail: str) -> FetchError:
        return FetchError(self.request.url, reason, detail)

    def ended(self, outcome: Page | FetchError | None) -> Fetch:
        return Fetch(
            request=self.request,
            requested_at=self.requested_at,
            seconds=self.seconds,
            status=self.status,
            final_url=self.final_url,
            redirects=self.redirects,
            received_bytes=self.received_bytes,
            etag=self.etag,
            last_modified=self.last_modified,
            page=outcome if isinstance(outcome, Page) else None,
            error=outcome if isinstance(outcome, FetchError) else None,
        )


class Client:
    """Follows requests to their end, each hop in its host's turn."""

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        turns: HostTurns,
        limits: Limits,
        connect_to: Mapping[Address, Address],
        clock: Callable[[], datetime],
    ) -> None:
        self._session = session
        self._turns = turns
        self._limits = limits
        self._connect_to = connect_to
        self._clock = clock

    async def fetch(self, request: Request, deliver: Callable[[Fetch], Awaitable[None]]) -> None:
        """The one Fetch of this request was delivered.

        That happens inside the last hop's turn: whoever takes answers slowly slows the network down and does
        not fill the memory.
        """
        trail = _Trail(request=request, requested_at=self._clock())
        try:
            url = _read_url(request.url)
        except ValueError as error:
            await deliver(trail.ended(trail.error(Reason.BAD_URL, str(error))))
            return
        while True:
            async with self._turns.turn(_host_of(url)):
                if not trail.visited:
                    trail.requested_at = self._clock()
                trail.visited.append(url)
                outcome = await self._hop(trail)
                if not isinstance(outcome, URL):
                    await deliver(trail.ended(outcome))
                    return
                url = outcome

    async def _hop(self, trail: _Trail) -> URL | Page | FetchError | None:
        """Where the answer sends us, or the end: a page, an error, or None for "not modified"."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        trail.status, trail.received_bytes = None, 0
        try:
            async with asyncio.timeout(self._limits.total_timeout_s - trail.seconds):
                return await self._exchange(trail)
        except FetchError as error:
            return error
        except (aiohttp.ClientError, TimeoutError) as error:
            return trail.error(_reason_of(error), self._detail_of(error))
        finally:
            trail.seconds += loop.time() - started

    async def _exchange(self, trail: _Trail) -> URL | Page | None:
        request, url = trail.request, trail.visited[-1]
        dialled = self._dialled(url)
        headers = {"Accept": _ACCEPT[request.kind], "Host": url.host_port_subcomponent or ""}
        if request.etag is not None:
            headers["If-None-Match"] = request.etag
        if request.last_modified is not None:
            headers["If-Modified-Since"] = request.last_modified
        # SNI and the certificate check follow the URL, whatever address is dialled.
        name = _host_of(url) if url.scheme == "https" else None
        async with self._session.get(dialled, headers=headers, allow_redirects=False, server_hostname=name) as answer:
            trail.status = answer.status
            if answer.status in _REDIRECTS:
                return self._target(trail, answer.headers.get("Location", ""))
            if answer.status == 304:
                if request.etag is None and request.last_modified is None:
                    raise trail.error(Reason.SERVER_ERROR, "HTTP 304, though nothing was asked to compare with")
                trail.etag = _validator(answer, "ETag") or request.etag
                trail.last_modified = _validator(answer, "Last-Modified") or request.last_modified
                return None
            if not 200 <= answer.status < 300:
                raise trail.error(*_refusal(answer))
            body = await self._body(trail, answer)
            trail.etag = _validator(answer, "ETag")
            trail.last_modified = _validator(answer, "Last-Modified")
            return Page(
                url=request.url,
                final_url=trail.final_url,
                fetched_at=self._clock(),
                headers=_headers(answer),
                body=body,
            )

    def _dialled(self, url: URL) -> URL:
        port = url.port or 0
        address = self._connect_to.get((_host_of(url), port)) or self._connect_to.get(("*", port))
        return url if address is None else url.with_host(address[0]).with_port(address[1])

    def _target(self, trail: _Trail, location: str) -> URL:
        if not location:
            raise trail.error(Reason.SERVER_ERROR, f"HTTP {trail.status} without a Location")
        # aiohttp hands bytes that are not UTF-8 over as surrogates: back to what they were, percent-encoded.
        written = _SURROGATE.sub(lambda found: f"%{ord(found[0]) - 0xDC00:02X}", location)
        try:
            target = _read_url(str(trail.visited[-1].join(URL(written))))
        except ValueError as error:
            raise trail.error(Reason.BAD_URL, f"redirect to {written}: {error}") from error
        if target in trail.visited:
            raise trail.error(Reason.TOO_MANY_REDIRECTS, f"a loop, back to {target}")
        if trail.redirects == self._limits.max_redirects:
            raise trail.error(Reason.TOO_MANY_REDIRECTS, f"more than {self._limits.max_redirects}")
        return target

    async def _body(self, trail: _Trail, answer: aiohttp.ClientResponse) -> bytes:
        limit = self._limits.bytes_of(trail.request.kind)
        if answer.content_length is not None and answer.content_length > limit:
            raise trail.error(Reason.TOO_LARGE, f"Content-Length {answer.content_length}, the limit is {limit}")
        pieces: list[bytes] = []
        produced = 0
        try:
            decoder = decoder_for(", ".join(answer.headers.getall("Content-Encoding", [])))
            async for sent in answer.content.iter_any():
                trail.received_bytes += len(sent)
                if trail.received_bytes > limit:
                    raise trail.error(Reason.TOO_LARGE, f"more than {limit} bytes as sent")
                for piece in decoder.pieces(sent):
                    produced += len(piece)
                    if produced > limit:
                        raise trail.error(Reason.TOO_LARGE, f"more than {limit} bytes decompressed")
                    pieces.append(piece)
            decoder.finish()
        except EncodingError as error:
            raise trail.error(Reason.BAD_ENCODING, str(error)) from error
        return b"".join(pieces)

    def _detail_of(self, error: Exception) -> str:
        match error:
            case aiohttp.ClientConnectorError():
                return str(error.os_error)
            case aiohttp.ClientResponseError():
                return "not HTTP: " + " ".join(error.message.split())
            case aiohttp.ServerTimeoutError():
                return str(error)
            case TimeoutError():
                return f"not done within {self._limits.total_timeout_s:g} s"
            case _:
                return str(error) or type(error).__name__


def open_session(*, user_agent: str, limits: Limits, tls: ssl.SSLContext) -> aiohttp.ClientSession:
    """A session without memory: no cookies, no connection kept, nothing decompressed, no proxy.

    Connections are not kept because the pause between two requests to one host would only pile up idle ones.
    To refuse addresses at dial time, give TCPConnector a `socket_factory`: it sees each address about to be
    dialled, those written as numbers included, which no resolver does.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls, limit=0, force_close=True),
        headers={"User-Agent": user_agent, "Accept-Encoding": ACCEPTED},
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(connect=limits.connect_timeout_s, sock_read=limits.idle_timeout_s),
        max_field_size=_HEADER_BYTES,
        middlewares=(_only_once,),
    )


async def _only_once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Errors on a connection come out as a family that aiohttp does not answer with a second request.

    Its retry is meant for kept connections that went stale; here it would only break the host's pause.
    """
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(str(error)) from error


def _read_url(text: str) -> URL:
    """An http or https URL without fragment; raises ValueError, saying why, for anything else."""
    text.encode()  # yarl drops lone surrogates silently
    url = URL(text)
    if url.scheme not in ("http", "https"):
        raise ValueError(f"scheme {url.scheme!r} is not http or https")
    host = url.raw_host or ""
    if ":" in host or host.replace(".", "").isdigit():
        ip_address(host)  # raises ValueError, for 127.1 and 2130706433 too: no way round a refused address
    elif not _NAME.fullmatch(host):
        raise ValueError(f"{host!r} is no host name")
    if ":" in (url.user or ""):  # RFC 7617, 2
        raise ValueError("a colon in the user's name")
    f"{url.user}{url.password}".encode("latin-1")  # raises ValueError: aiohttp can send no other credentials
    return url.with_fragment(None)


def _host_of(url: URL) -> str:
    return (url.raw_host or "").rstrip(".")


def _reason_of(error: Exception) -> Reason:
    """The reason of each family that aiohttp raises; what belongs to none is a bug, and raised again."""
    match error:
        case aiohttp.InvalidURL():
            return Reason.BAD_URL
        case aiohttp.ClientConnectorDNSError():
            return Reason.DNS_FAILED
        case aiohttp.ClientSSLError():
            return Reason.TLS_FAILED
        case TimeoutError():
            return Reason.TIMEOUT
        case aiohttp.ClientConnectionError() | aiohttp.ClientPayloadError():
            return Reason.CONNECTION_FAILED
        case aiohttp.ClientResponseError():
            return Reason.SERVER_ERROR
        case _:
            raise error


def _refusal(answer: aiohttp.ClientResponse) -> tuple[Reason, str]:
    """Why a status is no page; what is neither success nor the client's fault is the server's."""
    detail = f"HTTP {answer.status}"
    others = Reason.CLIENT_ERROR if 400 <= answer.status < 500 else Reason.SERVER_ERROR
    reason = _REASONS.get(answer.status, others)
    if reason is Reason.THROTTLED and "Retry-After" in answer.headers:
        detail += f", Retry-After: {_text(answer.headers['Retry-After'])}"
    return reason, detail


def _headers(answer: aiohttp.ClientResponse) -> dict[str, str]:
    """Names in lower case, repeated ones joined (RFC 9110, 5.3), without cookies, which cannot be joined."""
    names = dict.fromkeys(name.lower() for name in answer.headers)
    return {
        name: ", ".join(_text(value) for value in answer.headers.getall(name))
        for name in names
        if name != "set-cookie"
    }


def _validator(answer: aiohttp.ClientResponse, name: str) -> str | None:
    """A header to send back next time; None if there is none, or none that a header may carry."""
    value = answer.headers.get(name, "")
    return value if value and value.isprintable() else None


def _text(header_value: str) -> str:
    """Without the surrogates that stand for bytes that are not UTF-8: they cannot be stored."""
    return header_value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
