"""Whose turn it is: politeness to each site, and a bound on all requests together."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from newsclust.urls import registered_domain


@dataclass(slots=True)
class _Door:
    seats: asyncio.Semaphore
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)


class Manners:
    """What is remembered of the sites from one call to the next: when each may be asked again.

    Moments are those of the monotonic clock, which all event loops of a process share.
    """

    def __init__(self) -> None:
        self.next_start: defaultdict[str, float] = defaultdict(float)
        self.closed_until: dict[str, datetime] = {}


class HostTurns:
    """At most `per_host` requests run at once to a site, started at least `pause_s` seconds apart.

    A site is a registered domain: its hosts share machines more often than not, and two blogs of one hoster are two
    sites by the public suffix list. At most `concurrency` requests run at once in all. Who waits for a site holds no
    place that another could use, so a slow one holds up nobody else.
    """

    def __init__(self, *, concurrency: int, per_host: int, pause_s: float, manners: Manners | None = None) -> None:
        self._running = asyncio.Semaphore(concurrency)
        self._pause_s = pause_s
        self._manners = manners or Manners()
        self._doors: defaultdict[str, _Door] = defaultdict(lambda: _Door(seats=asyncio.Semaphore(per_host)))

    @asynccontextmanager
    async def turn(self, host: str, *, pause_s: float = 0.0) -> AsyncIterator[None]:
        """Inside, one request to this host may run; turns of a site are given in the order of asking.

        The next one starts `pause_s` later at least, when that is longer than the usual pause.
        """
        site = _site(host)
        door = self._doors[site]
        loop = asyncio.get_running_loop()
        async with door.seats:
            async with door.opening:
                await asyncio.sleep(self._manners.next_start[site] - loop.time())
                await self._running.acquire()  # after the pause: a waiting site takes no place from the others
                self._manners.next_start[site] = loop.time() + max(self._pause_s, pause_s)
            try:
                yield
            finally:
                self._running.release()

    def close(self, host: str, until: datetime) -> None:
        """The site of this host wants no request before then."""
        self._manners.closed_until[_site(host)] = until

    def closed_until(self, host: str) -> datetime | None:
        """The moment before which the site of this host wants no request, if it named one."""
        return self._manners.closed_until.get(_site(host))


def _site(host: str) -> str:
    """The registered domain of a host, which may be an address of IPv6; the host itself where there is none."""
    try:
        return registered_domain(f"https://[{host}]/" if ":" in host else f"https://{host}/")
    except ValueError:
        return host
