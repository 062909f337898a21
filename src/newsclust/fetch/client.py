"""HTTP client: one request through its redirects, within limits, with a reason for each failure.

This file and `session` are the only ones that import aiohttp.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import aiohttp
from aiohttp.http import HttpProcessingError
from yarl import URL

from newsclust.errors import FetchError, Reason
from newsclust.fetch.decompress import EncodingError, decompressor_for
from newsclust.fetch.limits import FetchLimits
from newsclust.fetch.politeness import HostLimiter, SlotTooLateError
from newsclust.fetch.redaction import Redactor, redactor_for, with_redirect_secrets
from newsclust.fetch.session import RedirectCookies
from newsclust.fetch.ssrf import AllowList, RefusedAddressError
from newsclust.fetch.url_policy import (
    host_of,
    parsed_url,
    read_url,
    request_url,
    same_origin_or_upgrade,
    with_credentials,
)
from newsclust.model import Fetch, Page, Request, RequestKind
from newsclust.polling.http_freshness import fresh_until, retry_at
from newsclust.urls import HIDDEN, redacted, site_of

_ACCEPT = {
    RequestKind.FEED: "application/atom+xml, application/rss+xml, application/rdf+xml, "
    "application/feed+json, application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5",
    RequestKind.LIST: "text/x-opml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5",
    RequestKind.PAGE: "text/html, application/xhtml+xml, */*;q=0.5",
    RequestKind.ROBOTS: "text/plain, */*;q=0.5",
    RequestKind.SITE: "text/html, application/xhtml+xml, */*;q=0.5",
}
_REDIRECT_STATUSES = {301, 302, 303, 307, 308}
_PERMANENT_STATUSES = {301, 308}
_RETRY_AFTER_STATUSES = {429, 503}
_REASONS = {
    401: Reason.FORBIDDEN,
    403: Reason.FORBIDDEN,
    404: Reason.NOT_FOUND,
    410: Reason.GONE,
    429: Reason.THROTTLED,
    451: Reason.FORBIDDEN,
    503: Reason.THROTTLED,
}
_MAX_TOTAL_HEADER_BYTES = 65536  # of one response's headers together: they are stored
_MAX_REDIRECT_KEYS = 20  # in a redirect's URL: each is searched for in the whole body
_SURROGATE = re.compile("[\udc80-\udcff]")

HostPort = tuple[str, int]  # host without brackets, port


@dataclass(slots=True, kw_only=True)
class RequestState:
    """State of one request while its redirects are followed."""

    request: Request
    requested_at: datetime
    redactor: Redactor = field(default_factory=Redactor)
    visited: list[URL] = field(default_factory=list)
    asked: set[tuple[URL, str]] = field(default_factory=set)  # with which cookies
    cookies: RedirectCookies = field(default_factory=RedirectCookies)
    seconds: float = 0.0
    status: int | None = None
    received_bytes: int = 0
    etag: str | None = None
    last_modified: str | None = None
    fresh_until: datetime | None = None
    retry_at: datetime | None = None
    only_permanent: bool = True  # no redirect yet, or only permanent ones
    moved_to: str | None = None
    cross_origin_redirect: str | None = None

    @property
    def redirects(self) -> int:
        """Return how many redirects were followed."""
        return max(0, len(self.visited) - 1)

    @property
    def final_url(self) -> str:
        """Return the last URL requested, redacted."""
        return self.redact(str(self.visited[-1]) if self.redirects else self.request.url)

    def redact(self, text: str) -> str:
        """Return the text without secrets; a page's query stays: a parameter called `key` may choose the page."""
        return self.redactor.redact(text if self.request.kind is RequestKind.PAGE else redacted(text))

    def error(self, reason: Reason, detail: str) -> FetchError:
        """Return an error of this request, redacted."""
        return FetchError(self.redact(self.request.url), reason, self.redact(detail))

    def as_fetch(self, outcome: Page | FetchError | None) -> Fetch:
        """Return the request as it ended: a page, an error, or None for "not modified"."""
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
            cross_origin_redirect=self.cross_origin_redirect,
        )


class Client:
    """HTTP client that follows redirects, each hop in a politeness slot of its host.

    `session` connects to public addresses only (SSRF guard), `networks_session` to the networks of `allow_list`, too;
    `unguarded_session` to what a person named: the hosts of `allow_list` and, on any port, the addresses of
    `connect_to`. That holds for requests of their own site: neither a redirect nor a stranger's link gets there.
    """

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        networks_session: aiohttp.ClientSession,
        unguarded_session: aiohttp.ClientSession,
        allow_list: AllowList,
        ports: frozenset[int],
        limiter: HostLimiter,
        limits: FetchLimits,
        connect_to: Mapping[HostPort, HostPort],
        clock: Callable[[], datetime],
    ) -> None:
        self._session = session
        self._networks_session = networks_session
        self._unguarded_session = unguarded_session
        self._allow_list = allow_list
        self._ports = ports
        self._limiter = limiter
        self._limits = limits
        self._connect_to = connect_to
        self._clock = clock
        self._begun = asyncio.get_running_loop().time()

    async def fetch(self, request: Request, deliver: Callable[[Fetch], Awaitable[None]]) -> None:
        """Deliver the one Fetch of this request.

        That happens inside the last hop's slot: a slow consumer slows the network down (backpressure) and memory does
        not fill up.
        """
        state = RequestState(request=request, requested_at=self._clock())
        try:
            state.redactor = redactor_for(request)
            url = request_url(request)
        except ValueError as error:
            await deliver(state.as_fetch(state.error(Reason.BAD_URL, str(error))))
            return
        try:
            await self._follow(state, url, deliver)
        except SlotTooLateError:
            late = state.error(Reason.POSTPONED, f"not requested within {request.start_within_s:.0f} s")
            await deliver(state.as_fetch(late))

    async def _follow(self, state: RequestState, url: URL, deliver: Callable[[Fetch], Awaitable[None]]) -> None:
        """Make the hops of one request and deliver its Fetch; raises SlotTooLateError."""
        request = state.request
        before = None if request.start_within_s is None else self._begun + request.start_within_s
        while True:
            host = host_of(url)
            async with self._limiter.slot(host, pause_s=request.pause_s, before=before):
                if not state.visited:
                    state.requested_at = self._clock()
                outcome: URL | Page | FetchError | None = self._blocked(state, host)
                if outcome is None:
                    state.visited.append(url)
                    outcome = await self._timed_exchange(state)
                if state.retry_at is not None:
                    self._limiter.block_until(host, state.retry_at)
                if not isinstance(outcome, URL):
                    await deliver(state.as_fetch(outcome))
                    return
                url = outcome

    def _blocked(self, state: RequestState, host: str) -> FetchError | None:
        """Return the error for a host whose Retry-After has not passed; None when it may be requested."""
        until = self._limiter.blocked_until(host)
        if until is None or until <= self._clock():
            return None
        state.status, state.retry_at = None, until
        return state.error(
            Reason.THROTTLED, f"not requested: {host} wants no request before {until:%Y-%m-%d %H:%M} UTC"
        )

    async def _timed_exchange(self, state: RequestState) -> URL | Page | FetchError | None:
        """Make one hop within the total timeout: a redirect's URL, a page, an error, or None for "not modified"."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        state.status, state.received_bytes = None, 0
        try:
            async with asyncio.timeout(self._limits.total_timeout_s - state.seconds):
                return await self._exchange(state)
        except FetchError as error:
            return error
        except (aiohttp.ClientError, TimeoutError) as error:
            return state.error(_reason_of(error), self._detail_of(error))
        finally:
            state.seconds += loop.time() - started

    async def _exchange(self, state: RequestState) -> URL | Page | None:
        """Send one request and read its response; raises FetchError, aiohttp.ClientError or TimeoutError."""
        request, url = state.request, state.visited[-1]
        session, target_url = self._connection_for(state, url)
        headers = {"Accept": _ACCEPT[request.kind], "Host": url.host_port_subcomponent or ""}
        if request.etag is not None:
            headers["If-None-Match"] = request.etag
        if request.last_modified is not None:
            headers["If-Modified-Since"] = request.last_modified
        if request.authorization is not None:
            target_url = target_url.with_user(None)  # aiohttp would make another Authorization header of it
            if same_origin_or_upgrade(url, state.visited[0]):
                headers["Authorization"] = request.authorization
        if request.form is not None:
            if not same_origin_or_upgrade(url, state.visited[0]):
                raise state.error(Reason.TOO_MANY_REDIRECTS, f"a form is sent to no other host, such as {url.host}")
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if cookies := state.cookies.header_for(url):
            headers["Cookie"] = cookies
        state.asked.add((url, cookies))
        # SNI and the certificate check follow the URL, whatever address is connected to.
        server_name = host_of(url) if url.scheme == "https" else None
        method = "GET" if request.form is None else "POST"
        async with session.request(
            method, target_url, data=request.form, headers=headers, allow_redirects=False, server_hostname=server_name
        ) as response:
            state.status = response.status
            sent = sum(len(field_name) + len(value) for field_name, value in response.raw_headers)
            if sent > _MAX_TOTAL_HEADER_BYTES:
                raise state.error(
                    Reason.TOO_LARGE, f"headers of {sent} bytes, the limit is {_MAX_TOTAL_HEADER_BYTES}"
                )
            if response.status in _REDIRECT_STATUSES:
                state.cookies.keep(response, url)
                target = self._follow_redirect(state, response.headers.get("Location", ""))
                state.only_permanent &= response.status in _PERMANENT_STATUSES and state.redact(str(target)) == str(
                    target
                )
                if state.only_permanent and request.secret_url is None:  # a URL with a secret is for a person to move
                    state.moved_to = str(target)
                if request.within_origin and target.origin() != url.origin():
                    state.cross_origin_redirect = str(target)
                    return None
                return target
            if response.status in _RETRY_AFTER_STATUSES:
                state.retry_at = retry_at(_headers(response), self._clock())
            elif response.status < 400:
                state.fresh_until = fresh_until(_headers(response), self._clock())
            if response.status == 304:
                if request.etag is None and request.last_modified is None:
                    raise state.error(Reason.SERVER_ERROR, "HTTP 304 to a request without a validator")
                state.etag = _validator(state, response, "ETag") or request.etag
                state.last_modified = _validator(state, response, "Last-Modified") or request.last_modified
                return None
            if not 200 <= response.status < 300:
                raise state.error(*_status_error(response))
            body = await self._body(state, response)
            state.etag = _validator(state, response, "ETag")
            state.last_modified = _validator(state, response, "Last-Modified")
            return Page(
                url=request.url,
                final_url=state.final_url,
                fetched_at=self._clock(),
                headers={field_name: state.redact(value) for field_name, value in _headers(response).items()},
                body=state.redactor.redact_body(body),
            )

    def _connection_for(self, state: RequestState, url: URL) -> tuple[aiohttp.ClientSession, URL]:
        """Return the session that connects, and the URL with the address to connect to."""
        host, port = host_of(url), url.port or 0
        is_own = site_of(str(url)) == _private_site(state.request)
        named = self._connect_to.get((host, port)) if is_own else None
        address = named or self._connect_to.get(("*", port))
        if address is not None:
            return self._unguarded_session, url.with_host(address[0]).with_port(address[1])
        if port not in self._ports:
            raise state.error(Reason.REFUSED_ADDRESS, f"port {port} is not one of {sorted(self._ports)}")
        if not is_own:
            return self._session, url
        return self._unguarded_session if host in self._allow_list.hosts else self._networks_session, url

    def _follow_redirect(self, state: RequestState, location: str) -> URL:
        """Return the URL that a Location leads to, with the credentials it may carry; raises FetchError."""
        if not location:
            raise state.error(Reason.SERVER_ERROR, f"HTTP {state.status} without a Location")
        # aiohttp decodes bytes that are not UTF-8 to surrogates: restore the bytes, percent-encoded.
        location = _SURROGATE.sub(lambda found: f"%{ord(found[0]) - 0xDC00:02X}", location)
        try:
            target = with_credentials(read_url(str(state.visited[-1].join(parsed_url(location)))), state.visited[0])
        except ValueError as error:
            raise state.error(Reason.BAD_URL, f"redirect to {location}: {error}") from error
        if state.request.kind is not RequestKind.PAGE:
            if (keys := redacted(str(target)).count(HIDDEN)) > _MAX_REDIRECT_KEYS:
                raise state.error(Reason.BAD_URL, f"a redirect with {keys} keys")
            state.redactor = with_redirect_secrets(state.redactor, str(target))
        if (target, state.cookies.header_for(target)) in state.asked:
            raise state.error(Reason.TOO_MANY_REDIRECTS, f"a loop, back to {target}")
        if state.redirects == self._limits.max_redirects:
            raise state.error(Reason.TOO_MANY_REDIRECTS, f"more than {self._limits.max_redirects}")
        return target

    async def _body(self, state: RequestState, response: aiohttp.ClientResponse) -> bytes:
        """Read and decompress the body within its limit; of a robots.txt the beginning counts (RFC 9309, 2.5)."""
        limit = self._limits.max_body_bytes(state.request.kind)
        is_strict = state.request.kind is not RequestKind.ROBOTS
        if is_strict and response.content_length is not None and response.content_length > limit:
            raise state.error(Reason.TOO_LARGE, f"Content-Length {response.content_length}, the limit is {limit}")
        _report_broken_framing(state, response)
        pieces: list[bytes] = []
        produced = 0
        try:
            decompressor = decompressor_for(", ".join(response.headers.getall("Content-Encoding", [])))
            async for sent in response.content.iter_any():
                state.received_bytes += len(sent)
                if is_strict and state.received_bytes > limit:
                    raise state.error(Reason.TOO_LARGE, f"more than {limit} bytes as sent")
                for piece in decompressor.decompress(sent):
                    produced += len(piece)
                    pieces.append(piece)
                    if produced > limit and is_strict:
                        raise state.error(Reason.TOO_LARGE, f"more than {limit} bytes decompressed")
                    if produced > limit:
                        return b"".join(pieces)[:limit]
                if state.received_bytes > limit:
                    return b"".join(pieces)
            decompressor.finish()
        except EncodingError as error:
            raise state.error(Reason.BAD_ENCODING, str(error)) from error
        return b"".join(pieces)

    def _detail_of(self, error: Exception) -> str:
        """Return what happened, for each family of errors that aiohttp raises."""
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


def _private_site(request: Request) -> str:
    """Return the site for which what a person allowed holds in this request; "" when there is none."""
    if request.private_site is not None:
        return request.private_site
    return "" if request.kind is RequestKind.PAGE else site_of(request.url)


def _report_broken_framing(state: RequestState, response: aiohttp.ClientResponse) -> None:
    """Raise a FetchError in the reader of the body when its chunked framing is invalid.

    aiohttp 3.14 closes the connection then without an error: the reader would wait for the total timeout.
    """
    protocol = response.connection and response.connection.protocol
    if protocol is None:  # the whole body came with the headers
        return

    def report(closed: asyncio.Future[None] | None) -> None:
        if closed is not None:
            closed.exception()  # retrieved, so that asyncio does not log it: the reader gets the error
        broken = protocol.exception()
        if isinstance(broken, HttpProcessingError):
            message = " ".join(broken.message.split())
            response.content.set_exception(state.error(Reason.SERVER_ERROR, f"not HTTP: {message}"))

    closed = protocol.closed
    if closed is None:  # it is closed already
        report(None)
    else:
        closed.add_done_callback(report)


def _reason_of(error: Exception) -> Reason:
    """Return the reason for each family of errors that aiohttp raises; any other is a bug and raised again."""
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


def _status_error(response: aiohttp.ClientResponse) -> tuple[Reason, str]:
    """Return reason and detail of a status that is no success; neither 2xx nor 4xx is the server's error."""
    detail = f"HTTP {response.status}"
    default = Reason.CLIENT_ERROR if 400 <= response.status < 500 else Reason.SERVER_ERROR
    reason = _REASONS.get(response.status, default)
    if reason is Reason.THROTTLED and "Retry-After" in response.headers:
        detail += f", Retry-After: {_text(response.headers['Retry-After'])}"
    return reason, detail


def _headers(response: aiohttp.ClientResponse) -> dict[str, str]:
    """Return the headers, names in lower case, repeated ones joined (RFC 9110, 5.3), without cookies."""
    names = dict.fromkeys(name.lower() for name in response.headers)
    return {
        name: ", ".join(_text(value) for value in response.headers.getall(name))
        for name in names
        if name != "set-cookie"
    }


def _validator(state: RequestState, response: aiohttp.ClientResponse, name: str) -> str | None:
    """Return an ETag or Last-Modified to send next time; None when absent, unprintable or with a secret in it."""
    value = response.headers.get(name, "")
    return value if value and value.isprintable() and state.redactor.redact(value) == value else None


def _text(header_value: str) -> str:
    """Return a header value without the surrogates for bytes that are not UTF-8: they cannot be stored."""
    return header_value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
