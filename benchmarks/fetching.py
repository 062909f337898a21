"""Measure what a round of feeds costs: `python -m benchmarks.fetching`, or smaller with `--feeds 40`.

A server in a process of its own answers after 50 ms, each feed under a registered domain of its own, as feeds mostly
are: hosts of one domain would share one pause. The pipeline's own steps request and parse all feeds, request them
again a day later (each answers 304), and once more when every twentieth host accepts and then sends nothing.
With `--reader PYTHON`, an interpreter that has lemon24/reader (`pip install reader sgmllib3k` into a venv
of its own), reader updates the same feeds from the same server, by turns with us, `--rounds` times. Every measurement
has a process of its own. Its peak memory is seen from outside, ten times a second, with all processes that it starts:
RSS summed, which counts what they share more than once, and PSS summed, which parts it among those that share it.
Three minutes.
"""

import argparse
import asyncio
import html
import json
import logging
import os
import re
import resource
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

from newsclust import pipeline
from newsclust.fetch import Fetcher, HttpFetcher
from newsclust.model import Feed, Fetch, Request, id_of
from newsclust.store import Database, runs

FEEDS, ITEMS, LATENCY_S, IDLE_TIMEOUT_S = 500, 20, 0.05, 15.0
HANGS = 20  # every twentieth host
CONCURRENCY = 64  # the fetcher's default
ROUNDS = 3
NIGHT = datetime(2026, 3, 10, 22, tzinfo=UTC)
GOAL_RATE, GOAL_MB = 400, 300

# Run by another interpreter, which has reader and not newsclust; prints a Round as JSON.
READER = """
import json, sys, time
from reader import make_reader
port, stuck, feeds, workers, idle_s, folder = sys.argv[1:]
reader = make_reader(folder + "/reader.sqlite", session_timeout=(3.05, float(idle_s)))
def update(port):
    for n in range(int(feeds)):
        reader.add_feed(f"http://127.0.0.1:{port}/{n}/feed.xml", exist_ok=True)
    started, busy, answered, failed, new = time.perf_counter(), time.process_time(), 0.0, 0, 0
    for result in reader.update_feeds_iter(workers=int(workers), scheduled=False):
        if isinstance(result.value, Exception):
            failed += 1
        else:
            answered = time.perf_counter() - started
            new += result.value.new if result.value else 0
    took = dict(s=time.perf_counter() - started, cpu=time.process_time() - busy)
    return dict(took, others=answered, hung=failed, new=new)
first, second = update(port), update(port)
for n in range(int(feeds)):
    reader.change_feed_url(f"http://127.0.0.1:{port}/{n}/feed.xml", f"http://127.0.0.1:{stuck}/{n}/feed.xml")
third = update(stuck)
print(json.dumps(dict(first_s=first["s"], first_cpu_s=first["cpu"], new=first["new"], again_s=second["s"],
    again_cpu_s=second["cpu"], others_s=third["others"], hung=third["hung"], hung_s=third["s"])))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What three nights took: all new, nothing new, and with hosts that hang."""

    first_s: float
    first_cpu_s: float
    new: float  # entries of the first night
    again_s: float
    again_cpu_s: float
    others_s: float  # until the last host that does not hang had answered
    hung: float
    hung_s: float  # until those that hang were given up
    parse_s: float = 0.0  # part of `first_s`, where it can be told apart


class Memory:
    """The most memory that a process and all that it started held together, seen until the context ends; MB."""

    def __init__(self, pid: int) -> None:
        self.rss_mb = self.pss_mb = 0.0
        self._pid = pid
        self._over = threading.Event()
        self._watching = threading.Thread(target=self._watch)

    def __enter__(self) -> "Memory":
        self._watching.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watching.join()

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            held = [_held(pid) for pid in _with_children(self._pid)]
            self.rss_mb = max(self.rss_mb, sum(rss for rss, _ in held))
            self.pss_mb = max(self.pss_mb, sum(pss for _, pss in held))


def _with_children(pid: int) -> list[int]:
    pids = [pid]
    for one in pids:  # grows on the way
        for children in Path(f"/proc/{one}/task").glob("*/children"):
            with suppress(OSError):  # it has ended
                pids.extend(map(int, children.read_text().split()))
    return pids


def _held(pid: int) -> tuple[float, float]:
    """RSS and PSS of one process, in MB; 0 when it has ended."""
    try:
        told = dict(re.findall(r"(?m)^(Rss|Pss):\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text()))
    except OSError:
        return 0.0, 0.0
    return int(told.get("Rss", 0)) * 1.024 / 1000, int(told.get("Pss", 0)) * 1.024 / 1000


class Stamped:
    """A Fetcher that notes when the last good answer of another one came."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self.answered_s = 0.0

    def fetch(self, requests: Sequence[Request]) -> Iterator[Fetch]:
        started = time.perf_counter()
        for answer in self._fetcher.fetch(requests):
            if answer.error is None:
                self.answered_s = time.perf_counter() - started
            yield answer


@contextmanager
def serving(*, latency_s: float, hanging: bool) -> Iterator[int]:
    """Run a server in a process of its own inside the context; give its port."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, latency_s, hanging), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def serve(line: Connection, latency_s: float, hanging: bool) -> None:  # noqa: FBT001 - a process takes no names
    """Answer until the process is ended; the port goes over the line."""
    bodies: dict[int, bytes] = {}

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            number = int(head.split("/", 2)[1])
            if hanging and number % HANGS == 0:
                await reader.read()
                return
            await asyncio.sleep(latency_s)
            known = f'if-none-match: "{number}"' in head.lower()
            body = b"" if known else bodies.setdefault(number, document(number))
            writer.write(
                f"HTTP/1.1 {'304 Not Modified' if known else '200 OK'}\r\n"
                f'ETag: "{number}"\r\nContent-Type: application/rss+xml\r\nConnection: close\r\n'
                f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # a client that gave up, which is what a host that hangs is there for
        finally:
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
        line.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def document(number: int) -> bytes:
    """Return a feed of 20 items, 15 kB."""
    told = html.escape("<p>" + "The ferry leaves when the tide allows, and not before. " * 10 + "</p>")
    items = "".join(
        f"<item><title>Sailing {item} of ferry {number}</title><link>{_origin(number)}/{item}</link>"
        f"<guid>{_origin(number)}/{item}</guid><pubDate>{format_datetime(NIGHT - timedelta(hours=item))}</pubDate>"
        f"<description>{told}</description></item>"
        for item in range(ITEMS)
    )
    return (
        f'<?xml version="1.0"?><rss version="2.0"><channel><title>Ferry {number}</title>'
        f"<link>{_origin(number)}/</link>{items}</channel></rss>"
    ).encode()


def _origin(number: int) -> str:
    return f"http://ferry{number}.example"


def rounds(line: Connection, port: int, stuck: int, feeds: int, concurrency: int, idle_s: float) -> None:
    """Live three nights against the two servers; the Round goes over the line."""
    logging.disable(logging.WARNING)  # of the hosts that hang
    listed = [
        Feed(id=id_of(url), url=url, title=f"Ferry {n}")
        for n in range(feeds)
        for url in [f"{_origin(n)}/{n}/feed.xml"]
    ]
    with tempfile.TemporaryDirectory() as folder, Database(Path(folder) / "newsclust.duckdb", now=NIGHT) as db:
        db.execute("SET enable_progress_bar = false")  # DuckDB takes a spawned process for a person's session

        def night(number: int, port: int) -> tuple[float, float, float, float, int]:
            """Seconds of the fetch, of the parsing, of CPU and until the last good answer; how many feeds failed."""
            now = NIGHT + timedelta(days=number)
            run = runs.begin_run(db, flow="benchmark", night_at=now, started_at=now, settings={})
            clock = pipeline.night_clock(now)
            pipeline.sync_feeds(db, run, listed)
            fetcher = Stamped(
                HttpFetcher(
                    user_agent="newsclust-benchmark",
                    concurrency=concurrency,
                    idle_timeout_s=idle_s,
                    connect_to={"*:80": f"127.0.0.1:{port}"},
                    clock=clock,
                )
            )
            started, busy = time.perf_counter(), _cpu_s()
            pipeline.fetch_feeds(db, run, fetcher)
            fetched = time.perf_counter()
            pipeline.parse_feeds(db, run, clock)
            parsed, busy = time.perf_counter(), _cpu_s() - busy
            statuses = {
                row["status"]: row["n"]
                for row in db.rows(
                    "SELECT status, count(*) AS n FROM fetches WHERE run_id = $1 GROUP BY ALL", [run.id]
                )
            }
            hung = statuses.pop(None, 0)
            if statuses != {200 if number == 0 else 304: feeds - hung}:
                raise SystemExit(f"night {number} is not what was to be measured: {statuses}, {hung} without answer")
            return fetched - started, parsed - fetched, busy, fetcher.answered_s, hung

        first_s, parse_s, first_cpu_s, _, _ = night(0, port)
        again_s, _, again_cpu_s, _, _ = night(1, port)
        hung_s, _, _, others_s, hung = night(2, stuck)
        new = db.rows("SELECT count(*) AS n FROM entries")[0]["n"]
    line.send(
        Round(
            first_s=first_s + parse_s,
            first_cpu_s=first_cpu_s,
            new=new,
            again_s=again_s,
            again_cpu_s=again_cpu_s,
            others_s=others_s,
            hung=hung,
            hung_s=hung_s,
            parse_s=parse_s,
        )
    )


def _cpu_s() -> float:
    """CPU seconds of this process and of those that it started and saw end."""
    return time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])


def newsclust_rounds(port: int, stuck: int, feeds: int, concurrency: int, idle_s: float) -> tuple[Round, Memory]:
    """Live the nights by newsclust, in a process of their own."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=rounds, args=(theirs, port, stuck, feeds, concurrency, idle_s))
    process.start()
    theirs.close()
    try:
        with Memory(process.pid or 0) as memory:
            measured: Round = ours.recv()
    except EOFError as error:
        raise SystemExit("the measuring process ended without a result") from error
    finally:
        process.join()
    return measured, memory


def reader_rounds(
    python: Path, port: int, stuck: int, feeds: int, workers: int, idle_s: float
) -> tuple[Round, Memory]:
    """Live the same nights by lemon24/reader, in the interpreter that has it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [python, "-c", READER, *map(str, (port, stuck, feeds, workers, idle_s, folder))],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"NO_PROXY": "*"},
        ) as process,
        Memory(process.pid) as memory,
    ):
        said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"reader ended with {process.returncode}")
    return Round(**json.loads(said.splitlines()[-1])), memory


def main(arguments: Sequence[str] | None = None) -> None:
    """Print every figure that docs/benchmarks.md quotes of fetching."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", type=int, default=FEEDS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--latency", type=float, default=LATENCY_S, help="seconds before each answer")
    parser.add_argument("--idle-timeout", type=float, default=IDLE_TIMEOUT_S, help="seconds to wait for who hangs")
    parser.add_argument("--concurrency", type=int, default=CONCURRENCY)
    parser.add_argument("--reader", type=Path, metavar="PYTHON", help="an interpreter that has lemon24/reader")
    given = parser.parse_args(arguments)
    print(
        f"{given.feeds} feeds, {given.latency * 1000:.0f} ms, {given.concurrency} at once; "
        f"goals {GOAL_RATE}/s with 304 and {GOAL_MB} MB"
    )
    told: dict[str, list[tuple[Round, Memory]]] = {}
    with (
        serving(latency_s=given.latency, hanging=False) as port,
        serving(latency_s=given.latency, hanging=True) as stuck,
    ):
        asked = (port, stuck, given.feeds, given.concurrency, given.idle_timeout)
        for number in range(1, given.rounds + 1):
            told.setdefault("newsclust", []).append(newsclust_rounds(*asked))
            if given.reader:
                told.setdefault("reader", []).append(reader_rounds(given.reader, *asked))
            for name, measured in told.items():
                _print(f"{name} {number}", measured[-1:], given.feeds)
            print(f"load {os.getloadavg()[0]:.1f}", flush=True)
    for name, measured in told.items():
        _print(f"{name}, median", measured, given.feeds)


def _print(label: str, measured: Sequence[tuple[Round, Memory]], feeds: int) -> None:
    nights = [asdict(one) for one, _ in measured]
    one = Round(**{key: median(night[key] for night in nights) for key in nights[0]})
    rss_mb, pss_mb = (median(getattr(memory, key) for _, memory in measured) for key in ("rss_mb", "pss_mb"))
    fetch_s = one.first_s - one.parse_s
    apart = f", fetched {feeds / fetch_s:.0f}/s, parsed {feeds / one.parse_s:.0f}/s" if one.parse_s else ""
    print(
        f"{label:17} new {feeds / one.first_s:.0f}/s ({one.first_cpu_s:.1f} s of CPU{apart}), "
        f"{one.new:.0f} entries; 304 {feeds / one.again_s:.0f}/s ({one.again_cpu_s:.1f} s of CPU); "
        f"{one.hung:.0f} hang: the others done after {one.others_s:.2f} s, all after {one.hung_s:.1f} s; "
        f"peak {rss_mb:.0f} MB, {pss_mb:.0f} PSS"
    )


if __name__ == "__main__":
    main()
