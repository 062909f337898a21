"""URL -> Page: the only room with sockets.

`HttpFetcher` (this file) hands answers from an event loop in a thread of its own to a plain generator;
`client` follows one request, `targets` says where it may go, `hosts` whose turn it is, `limits` what it may cost;
`encoding` decompresses.
"""

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
from newsclust.fetch.limits import Limits
from newsclust.fetch.politeness import HostTurns, Manners
from newsclust.fetch.ssrf import read_allowed
from newsclust.model import Fetch, Request

_UNTAKEN = 16  # answers that may wait for the consumer, besides those still running


class Fetcher(Protocol):
    def fetch(self, requests: Sequence[Request]) -> Iterator[Fetch]:
        """One Fetch for each request, in order of completion."""
        ...


def _utc_now() -> datetime:
    return datetime.now(UTC)


class HttpFetcher:
    """Fetches over HTTP/1.1, politely: see `hosts` for turns and `client` for limits and reasons.

    `connect_to` dials other addresses, as curl's --connect-to does: {"HOST:PORT": "HOST2:PORT2"}, "*" for any
    host; URL, Host header, SNI and certificate checks stay. `ca_file` is trusted besides the system's own.

    Only public addresses are dialled, on `ports`, whatever a name server or a redirect says; besides them the hosts
    and networks of `allow_private`, and what `connect_to` names on any port. All else is REFUSED_ADDRESS.
    Bodies in memory: at most (concurrency + 16) of them. Raises SettingsError for what cannot be.
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
        self._limits = Limits(
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
        self._ports = _ports(ports)
        self._allowed = read_allowed(allow_private)
        self._connect_to = {_address(key): _address(value) for key, value in (connect_to or {}).items()}
        self._tls = _trusting(ca_file)
        self._clock = clock
        self._manners = Manners()

    def fetch(self, requests: Sequence[Request]) -> Iterator[Fetch]:
        """One Fetch for each request, in order of completion; closing the iterator ends what still runs.

        Callable from any thread. A request that goes wrong is a Fetch with an error; a bug is raised.
        """
        loop = asyncio.new_event_loop()
        answers: SimpleQueue[Fetch | None] = SimpleQueue()  # None: there will be no more
        room = asyncio.Semaphore(_UNTAKEN)

        async def deliver(answer: Fetch) -> None:
            await room.acquire()
            answers.put(answer)

        fetching = loop.create_task(self._fetch_all(requests, deliver))

        def run() -> None:
            try:
                loop.run_until_complete(asyncio.wait([fetching]))
            finally:
                answers.put(None)

        # A daemon: an interpreter that ends with an iterator left half-way must not wait for it.
        thread = threading.Thread(target=run, name="newsclust-fetch", daemon=True)
        thread.start()
        try:
            while (answer := answers.get()) is not None:
                loop.call_soon_threadsafe(room.release)
                yield answer
            fetching.result()
        finally:
            loop.call_soon_threadsafe(fetching.cancel)
            thread.join()
            if not loop.is_running():  # as it is for ever when the interpreter ended and froze the thread
                loop.close()

    async def _fetch_all(self, requests: Sequence[Request], deliver: Callable[[Fetch], Awaitable[None]]) -> None:
        from newsclust.fetch.client import Client, open_session

        limits = self._limits
        # Each name look-up blocks a thread: there are enough that dead names delay nobody.
        look_ups = ThreadPoolExecutor(limits.concurrency, thread_name_prefix="newsclust-dns")
        asyncio.get_running_loop().set_default_executor(look_ups)
        turns = HostTurns(
            concurrency=limits.concurrency,
            per_host=limits.per_host,
            pause_s=limits.host_pause_s,
            manners=self._manners,
        )
        opened = partial(open_session, user_agent=self._user_agent, limits=limits, tls=self._tls)
        async with opened(guard=self._allowed) as session, opened(guard=None) as free_session:
            client = Client(
                session=session,
                free_session=free_session,
                allowed=self._allowed,
                ports=self._ports,
                turns=turns,
                limits=limits,
                connect_to=self._connect_to,
                clock=self._clock,
            )
            async with asyncio.TaskGroup() as group:
                for request in requests:
                    group.create_task(client.fetch(request, deliver))


def _address(text: str) -> tuple[str, int]:
    """("host", port) of "HOST:PORT", the brackets of IPv6 taken off; raises SettingsError."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]").lower()
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise SettingsError(f"connect_to wants HOST:PORT, not {text!r}")
    return host, int(port)


def _ports(numbers: Sequence[int]) -> frozenset[int]:
    if not numbers or any(not 0 < number < 65536 for number in numbers):
        raise SettingsError(f"ports wants at least one port, each from 1 to 65535: {list(numbers)}")
    return frozenset(numbers)


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    """The system's trust and the file's besides; raises SettingsError when it holds no certificate."""
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as error:  # ssl.SSLError is one
            raise SettingsError(f"ca_file {ca_file}: {error}") from error
    return context
