"""SQL that somebody wrote, run on the published file in a process that can be killed and has little memory.

DuckDB's own limits do not hold for it: `interrupt()` after 3 seconds left `repeat('x', 2000000000)` running for two
minutes, over any `memory_limit`.
"""

import logging
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from newsclust.errors import NewsclustError, SettingsError, StoreError
from newsclust.isolation import end

MEMORY_BYTES = 1_500_000_000  # of address space, besides what the program itself takes (Linux)
_DUCKDB_MEMORY = "1GB"  # what sorts more fails with an error, and not with its process
_THREADS = 4  # each reserves address space
_ROWS_AT_ONCE = 1_000
_START_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The names and types of an answer's columns, and its rows, some at a time as they are found."""

    names: list[str]
    types: list[str]  # of DuckDB
    batches: Iterator[list[tuple[Any, ...]]]


@contextmanager
def answered(path: Path, sql: str, *, seconds: float) -> Iterator[Answer]:
    """Inside, the answer of the published file to one query; the process ends with the context.

    `seconds` are those that are waited for rows, in all. SettingsError when the query cannot be answered; StoreError
    when it takes longer, ends its process, or the file cannot be read.
    """
    ours, theirs = multiprocessing.Pipe()
    path_of_imports = [*map(str, sys.path)]
    program = f"import sys; sys.path[:] = {path_of_imports!r}; from newsclust.store.untrusted_sql import serve"
    process = subprocess.Popen(  # noqa: S603 - our own program; what it runs comes over the pipe
        [sys.executable, "-c", f"{program}; serve({theirs.fileno()})"],
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"},
    )
    theirs.close()
    try:
        with ours:
            with suppress(OSError):  # of a process that is gone: its silence says so
                ours.send((str(path), sql))
            _next(ours, process, seconds=_START_TIMEOUT_S, limit=_START_TIMEOUT_S)
            messages = _messages(ours, process, seconds)
            columns: list[tuple[str, str]] = next(messages)
            yield Answer(names=[name for name, _ in columns], types=[kind for _, kind in columns], batches=messages)
    finally:
        process.kill()
        process.wait()


def _messages(pipe: "Connection[Any, Any]", process: "subprocess.Popen[bytes]", seconds: float) -> Iterator[Any]:
    """Yield what the process sends until it has no more, waiting so many seconds in all."""
    left = seconds
    while True:
        begun = time.monotonic()
        message = _next(pipe, process, seconds=left, limit=seconds)
        left -= time.monotonic() - begun
        if message is None:
            return
        yield message


def _next(pipe: "Connection[Any, Any]", process: "subprocess.Popen[bytes]", *, seconds: float, limit: float) -> Any:
    """Return the next message; raises the error that it is, StoreError when none comes in time."""
    if not pipe.poll(max(0.0, seconds)):
        raise StoreError(f"the query was stopped after {limit:g} seconds (--seconds)")
    try:
        message = pipe.recv()
    except (EOFError, OSError) as error:
        end(process)
        raise StoreError(
            f"the query ended its process ({process.returncode}): it may have needed more than "
            f"{MEMORY_BYTES / 1e9:g} GB of memory"
        ) from error
    if isinstance(message, NewsclustError):
        raise message
    return message


def serve(descriptor: int) -> None:
    """Answer the one query that comes on the pipe: ready, the names, rows, None; or the error in their place."""
    import duckdb

    from newsclust.store.database import open_published

    logging.disable(logging.CRITICAL)
    with Connection(descriptor) as pipe, suppress(OSError):  # of a reader who has seen enough
        path, sql = pipe.recv()
        try:
            with open_published(Path(path), memory=_DUCKDB_MEMORY, threads=_THREADS) as connection:
                _limit_memory()
                pipe.send("ready")
                try:
                    result = connection.execute(sql)
                    if result is None:  # nothing but blanks and comments
                        raise SettingsError("the query cannot be answered: it is empty")
                    pipe.send([(column[0], str(column[1])) for column in result.description or ()])
                    while rows := result.fetchmany(_ROWS_AT_ONCE):
                        pipe.send(rows)
                except (duckdb.OutOfMemoryException, MemoryError) as error:
                    raise StoreError("the query needs more memory than it may have") from error
                except duckdb.Error as error:
                    raise SettingsError(f"the query cannot be answered: {error}") from error
            pipe.send(None)
        except NewsclustError as error:
            pipe.send(error)


def _limit_memory() -> None:
    if sys.platform == "linux":
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        limit = pages * os.sysconf("SC_PAGE_SIZE") + MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
