"""Feed documents read in a process of their own, which can be killed."""

import logging
import multiprocessing
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Self

from newsclust.errors import ParseError, Reason, StepError
from newsclust.feeds.entries import parse_feed
from newsclust.model import Feed, Page, ParsedFeed

Parse = Callable[[Feed, Page], ParsedFeed]

_READY = "ready"
_START_TIMEOUT_S = 60.0  # of a process that loads our code and nothing else: half a second


class FeedReader:
    """Calls `parse_feed` where a hostile document does no harm: for at most `timeout_s` seconds, in `memory_bytes`.

    feedparser is quadratic on some documents: 200 kB of comments that are never closed take it 12 s. An honest one
    of 10 MB takes 4 s and 130 MB. A document that outlasts or breaks its process costs only itself, and half a second
    for the next process; one night's first document costs as much. `parse` must be a function of a module, since the
    process finds it by name. Inside a `with`, the process ends with it.
    """

    def __init__(
        self, *, timeout_s: float = 20, memory_bytes: int = 1_000_000_000, parse: Parse = parse_feed
    ) -> None:
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._parse = parse
        self._worker: tuple[subprocess.Popen[bytes], Connection] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def __call__(self, feed: Feed, page: Page) -> ParsedFeed:
        """What `parse` returns or raises of this document; ParseError(feed.url) with TIMEOUT or CRASHED besides.

        StepError when the process does not come to life.
        """
        process, line = self._worker = self._worker or _started(self._memory_bytes)
        try:
            line.send((self._parse, feed, page))
            if not line.poll(self._timeout_s):
                self._end()
                raise ParseError(feed.url, Reason.TIMEOUT, f"not read within {self._timeout_s:g} s")
            outcome: ParsedFeed | ParseError = line.recv()
        except (EOFError, OSError) as error:  # only its end closes its side of the line
            code = process.wait()
            self._end()
            raise ParseError(feed.url, Reason.CRASHED, f"the reading process ended with {code}") from error
        if isinstance(outcome, ParseError):
            raise outcome
        return outcome

    def _end(self) -> None:
        if self._worker is not None:
            process, line = self._worker
            line.close()
            process.kill()
            process.wait()
            self._worker = None


def _started(memory_bytes: int) -> tuple[subprocess.Popen[bytes], Connection]:
    """A process that waits for documents, and the line to it.

    Not one of multiprocessing's, whose every process imports the main module again: of a flow, that is Prefect, 2 s.
    """
    ours, theirs = multiprocessing.Pipe()
    program = f"from newsclust.feeds.worker import serve; serve({theirs.fileno()}, {memory_bytes})"
    process = subprocess.Popen(  # noqa: S603 - our own program, with two numbers in it
        [sys.executable, "-c", program],
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is the parent's; the process ends when the line is closed
    )
    theirs.close()
    try:
        if ours.poll(_START_TIMEOUT_S) and ours.recv() == _READY:
            return process, ours
    except EOFError:
        pass  # told below, with how it ended
    process.kill()
    raise StepError(f"the process that reads feeds did not start: it ended with {process.wait()}")


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


def _outcome(parse: Parse, feed: Feed, page: Page) -> ParsedFeed | ParseError:
    try:
        return parse(feed, page)
    except ParseError as error:
        return error
    except Exception as error:  # noqa: BLE001 - whatever a document provokes is that document's failure
        return ParseError(feed.url, Reason.CRASHED, f"{type(error).__name__}: {error}")
