"""Feed documents read in processes of their own, which can be killed."""

import logging
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Self

from newsclust.errors import ParseError, Reason, StepError
from newsclust.model import Feed, Page, ParsedFeed
from newsclust.sources.entries import parse_feed

Parse = Callable[[Feed, Page], ParsedFeed]
Document = tuple[Feed, Page]
Outcome = ParsedFeed | ParseError

_READY = "ready"
_START_TIMEOUT_S = 60.0  # of a process that loads our code and nothing else: half a second
_WORTH_A_PROCESS = 50  # documents: another process reads about as many while one starts


class FeedReader:
    """Calls `parse_feed` where a hostile document does no harm: for at most `timeout_s` seconds, in `memory_bytes`.

    feedparser is quadratic on some documents: 200 kB of comments that are never closed take it 12 s. An honest one
    of 10 MB takes 4 s and 130 MB. A document that outlasts or breaks its process costs only itself, and half a second
    for the next process; one night's first document costs as much. Up to `processes` read at once, where there are
    documents enough. `parse` must be a function of a module, since a process finds it by name. Inside a `with`, the
    processes end with it.
    """

    def __init__(
        self,
        *,
        processes: int = 2,
        timeout_s: float = 20,
        memory_bytes: int = 1_000_000_000,
        parse: Parse = parse_feed,
    ) -> None:
        self._most = processes
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._parse = parse
        self._workers: list[_Worker] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def __call__(self, feed: Feed, page: Page) -> ParsedFeed:
        """What `parse` returns or raises of this document; ParseError(feed.url) with TIMEOUT or CRASHED besides.

        StepError when no process comes to life.
        """
        [(_, outcome)] = self.read([(feed, page)])
        if isinstance(outcome, ParseError):
            raise outcome
        return outcome

    def read(self, documents: Iterable[Document]) -> Iterator[tuple[Document, Outcome]]:
        """Each document once, with what the reader returns or raises when called with it; in order of completion.

        `documents` is asked for the next one when one was handed to a process. StepError as for a call.
        """
        coming = iter(documents)
        held, handed = next(coming, None), 0
        told: list[tuple[Document, Outcome]] = []
        try:
            while held or told or any(worker.document for worker in self._workers):
                idle = next((worker for worker in self._workers if worker.is_idle), None)
                if held and idle:
                    idle.hand(self._parse, held, self._timeout_s)
                    held, handed = next(coming, None), handed + 1
                elif held and len(self._workers) < min(self._most, 1 + handed // _WORTH_A_PROCESS):
                    self._workers.append(_Worker(self._memory_bytes))
                elif told:  # only now: while they are dealt with, every process has something in hand
                    yield from told
                    told = []
                else:
                    told = self._answers()
        except BaseException:
            self._end()  # what they have in hand is nobody's any more
            raise

    def _answers(self) -> list[tuple[Document, Outcome]]:
        """Wait until a process says something or has had its time; return what came of the documents in hand."""
        busy = [worker for worker in self._workers if not worker.is_idle]
        first = min(worker.until for worker in busy)
        wait([worker.line for worker in busy], timeout=max(0.0, first - time.monotonic()))
        told = []
        for worker in busy:
            document, outcome = worker.document, worker.outcome()
            if worker.line.closed:
                self._workers.remove(worker)
            if document and outcome:
                told.append((document, outcome))
        return told

    def _end(self) -> None:
        for worker in self._workers:
            worker.end()
        self._workers = []


class _Worker:
    """A process that reads one document at a time, and the line to it; `until` is when it is given up.

    Not one of multiprocessing's, whose every process imports the main module again: of a flow, that is Prefect, 2 s.
    """

    def __init__(self, memory_bytes: int) -> None:
        self.line, theirs = multiprocessing.Pipe()
        program = f"from newsclust.isolation import serve; serve({theirs.fileno()}, {memory_bytes})"
        self._process = subprocess.Popen(  # noqa: S603 - our own program, with two numbers in it
            [sys.executable, "-c", program],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is the parent's; the process ends when the line is closed
        )
        theirs.close()
        self._started = False
        self.document: Document | None = None
        self._given_s = _START_TIMEOUT_S
        self.until = time.monotonic() + self._given_s

    @property
    def is_idle(self) -> bool:
        """Whether it waits for a document."""
        return self._started and self.document is None

    def hand(self, parse: Parse, document: Document, timeout_s: float) -> None:
        """It has the document in hand, for so many seconds."""
        self.document, self._given_s = document, timeout_s
        self.until = time.monotonic() + timeout_s
        with suppress(OSError):  # of a process that is gone; then there is no answer either
            self.line.send((parse, *document))

    def outcome(self) -> Outcome | None:
        """What came of its document, if anything has yet; its line is closed when the process is no more.

        StepError when it ended before it could be handed one.
        """
        try:
            if self.line.poll():
                said = self.line.recv()
                self._started, self.document = True, None
                return None if said == _READY else said
            if time.monotonic() < self.until:
                return None
            self.end()
            return self._lost(Reason.TIMEOUT, f"not read within {self._given_s:g} s")
        except (EOFError, OSError):  # only its end closes its side of the line
            self._process.wait()
            self.end()
            return self._lost(Reason.CRASHED, f"the reading process ended with {self._process.returncode}")

    def end(self) -> None:
        """The process is no more."""
        self.line.close()
        self._process.kill()
        self._process.wait()

    def _lost(self, reason: Reason, detail: str) -> ParseError:
        if self.document is None:
            raise StepError(f"the process that reads feeds did not start: it ended with {self._process.returncode}")
        feed, _ = self.document
        return ParseError(feed.url, reason, detail)


def serve(descriptor: int, memory_bytes: int) -> None:
    """Every document that came on the line was answered, with entries or an error, until the line was closed."""
    logging.disable(logging.CRITICAL)
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    with Connection(descriptor) as line:
        line.send(_READY)
        while True:
            try:
                parse, feed, page = line.recv()
            except EOFError:
                return
            line.send(_outcome(parse, feed, page))


def _outcome(parse: Parse, feed: Feed, page: Page) -> Outcome:
    try:
        return parse(feed, page)
    except ParseError as error:
        return error
    except Exception as error:  # noqa: BLE001 - whatever a document provokes is that document's failure
        return ParseError(feed.url, Reason.CRASHED, f"{type(error).__name__}: {error}")
