"""Whose turn it is: politeness to each host, and a bound on all requests together."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Door:
    seats: asyncio.Semaphore
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    next_start: float = 0.0  # in loop time


class HostTurns:
    """At most `per_host` requests run at once to a host, started at least `pause_s` seconds apart.

    At most `concurrency` run at once in all. Who waits for a host holds no place that another host could use,
    so a slow host holds up nobody else.
    """

    def __init__(self, *, concurrency: int, per_host: int, pause_s: float) -> None:
        self._running = asyncio.Semaphore(concurrency)
        self._pause_s = pause_s
        self._doors: defaultdict[str, _Door] = defaultdict(lambda: _Door(seats=asyncio.Semaphore(per_host)))

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        """Inside, one request to this host may run; turns of a host are given in the order of asking."""
        door = self._doors[host]
        loop = asyncio.get_running_loop()
        async with door.seats:
            async with door.opening:
                await asyncio.sleep(door.next_start - loop.time())
                await self._running.acquire()  # after the pause: a waiting host takes no place from the others
                door.next_start = loop.time() + self._pause_s
            try:
                yield
            finally:
                self._running.release()
