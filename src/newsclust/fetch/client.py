"""One request over HTTP: hops, limits and reasons. The only file that knows aiohttp."""

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import aiohttp
from aiohttp.http import HttpProcessingError
from yarl import URL

from newsclust.errors import FetchError, Reason
from newsclust.fetch.decompress import ACCEPTED, EncodingError, decoder_for
from newsclust.fetch.limits import Limits
from newsclust.fetch.politeness import HostTurns
from newsclust.fetch.redaction import Mask, mask_of, with_secrets_of
from newsclust.fetch.ssrf import Allowed, RefusedAddressError, guarded_socket
from newsclust.fetch.url_policy import asked_url, host_of, is_home, read_url, with_credentials
from newsclust.model import Fetch, Page, Request, RequestKind
from newsclust.polling.http_freshness import fresh_until, retry_at
from newsclust.urls import HIDDEN, redacted

_ACCEPT = {
    RequestKind.FEED: "application/atom+xml, application/rss+xml, application/rdf+xml, "
    "application/feed+json, application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5",
    RequestKind.LIST: "text/x-opml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5",
    RequestKind.PAGE: "text/html, application/xhtml+xml, */*;q=0.5",
    RequestKind.ROBOTS: "text/plain, */*;q=0.5",
}
_REDIRECTS = {301, 302, 303, 307, 308}
_PERMANENT = {301, 308}
_WAITED_FOR = {429, 503}
_REASONS = {
    401: Reason.FORBIDDEN,
    403: Reason.FORBIDDEN,
    404: Reason.NOT_FOUND,
    410: Reason.GONE,
    429: Reason.THROTTLED,
    451: Reason.FORBIDDEN,
    503: Reason.THROTTLED,
}
_HEADER_BYTES = 32768  # of one header; real Content-Security-Policy headers pass aiohttp's 8190
_HEADERS = 128  # of one answer
_HEADERS_BYTES = 65536  # of all together: they are stored
_MOST_KEYS = 20  # that a redirect may hand over: each is looked for in the whole body
_SURROGATE = re.compile("[\udc80-\udcff]")

Address = tuple[str, int]  # host without brackets, port


@dataclass(slots=True, kw_only=True)
class _Trail:
    """How far one request has come."""

    request: Request
    requested_at: datetime
    mask: Mask = field(default_factory=Mask)
    visited: list[URL] = field(default_factory=list)
    seconds: float = 0.0
    status: int | None = None
    received_bytes: int = 0
    etag: str | None = None
    last_modified: str | None = None
    fresh_until: datetime | None = None
    retry_at: datetime | None = None
    only_moved: bool = True  # no redirect yet, or permanent ones only
    moved_to: str | None = None
    onward: str | None = None

    @property
    def redirects(self) -> int:
        return max(0, len(self.visited) - 1)

    @property
    def final_url(self) -> str:
        return self.shown(str(self.visited[-1]) if self.redirects else self.request.url)

    def shown(self, text: str) -> str:
        """The text without secrets. A page's parameters are no reader's: one called `key` may choose the page."""
        return self.mask.text(text if self.request.kind is RequestKind.PAGE else redacted(text))

    def error(self, reason: Reason, detail: str) -> FetchError:
        return FetchError(self.shown(self.request.url), reason, self.shown(detail))

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
            fresh_until=self.fresh_until,
            retry_at=self.retry_at,
            moved_to=self.moved_to,
            onward=self.onward,
        )


class Client:
    """Follows requests to their end, each hop in its host's turn.

    `session` dials what is public; `free_session` what a person named: the hosts of `allowed` and the addresses of
    `connect_to`, on whose ports there is no limit either.
    """

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        free_session: aiohttp.ClientSession,
        allowed: Allowed,
        ports: frozenset[int],
        turns: HostTurns,
        limits: Limits,
        connect_to: Mapping[Address, Address],
        clock: Callable[[], datetime],
    ) -> None:
        self._session = session
        self._free_session = free_session
        self._allowed = allowed
        self._ports = ports
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
            trail.mask = mask_of(request)
            url = asked_url(request)
        except ValueError as error:
            await deliver(trail.ended(trail.error(Reason.BAD_URL, str(error))))
            return
        while True:
            host = host_of(url)
            async with self._turns.turn(host, pause_s=request.pause_s):
                if not trail.visited:
                    trail.requested_at = self._clock()
                outcome: URL | Page | FetchError | None = self._refused(trail, host)
                if outcome is None:
                    trail.visited.append(url)
                    outcome = await self._hop(trail)
                if trail.retry_at is not None:
                    self._turns.close(host, trail.retry_at)
                if not isinstance(outcome, URL):
                    await deliver(trail.ended(outcome))
                    return
                url = outcome

    def _refused(self, trail: _Trail, host: str) -> FetchError | None:
        """Why the host is not asked now: it has just said to whom it will not answer before when."""
        until = self._turns.closed_until(host)
        if until is None or until <= self._clock():
            return None
        trail.status, trail.retry_at = None, until
        return trail.error(Reason.THROTTLED, f"not asked: {host} wants no request before {until:%Y-%m-%d %H:%M} UTC")

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
        session, dialled = self._dialled(trail, url)
        headers = {"Accept": _ACCEPT[request.kind], "Host": url.host_port_subcomponent or ""}
        if request.etag is not None:
            headers["If-None-Match"] = request.etag
        if request.last_modified is not None:
            headers["If-Modified-Since"] = request.last_modified
        if request.authorization is not None:
            dialled = dialled.with_user(None)  # aiohttp makes a header of it: there can be one
            if is_home(url, trail.visited[0]):
                headers["Authorization"] = request.authorization
        if request.form is not None:
            if not is_home(url, trail.visited[0]):
                raise trail.error(Reason.TOO_MANY_REDIRECTS, f"a form is sent to no other host, such as {url.host}")
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        # SNI and the certificate check follow the URL, whatever address is dialled.
        name = host_of(url) if url.scheme == "https" else None
        method = "GET" if request.form is None else "POST"
        async with session.request(
            method, dialled, data=request.form, headers=headers, allow_redirects=False, server_hostname=name
        ) as answer:
            trail.status = answer.status
            sent = sum(len(field_name) + len(value) for field_name, value in answer.raw_headers)
            if sent > _HEADERS_BYTES:
                raise trail.error(Reason.TOO_LARGE, f"headers of {sent} bytes, the limit is {_HEADERS_BYTES}")
            if answer.status in _REDIRECTS:
                target = self._target(trail, answer.headers.get("Location", ""))
                trail.only_moved &= answer.status in _PERMANENT and trail.shown(str(target)) == str(target)
                if trail.only_moved and request.secret_url is None:  # what holds a secret is a person's to move
                    trail.moved_to = str(target)
                if request.within_origin and target.origin() != url.origin():
                    trail.onward = str(target)
                    return None
                return target
            if answer.status in _WAITED_FOR:
                trail.retry_at = retry_at(_headers(answer), self._clock())
            elif answer.status < 400:
                trail.fresh_until = fresh_until(_headers(answer), self._clock())
            if answer.status == 304:
                if request.etag is None and request.last_modified is None:
                    raise trail.error(Reason.SERVER_ERROR, "HTTP 304, though nothing was asked to compare with")
                trail.etag = _validator(trail, answer, "ETag") or request.etag
                trail.last_modified = _validator(trail, answer, "Last-Modified") or request.last_modified
                return None
            if not 200 <= answer.status < 300:
                raise trail.error(*_refusal(answer))
            body = await self._body(trail, answer)
            trail.etag = _validator(trail, answer, "ETag")
            trail.last_modified = _validator(trail, answer, "Last-Modified")
            return Page(
                url=request.url,
                final_url=trail.final_url,
                fetched_at=self._clock(),
                headers={field_name: trail.shown(value) for field_name, value in _headers(answer).items()},
                body=trail.mask.body(body),
            )

    def _dialled(self, trail: _Trail, url: URL) -> tuple[aiohttp.ClientSession, URL]:
        """Who dials, and what."""
        host, port = host_of(url), url.port or 0
        address = self._connect_to.get((host, port)) or self._connect_to.get(("*", port))
        if address is not None:
            return self._free_session, url.with_host(address[0]).with_port(address[1])
        if port not in self._ports:
            raise trail.error(Reason.REFUSED_ADDRESS, f"port {port} is not one of {sorted(self._ports)}")
        return self._free_session if host in self._allowed.hosts else self._session, url

    def _target(self, trail: _Trail, location: str) -> URL:
        if not location:
            raise trail.error(Reason.SERVER_ERROR, f"HTTP {trail.status} without a Location")
        # aiohttp hands bytes that are not UTF-8 over as surrogates: back to what they were, percent-encoded.
        written = _SURROGATE.sub(lambda found: f"%{ord(found[0]) - 0xDC00:02X}", location)
        try:
            target = with_credentials(read_url(str(trail.visited[-1].join(URL(written)))), trail.visited[0])
        except ValueError as error:
            raise trail.error(Reason.BAD_URL, f"redirect to {written}: {error}") from error
        if trail.request.kind is not RequestKind.PAGE:
            if (keys := redacted(str(target)).count(HIDDEN)) > _MOST_KEYS:
                raise trail.error(Reason.BAD_URL, f"a redirect with {keys} keys")
            trail.mask = with_secrets_of(trail.mask, str(target))
        if target in trail.visited:
            raise trail.error(Reason.TOO_MANY_REDIRECTS, f"a loop, back to {target}")
        if trail.redirects == self._limits.max_redirects:
            raise trail.error(Reason.TOO_MANY_REDIRECTS, f"more than {self._limits.max_redirects}")
        return target

    async def _body(self, trail: _Trail, answer: aiohttp.ClientResponse) -> bytes:
        limit = self._limits.bytes_of(trail.request.kind)
        whole = trail.request.kind is not RequestKind.ROBOTS  # of a robots.txt the beginning counts (RFC 9309, 2.5)
        if whole and answer.content_length is not None and answer.content_length > limit:
            raise trail.error(Reason.TOO_LARGE, f"Content-Length {answer.content_length}, the limit is {limit}")
        _tell_of_garbage(trail, answer)
        pieces: list[bytes] = []
        produced = 0
        try:
            decoder = decoder_for(", ".join(answer.headers.getall("Content-Encoding", [])))
            async for sent in answer.content.iter_any():
                trail.received_bytes += len(sent)
                if whole and trail.received_bytes > limit:
                    raise trail.error(Reason.TOO_LARGE, f"more than {limit} bytes as sent")
                for piece in decoder.pieces(sent):
                    produced += len(piece)
                    pieces.append(piece)
                    if produced > limit and whole:
                        raise trail.error(Reason.TOO_LARGE, f"more than {limit} bytes decompressed")
                    if produced > limit:
                        return b"".join(pieces)[:limit]
                if trail.received_bytes > limit:
                    return b"".join(pieces)
            decoder.finish()
        except EncodingError as error:
            raise trail.error(Reason.BAD_ENCODING, str(error)) from error
        return b"".join(pieces)

    def _detail_of(self, error: Exception) -> str:
        match error:
            case aiohttp.ClientConnectorError(os_error=RefusedAddressError() as refused):
                return refused.detail
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


def open_session(
    *, user_agent: str, limits: Limits, tls: ssl.SSLContext, guard: Allowed | None
) -> aiohttp.ClientSession:
    """A session without memory: no cookies, no connection kept, nothing decompressed, no proxy.

    Connections are not kept because the pause between two requests to one host would only pile up idle ones.
    With a `guard` only public addresses are dialled, and those of its networks; without one, all are.
    """
    factory = None if guard is None else guarded_socket(guard.networks)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls, limit=0, force_close=True, socket_factory=factory),
        headers={"User-Agent": user_agent, "Accept-Encoding": ACCEPTED},
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(connect=limits.connect_timeout_s, sock_read=limits.idle_timeout_s),
        max_field_size=_HEADER_BYTES,
        max_headers=_HEADERS,
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


def _tell_of_garbage(trail: _Trail, answer: aiohttp.ClientResponse) -> None:
    """Whoever reads the body is told when its chunks stop making sense.

    aiohttp 3.14 closes the connection then and tells nobody: the reader would wait for the total timeout.
    """
    protocol = answer.connection and answer.connection.protocol
    if protocol is None:  # the whole body came with the headers
        return

    def tell(closed: asyncio.Future[None] | None) -> None:
        if closed is not None:
            closed.exception()  # looked at, so that asyncio does not report it: the reader is told of a broken line
        broken = protocol.exception()
        if isinstance(broken, HttpProcessingError):
            said = " ".join(broken.message.split())
            answer.content.set_exception(trail.error(Reason.SERVER_ERROR, f"not HTTP: {said}"))

    closed = protocol.closed
    if closed is None:  # it is closed already
        tell(None)
    else:
        closed.add_done_callback(tell)


def _reason_of(error: Exception) -> Reason:
    """The reason of each family that aiohttp raises; what belongs to none is a bug, and raised again."""
    match error:
        case aiohttp.InvalidURL():
            return Reason.BAD_URL
        case aiohttp.ClientConnectorError(os_error=RefusedAddressError()):
            return Reason.REFUSED_ADDRESS
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


def _validator(trail: _Trail, answer: aiohttp.ClientResponse, name: str) -> str | None:
    """A header to send back next time; None if there is none, none that a header may carry, or one with a secret."""
    value = answer.headers.get(name, "")
    return value if value and value.isprintable() and trail.mask.text(value) == value else None


def _text(header_value: str) -> str:
    """Without the surrogates that stand for bytes that are not UTF-8: they cannot be stored."""
    return header_value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
