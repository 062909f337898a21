"""Turns: how many at once, how far apart, and who waits for whom."""

import asyncio
from collections import Counter
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from newsclust.fetch.politeness import HostLimiter


async def _runs(
    limiter: HostLimiter, hosts: list[str], *, seconds: float
) -> tuple[list[tuple[str, float]], Counter[str]]:
    """When each host's requests started, and the most that ran at once, by host and ("") in all."""
    loop = asyncio.get_running_loop()
    starts: list[tuple[str, float]] = []
    running: Counter[str] = Counter()
    most: Counter[str] = Counter()

    async def one(host: str) -> None:
        async with limiter.slot(host):
            starts.append((host, loop.time()))
            running.update([host, ""])
            most.update({name: max(0, running[name] - most[name]) for name in (host, "")})
            await asyncio.sleep(seconds)
            running.subtract([host, ""])

    await asyncio.gather(*map(one, hosts))
    return starts, most


@settings(max_examples=30, deadline=None)
@given(
    hosts=st.lists(st.sampled_from("abc"), max_size=20),
    concurrency=st.integers(1, 5),
    per_host=st.integers(1, 3),
)
def test_every_request_gets_its_turn_and_no_limit_is_passed(hosts, concurrency, per_host):
    async def scenario():
        limiter = HostLimiter(concurrency=concurrency, per_host=per_host, pause_s=0)
        return await _runs(limiter, hosts, seconds=0.001)

    starts, most = asyncio.run(scenario())
    assert Counter(host for host, _ in starts) == Counter(hosts)
    assert most.pop("", 0) <= concurrency
    assert all(at_once <= per_host for at_once in most.values())


def test_two_starts_to_one_host_are_a_pause_apart_even_when_places_are_short():
    async def scenario():
        limiter = HostLimiter(concurrency=1, per_host=2, pause_s=0.05)
        return await _runs(limiter, ["a", "a", "b", "a", "b"], seconds=0.02)

    starts, _ = asyncio.run(scenario())
    for host in "ab":
        times = [time for name, time in starts if name == host]
        assert all(later - earlier > 0.049 for earlier, later in pairwise(times))


def test_a_host_with_many_requests_takes_no_place_from_another_while_it_pauses():
    async def scenario():
        limiter = HostLimiter(concurrency=1, per_host=1, pause_s=0.2)
        return await _runs(limiter, ["a", "a", "a", "b"], seconds=0)

    starts, _ = asyncio.run(scenario())
    assert [host for host, _ in starts] == ["a", "b", "a", "a"]


def test_a_turn_that_ends_in_an_error_or_a_cancellation_is_given_back():
    async def scenario():
        limiter = HostLimiter(concurrency=1, per_host=1, pause_s=0)

        async def stuck():
            async with limiter.slot("a"):
                await asyncio.sleep(60)

        async def failing():
            async with limiter.slot("a"):
                raise ZeroDivisionError

        first, second = asyncio.create_task(stuck()), asyncio.create_task(stuck())
        await asyncio.sleep(0.01)
        second.cancel()  # while waiting
        first.cancel()  # while running
        results = await asyncio.gather(first, second, failing(), return_exceptions=True)
        assert [type(result) for result in results] == [
            asyncio.CancelledError,
            asyncio.CancelledError,
            ZeroDivisionError,
        ]
        starts, _ = await asyncio.wait_for(_runs(limiter, ["a", "b"], seconds=0), timeout=5)
        return starts

    assert [host for host, _ in asyncio.run(scenario())] == ["a", "b"]
