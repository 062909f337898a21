"""aiohttp's sessions as this room needs them: tolerant of odd responses, guarded, without cookies of their own."""

import asyncio
import ssl
from functools import partial
from http.cookies import Morsel
from typing import Any, cast

import aiohttp
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from newsclust.fetch.decompress import ACCEPTED
from newsclust.fetch.framing import ResponseFraming
from newsclust.fetch.limits import FetchLimits
from newsclust.fetch.ssrf import AllowList, guarded_socket_factory
from newsclust.urls import site_of

_MAX_HEADER_BYTES = 32768  # of one header; real Content-Security-Policy headers pass aiohttp's 8190
_MAX_HEADERS = 128  # of one response
_MAX_COOKIE_BYTES = 8190  # of one request: what servers commonly take


def open_session(
    *, user_agent: str, limits: FetchLimits, tls: ssl.SSLContext, guard: AllowList | None
) -> aiohttp.ClientSession:
    """Open a stateless session: no keep-alive, no decompression by aiohttp, no proxy, no cookies of its own.

    Connections are not kept because the pause between two requests to one host would only pile up idle ones.
    With a `guard` only public addresses and those of its networks are connected to; without one, all are.
    """
    factory = None if guard is None else guarded_socket_factory(guard.networks)
    return aiohttp.ClientSession(
        connector=_TolerantConnector(ssl=tls, limit=0, force_close=True, socket_factory=factory),
        headers={"User-Agent": user_agent, "Accept-Encoding": ACCEPTED},
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(connect=limits.connect_timeout_s, sock_read=limits.idle_timeout_s),
        max_field_size=_MAX_HEADER_BYTES,
        max_headers=_MAX_HEADERS,
        middlewares=(_without_retry,),
    )


class RedirectCookies:
    """The cookies that redirects of one request set, for its next hops alone: sites check so whether they come back.

    They end with the request: no other one sends them, and nothing stores them.
    """

    def __init__(self) -> None:
        self._jar: aiohttp.CookieJar | None = None

    def keep(self, response: aiohttp.ClientResponse, url: URL) -> None:
        """Keep the cookies of a redirect from this address; one for all of a public suffix is none."""
        own_site = site_of(str(url))
        sendable = {name: morsel for name, morsel in response.cookies.items() if _is_sendable(morsel, own_site)}
        if sendable:
            self._jar = self._jar or aiohttp.CookieJar(unsafe=True)  # of hosts that are numbers, too
            self._jar.update_cookies(sendable, url)

    def header_for(self, url: URL) -> str:
        """Return the Cookie header of a hop; "" when there is none, or more than a server would take."""
        if self._jar is None:
            return ""
        found = self._jar.filter_cookies(url)
        written = "; ".join(f"{name}={morsel.coded_value}" for name, morsel in sorted(found.items()))
        return written if len(written) <= _MAX_COOKIE_BYTES else ""


def _is_sendable(morsel: Morsel[str], own_site: str) -> bool:
    domain = morsel["domain"].lstrip(".")
    is_in_site = not domain or site_of(f"https://{domain}/") == own_site
    return is_in_site and morsel.coded_value.isprintable() and morsel.coded_value.isascii()


class _TolerantConnector(aiohttp.TCPConnector):
    """A connector whose connections repair what they receive, as browsers do; each carries one response."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # There is no public place for it.
        self._factory = cast("partial[ResponseHandler]", partial(_TolerantHandler, loop=self._loop))


class _TolerantHandler(ResponseHandler):
    """Hands aiohttp's parser a response as it should have been written."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._framing = ResponseFraming()

    def data_received(self, data: bytes) -> None:
        """Repair the bytes; before there is a parser aiohttp keeps them, and gives them to this method again."""
        if data and self._parser is not None:
            data = self._framing.feed(data)
            if not data:
                self.start_timeout()
                return
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Let the parser see a head that breaks off."""
        if self._parser is not None and (rest := self._framing.finish()):
            super().data_received(rest)
        super().connection_lost(exc)


async def _without_retry(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Send the request, raising connection errors as a family for which aiohttp does not send it again.

    Its retry is meant for keep-alive connections that went stale; here it would break the host's rate limit.
    """
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(str(error)) from error
