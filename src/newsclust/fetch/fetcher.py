"""`HttpFetcher`: requests in an event loop in a thread of its own, responses from a plain generator."""

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Protocol

from newsclust.errors import SettingsError
from newsclust.fetch.limits import FetchLimits
from newsclust.fetch.politeness import HostLimiter, HostState
from newsclust.fetch.ssrf import AllowList, read_allow_list
from newsclust.model import Fetch, Request

_BUFFERED_RESPONSES = 16  # responses that may wait for the consumer, besides the requests still running


class Fetcher(Protocol):
    """Whatever downloads requests: HTTP, or sources that need several requests each."""

    def fetch(self, requests: Sequence[Request]) -> Iterator[Fetch]:
        """Yield one Fetch for each request, in order of completion."""
        ...


def _utc_now() -> datetime:
    return datetime.now(UTC)


class HttpFetcher:
    """HTTP/1.1 fetcher with a rate limit per site, SSRF protection and limits on times and sizes.

    `connect_to` connects to other addresses, as curl's --connect-to does: {"HOST:PORT": "HOST2:PORT2"}, "*" for any
    host; URL, Host header, SNI and certificate checks stay. `ca_file` is trusted besides the system's certificates.

    SSRF: only public addresses are connected to, on `ports`, whatever DNS or a redirect says; besides them the hosts
    and networks of `allow_private`, and what `connect_to` names, on any port. These hold for requests of the same
    site alone (`Request.private_site`), "*" for all. All else is REFUSED_ADDRESS.
    Bodies in memory: at most (concurrency + 16). Raises SettingsError for options out of range.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        total_timeout_s: float = 30,
        connect_timeout_s: float = 10,
        idle_timeout_s: float = 15,
        max_bytes: int = 10_000_000,
        max_page_bytes: int = 2_000_000,
        max_redirects: int = 5,
        concurrency: int = 64,
        per_host: int = 2,
        host_pause_s: float = 0.5,
        ports: Sequence[int] = (80, 443, 8000, 8080, 8443),
        allow_private: Sequence[str] = (),
        connect_to: Mapping[str, str] | None = None,
        ca_file: Path | None = None,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        if not (user_agent.strip() and user_agent.isascii() and user_agent.isprintable()):
            raise SettingsError(f"user_agent must be printable ASCII: {user_agent!r}")
        self._user_agent = user_agent
        self._limits = FetchLimits(
            total_timeout_s=total_timeout_s,
            connect_timeout_s=connect_timeout_s,
            idle_timeout_s=idle_timeout_s,
            max_bytes=max_bytes,
            max_page_bytes=max_page_bytes,
            max_redirects=max_redirects,
            concurrency=concurrency,
            per_host=per_host,
            host_pause_s=host_pause_s,
        )
        self._ports = _checked_ports(ports)
        self._allow_list = read_allow_list(allow_private)
        self._connect_to = {_host_and_port(key): _host_and_port(value) for key, value in (connect_to or {}).items()}
        self._tls = _tls_context(ca_file)
        self._clock = clock
        self._host_states: dict[str, HostState] = {}

    def fetch(self, requests: Sequence[Request]) -> Iterator[Fetch]:
        """Yield one Fetch for each request, in order of completion; closing the iterator cancels what still runs.

        Callable from any thread. A request that fails is a Fetch with an error; a bug is raised.
        """
        loop = asyncio.new_event_loop()
        responses: SimpleQueue[Fetch | None] = SimpleQueue()  # None ends it
        buffer_space = asyncio.Semaphore(_BUFFERED_RESPONSES)

        async def deliver(response: Fetch) -> None:
            await buffer_space.acquire()
            responses.put(response)

        fetching = loop.create_task(self._fetch_all(requests, deliver))

        def run() -> None:
            try:
                loop.run_until_complete(asyncio.wait([fetching]))
            finally:
                responses.put(None)

        # A daemon thread: an interpreter that exits with a half-consumed iterator must not wait for it.
        thread = threading.Thread(target=run, name="newsclust-fetch", daemon=True)
        thread.start()
        try:
            while (response := responses.get()) is not None:
                loop.call_soon_threadsafe(buffer_space.release)
                yield response
            fetching.result()
        finally:
            loop.call_soon_threadsafe(fetching.cancel)
            thread.join()
            if not loop.is_running():  # it keeps running when the interpreter exited and froze the thread
                loop.close()

    async def _fetch_all(self, requests: Sequence[Request], deliver: Callable[[Fetch], Awaitable[None]]) -> None:
        from newsclust.fetch.client import Client
        from newsclust.fetch.session import open_session

        limits = self._limits
        # Each DNS look-up blocks a thread: there are enough that dead names delay no other request.
        dns_threads = ThreadPoolExecutor(limits.concurrency, thread_name_prefix="newsclust-dns")
        asyncio.get_running_loop().set_default_executor(dns_threads)
        limiter = HostLimiter(
            concurrency=limits.concurrency,
            per_host=limits.per_host,
            pause_s=limits.host_pause_s,
            states=self._host_states,
        )
        new_session = partial(open_session, user_agent=self._user_agent, limits=limits, tls=self._tls)
        async with (
            new_session(guard=AllowList(hosts=frozenset(), networks=())) as session,
            new_session(guard=self._allow_list) as networks_session,
            new_session(guard=None) as unguarded_session,
        ):
            client = Client(
                session=session,
                networks_session=networks_session,
                unguarded_session=unguarded_session,
                allow_list=self._allow_list,
                ports=self._ports,
                limiter=limiter,
                limits=limits,
                connect_to=self._connect_to,
                clock=self._clock,
            )
            async with asyncio.TaskGroup() as group:
                for request in requests:
                    group.create_task(client.fetch(request, deliver))


def _host_and_port(text: str) -> tuple[str, int]:
    """Parse "HOST:PORT", without the brackets of IPv6; raises SettingsError."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]").lower()
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise SettingsError(f"connect_to wants HOST:PORT, not {text!r}")
    return host, int(port)


def _checked_ports(numbers: Sequence[int]) -> frozenset[int]:
    """Return the ports as a set; raises SettingsError when there is none or one is out of range."""
    if not numbers or any(not 0 < number < 65536 for number in numbers):
        raise SettingsError(f"ports wants at least one port, each from 1 to 65535: {list(numbers)}")
    return frozenset(numbers)


def _tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Return a TLS context that trusts the system's certificates and the file's; raises SettingsError."""
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as error:  # ssl.SSLError is a subclass
            raise SettingsError(f"ca_file {ca_file}: {error}") from error
    return context
