"""Politeness: a rate limit for each site, and a limit on all requests that run at once."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from newsclust.urls import registered_domain


class SlotTooLateError(Exception):
    """There is no slot for a request before the moment that it must start by."""


@dataclass(slots=True)
class HostState:
    """Politeness state of one site, kept between calls: next allowed start, Retry-After deadline."""

    next_start: float = 0.0  # by the monotonic clock, which all event loops of a process share
    blocked_until: datetime | None = None


@dataclass(slots=True)
class _HostSlot:
    """Concurrency of one site within one event loop."""

    running: asyncio.Semaphore
    starting: asyncio.Lock = field(default_factory=asyncio.Lock)


class HostLimiter:
    """Rate limit by site: at most `per_host` requests at once, started at least `pause_s` seconds apart.

    A site is a registered domain: its hosts share machines more often than not, and two blogs of one hoster are two
    sites by the public suffix list. At most `concurrency` requests run at once in all. A request that waits for its
    site takes no place that another could use, so a slow site delays nobody else. `states` maps a site to its state.
    """

    def __init__(
        self, *, concurrency: int, per_host: int, pause_s: float, states: dict[str, HostState] | None = None
    ) -> None:
        self._running = asyncio.Semaphore(concurrency)
        self._pause_s = pause_s
        self._states = {} if states is None else states
        self._slots: defaultdict[str, _HostSlot] = defaultdict(lambda: _HostSlot(running=asyncio.Semaphore(per_host)))

    @asynccontextmanager
    async def slot(self, host: str, *, pause_s: float = 0.0, before: float | None = None) -> AsyncIterator[None]:
        """Hold a slot for one request to this host; slots of a site are given in the order of the calls.

        The next one starts at least `pause_s` seconds later, when that is longer than the usual pause.
        SlotTooLateError, at once, when the request could not start `before` a moment of the loop's clock.
        """
        site = _site(host)
        slot, state = self._slots[site], self._state(site)
        loop = asyncio.get_running_loop()
        async with slot.running:
            async with slot.starting:
                if before is not None and max(state.next_start, loop.time()) >= before:
                    raise SlotTooLateError
                await asyncio.sleep(state.next_start - loop.time())
                await self._running.acquire()  # after the pause: a waiting site takes no place from the others
                state.next_start = loop.time() + max(self._pause_s, pause_s)
            try:
                yield
            finally:
                self._running.release()

    def block_until(self, host: str, until: datetime) -> None:
        """Block the site of this host until its Retry-After has passed."""
        self._state(_site(host)).blocked_until = until

    def blocked_until(self, host: str) -> datetime | None:
        """Return the moment before which the site of this host wants no request, if it named one."""
        return self._state(_site(host)).blocked_until

    def _state(self, site: str) -> HostState:
        return self._states.setdefault(site, HostState())


def _site(host: str) -> str:
    """Return the registered domain of a host, which may be an IPv6 address; the host itself when it has none."""
    try:
        return registered_domain(f"https://[{host}]/" if ":" in host else f"https://{host}/")
    except ValueError:
        return host
