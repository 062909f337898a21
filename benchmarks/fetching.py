"""What a round of feeds costs: `python -m benchmarks.fetching`, or smaller with `--feeds 40`.

A server in a process of its own answers after 50 ms, each feed under a registered domain of its own, as feeds mostly
are: hosts of one domain would share one pause. The pipeline's own steps ask all feeds, ask them again a day later
(each answers 304), and ask them once more when every twentieth host accepts and then says nothing. With
`--reader PYTHON`, an interpreter that has lemon24/reader (`pip install reader sgmllib3k` into a venv of its own),
reader updates the same feeds from the same server. Every measurement has a process of its own; peak memory is Linux's
VmHWM, without the process that reads feed documents.
"""

import argparse
import asyncio
import html
import json
import logging
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from newsclust import pipeline
from newsclust.fetch import Fetcher, HttpFetcher
from newsclust.model import Feed, Fetch, Request, id_of
from newsclust.store import Database, runs

FEEDS, ITEMS, LATENCY_S, IDLE_TIMEOUT_S = 500, 20, 0.05, 15.0
HANGS = 20  # every twentieth host
CONCURRENCIES = (64, 128, 256)  # the first is the fetcher's default
NIGHT = datetime(2026, 3, 10, 22, tzinfo=UTC)
GOAL_RATE, GOAL_MB = 400, 300

# Run by another interpreter, which has reader and not newsclust; prints a Round as JSON.
READER = """
import json, re, sys, time
from pathlib import Path
from reader import make_reader
port, stuck, feeds, workers, idle_s, folder = sys.argv[1:]
reader = make_reader(folder + "/reader.sqlite", session_timeout=(3.05, float(idle_s)))
def update(port):
    for n in range(int(feeds)):
        reader.add_feed(f"http://127.0.0.1:{port}/{n}/feed.xml", exist_ok=True)
    started, answered, failed, new = time.perf_counter(), 0.0, 0, 0
    for result in reader.update_feeds_iter(workers=int(workers), scheduled=False):
        if isinstance(result.value, Exception):
            failed += 1
        else:
            answered = time.perf_counter() - started
            new += result.value.new if result.value else 0
    return dict(seconds=time.perf_counter() - started, answered_s=answered, failed=failed, new=new)
first, second = update(port), update(port)
for n in range(int(feeds)):
    reader.change_feed_url(f"http://127.0.0.1:{port}/{n}/feed.xml", f"http://127.0.0.1:{stuck}/{n}/feed.xml")
third = update(stuck)
peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1000
print(json.dumps(dict(first_s=first["seconds"], new=first["new"], again_s=second["seconds"],
    others_s=third["answered_s"], hung=third["failed"], hung_s=third["seconds"], peak_mb=peak)))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What three rounds took: all new, nothing new, and with hosts that hang."""

    first_s: float
    new: int  # entries of the first round
    again_s: float
    others_s: float  # until the last host that does not hang had answered
    hung: int
    hung_s: float  # until those that hang were given up
    peak_mb: float
    parse_s: float | None = None  # part of `first_s`, where it can be told apart


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
    """The port of a server that runs in a process of its own, and ends with the context."""
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
    """A feed of 20 items, 15 kB."""
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

        def night(number: int, port: int) -> tuple[float, float, float, int]:
            """Seconds of the fetch, of the parsing and until the last good answer, and how many feeds failed."""
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
            started = time.perf_counter()
            pipeline.fetch_feeds(db, run, fetcher)
            fetched = time.perf_counter()
            pipeline.parse_feeds(db, run, clock)
            statuses = {
                row["status"]: row["n"]
                for row in db.rows(
                    "SELECT status, count(*) AS n FROM fetches WHERE run_id = $1 GROUP BY ALL", [run.id]
                )
            }
            hung = statuses.pop(None, 0)
            if statuses != {200 if number == 0 else 304: feeds - hung}:
                raise SystemExit(f"night {number} is not what was to be measured: {statuses}, {hung} without answer")
            return fetched - started, time.perf_counter() - fetched, fetcher.answered_s, hung

        first_s, parse_s, _, _ = night(0, port)
        again_s, _, _, _ = night(1, port)
        peak_mb = int(re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[0]) / 1000
        hung_s, _, others_s, hung = night(2, stuck)
        new = db.rows("SELECT count(*) AS n FROM entries")[0]["n"]
    line.send(
        Round(
            first_s=first_s + parse_s,
            new=new,
            again_s=again_s,
            others_s=others_s,
            hung=hung,
            hung_s=hung_s,
            peak_mb=peak_mb,
            parse_s=parse_s,
        )
    )


def newsclust_rounds(port: int, stuck: int, feeds: int, concurrency: int, idle_s: float) -> Round:
    """The rounds by newsclust, in a process of their own."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=rounds, args=(theirs, port, stuck, feeds, concurrency, idle_s))
    process.start()
    theirs.close()
    try:
        measured: Round = ours.recv()
    except EOFError as error:
        raise SystemExit("the measuring process ended without a result") from error
    finally:
        process.join()
    return measured


def reader_rounds(python: Path, port: int, stuck: int, feeds: int, workers: int, idle_s: float) -> Round:
    """The same rounds by lemon24/reader, in the interpreter that has it."""
    with tempfile.TemporaryDirectory() as folder:
        said = subprocess.run(
            [python, "-c", READER, *map(str, (port, stuck, feeds, workers, idle_s, folder))],
            check=True,
            capture_output=True,
            env=os.environ | {"NO_PROXY": "*"},
        )
    return Round(**json.loads(said.stdout.splitlines()[-1]))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print every figure that docs/benchmarks.md quotes of fetching."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", type=int, default=FEEDS)
    parser.add_argument("--latency", type=float, default=LATENCY_S, help="seconds before each answer")
    parser.add_argument("--idle-timeout", type=float, default=IDLE_TIMEOUT_S, help="seconds to wait for who hangs")
    parser.add_argument("--concurrency", type=int, nargs="+", default=CONCURRENCIES)
    parser.add_argument("--reader", type=Path, metavar="PYTHON", help="an interpreter that has lemon24/reader")
    given = parser.parse_args(arguments)
    print(f"{given.feeds} feeds, {given.latency * 1000:.0f} ms; goals {GOAL_RATE}/s with 304 and {GOAL_MB} MB")
    with (
        serving(latency_s=given.latency, hanging=False) as port,
        serving(latency_s=given.latency, hanging=True) as stuck,
    ):
        asked = (port, stuck, given.feeds)
        for concurrency in given.concurrency:
            _print("newsclust", concurrency, newsclust_rounds(*asked, concurrency, given.idle_timeout), given.feeds)
            if given.reader:
                one = reader_rounds(given.reader, *asked, concurrency, given.idle_timeout)
                _print("reader", concurrency, one, given.feeds)


def _print(name: str, at_once: int, one: Round, feeds: int) -> None:
    parsing = "" if one.parse_s is None else f" ({feeds / (one.first_s - one.parse_s):.0f}/s before parsing)"
    print(
        f"{name:9} {at_once:4} at once: new {feeds / one.first_s:.0f}/s{parsing}, {one.new} entries; "
        f"304 {feeds / one.again_s:.0f}/s; peak {one.peak_mb:.0f} MB; "
        f"{one.hung} hang: the others done after {one.others_s:.2f} s, all after {one.hung_s:.1f} s"
    )


if __name__ == "__main__":
    main()
