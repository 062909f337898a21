"""Run a function in worker processes that can be killed and have little memory: a sandbox for hostile documents."""

import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, Self, TypeVar

from newsclust.errors import ItemError, Reason, StepError

Result = TypeVar("Result")
Failure = TypeVar("Failure", bound=ItemError)
Key = TypeVar("Key")

_START_TIMEOUT_S = 60.0  # of a worker that imports our code and its preloads: about a second
_ENDS_WITHIN_S = 5.0  # of a process that has closed its pipe: an interpreter ends in a fraction of a second
_GRACE_S = 5.0  # after an item's time, in which a worker whose parent is gone ends by itself
# Of a worker: BLAS libraries reserve memory for a thread on each core, and would reach the limit on large machines.
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class Task(Generic[Result, Failure]):
    """One call of the pool's function: `outcome` is what it returned or how it failed, None until it is done."""

    def __init__(self, item: str, arguments: tuple[object, ...]) -> None:
        self.item = item  # id or address that an error names
        self.arguments = arguments
        self.outcome: Result | Failure | None = None


class IsolatedPool(Generic[Result, Failure]):
    """Calls `function` ("module:name") in up to `workers` processes, each call for at most `timeout_s` seconds.

    A call that outlasts its time, ends its worker or needs more than `memory_bytes` of address space (Linux only)
    costs only itself: its outcome is `error` with TIMEOUT or CRASHED, and the next call has a new worker. ItemErrors
    that the function raises come back as they are, other exceptions as CRASHED. The function must not return None.

    Workers are plain subprocesses over a pipe, not multiprocessing's: those import the main module again, which in a
    flow is Prefect (2 s each). A worker imports the function's module and `preload` before its first call, and ends
    with the pool, with the parent (its pipe closes), or at the deadline of the call in hand. The first one starts
    with the first call, a further one after `calls_per_worker` more: not before it is worth its start.
    """

    def __init__(
        self,
        function: str,
        *,
        error: Callable[[str, Reason, str], Failure],
        workers: int = 2,
        timeout_s: float = 20,
        memory_bytes: int = 1_000_000_000,
        preload: Sequence[str] = (),
        calls_per_worker: int = 1,
    ) -> None:
        if workers < 1 or timeout_s <= 0 or memory_bytes < 1 or calls_per_worker < 1:
            raise ValueError("workers, timeout_s, memory_bytes and calls_per_worker must be positive")
        self._function = function
        self._error = error
        self._max_workers = workers
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._preload = preload
        self._calls_per_worker = calls_per_worker
        self._begun = 0  # calls
        self._queue: deque[Task[Result, Failure]] = deque()
        self._workers: list[_Worker[Result, Failure]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Kill the workers and drop the calls that are not done; the next call starts new workers."""
        self._queue.clear()
        for worker in self._workers:
            worker.kill()
        self._workers = []

    def submit(self, item: str, *arguments: object) -> Task[Result, Failure]:
        """Queue a call and return its task at once; workers are fed whenever the pool is called."""
        task: Task[Result, Failure] = Task(item, arguments)
        self._queue.append(task)
        self._advance(block=False)
        return task

    def result(self, task: Task[Result, Failure]) -> Result | Failure:
        """Wait until a task is done and return its outcome; StepError when no worker can start."""
        while task.outcome is None:
            if not self._queue and all(worker.is_idle for worker in self._workers):
                raise RuntimeError("the pool was closed before the call was done")
            self._advance(block=True)
        self._feed()  # while the caller deals with the outcome
        return task.outcome

    def as_completed(
        self, calls: Iterable[tuple[Key, str, tuple[object, ...]]]
    ) -> Iterator[tuple[Key, Result | Failure]]:
        """Make each call, given as (key, item, arguments), and yield its key and outcome in order of completion.

        `calls` is read only so far ahead that each worker has a call in hand and one waits. StepError when no worker
        can start. An iteration that is given up ends the workers.
        """
        source, pending = iter(calls), dict[Task[Result, Failure], Key]()
        upcoming = next(source, None)
        try:
            while upcoming or pending:
                while upcoming and len(pending) <= self._max_workers:
                    key, item, arguments = upcoming
                    pending[self.submit(item, *arguments)] = key
                    upcoming = next(source, None)
                self._advance(block=not any(task.outcome is not None for task in pending))
                for task in [task for task in pending if task.outcome is not None]:
                    yield pending.pop(task), self.result(task)
        finally:
            if pending:
                self.close()

    def _advance(self, *, block: bool) -> None:
        """Hand out queued calls and collect outcomes; with `block`, wait for the first outcome or new worker."""
        try:
            self._feed()
            busy = [worker for worker in self._workers if not worker.is_idle]
            if not busy:
                return
            deadline = min(worker.deadline for worker in busy) if block else 0.0
            wait([worker.pipe for worker in busy], timeout=max(0.0, deadline - time.monotonic()))
            for worker in busy:
                worker.collect()
            self._workers = [worker for worker in self._workers if not worker.pipe.closed]
            self._feed()
        except BaseException:
            self.close()
            raise

    def _feed(self) -> None:
        """Give idle workers the calls that wait, and start another worker where it is worth it."""
        for worker in self._workers:
            if self._queue and worker.is_idle:
                worker.begin(self._queue.popleft(), self._timeout_s)
                self._begun += 1
        worth = 1 + (self._begun + len(self._queue) - 1) // self._calls_per_worker
        if self._queue and len(self._workers) < min(self._max_workers, worth):
            self._workers.append(_Worker(self._function, self._error, self._memory_bytes, self._preload))


class _Worker(Generic[Result, Failure]):
    """A process that makes one call at a time, and the pipe to it; at `deadline` (monotonic) it is given up."""

    def __init__(
        self,
        function: str,
        error: Callable[[str, Reason, str], Failure],
        memory_bytes: int,
        preload: Sequence[str],
    ) -> None:
        self.pipe, theirs = multiprocessing.Pipe()
        arguments = (theirs.fileno(), function, memory_bytes, list(preload))
        path = [*map(str, sys.path)]  # the function may stand where only this process looks
        program = f"import sys; sys.path[:] = {path!r}; from newsclust.isolation import serve; serve{arguments!r}"
        self._process = subprocess.Popen(  # noqa: S603 - our own program, with literals in it
            [sys.executable, "-c", program],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=os.environ | _ENVIRONMENT,
            start_new_session=True,  # Ctrl-C is for the parent, which ends its workers
        )
        theirs.close()
        self._error = error
        self._started = False
        self._task: Task[Result, Failure] | None = None
        self._timeout_s = _START_TIMEOUT_S
        self.deadline = time.monotonic() + self._timeout_s

    @property
    def is_idle(self) -> bool:
        """Whether it waits for a call."""
        return self._started and self._task is None

    def begin(self, task: Task[Result, Failure], timeout_s: float) -> None:
        """Hand it a call, to be done within `timeout_s` seconds."""
        self._task, self._timeout_s = task, timeout_s
        self.deadline = time.monotonic() + timeout_s
        with suppress(OSError):  # of a process that is gone: `collect` finds its end of the pipe closed
            self.pipe.send((timeout_s, task.arguments))

    def collect(self) -> None:
        """Take its message, if there is one, or give it up; its pipe is closed when the process is no more.

        StepError when it ended before it was ready.
        """
        try:
            if self.pipe.poll():
                self._take(self.pipe.recv())
            elif time.monotonic() >= self.deadline:
                self.kill()
                self._fail(Reason.TIMEOUT)
        except (EOFError, OSError):  # only the end of the process closes its side of the pipe
            end(self._process)
            self.kill()
            self._fail(Reason.TIMEOUT if self._process.returncode == -signal.SIGALRM else Reason.CRASHED)

    def kill(self) -> None:
        """End the process and wait for its end, so that it is no zombie."""
        self.pipe.close()
        self._process.kill()
        self._process.wait()

    def _take(self, message: "_Answer[Result, Failure] | None") -> None:
        task, self._task = self._task, None
        if message is None:
            self._started = True
        elif task is not None:
            crashed = self._error(task.item, Reason.CRASHED, message.crash)
            task.outcome = crashed if message.outcome is None else message.outcome

    def _fail(self, reason: Reason) -> None:
        code, task = self._process.returncode, self._task
        if task is None:
            raise StepError(f"a worker process did not start: it ended with {code}")
        detail = (
            f"not read within {self._timeout_s:g} s" if reason is Reason.TIMEOUT else f"the worker ended with {code}"
        )
        task.outcome = self._error(task.item, reason, detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer(Generic[Result, Failure]):
    """What a worker sends back of a call: what the function returned or raised, or why it crashed."""

    outcome: Result | Failure | None = None
    crash: str = ""


def end(process: "subprocess.Popen[bytes]") -> None:
    """Wait for the end of a process that has closed its pipe, some seconds at most: then it is killed.

    One that ran out of memory may hang while it ends, for ever.
    """
    try:
        process.wait(timeout=_ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def serve(descriptor: int, function: str, memory_bytes: int, preload: Sequence[str]) -> None:
    """Answer each call that comes on the pipe until it is closed: the main loop of a worker process."""
    logging.disable(logging.CRITICAL)
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    module, _, name = function.partition(":")
    call: Callable[..., Any] = getattr(import_module(module), name)
    for also in preload:
        import_module(also)
    with Connection(descriptor) as pipe:
        pipe.send(None)  # ready
        while True:
            try:
                timeout_s, arguments = pipe.recv()
            except EOFError:
                return
            signal.setitimer(signal.ITIMER_REAL, timeout_s + _GRACE_S)  # its signal ends the process
            answer = _answer(call, arguments)
            signal.setitimer(signal.ITIMER_REAL, 0)
            pipe.send(answer)


def _answer(call: Callable[..., Any], arguments: tuple[object, ...]) -> _Answer[Any, Any]:
    try:
        return _Answer(outcome=call(*arguments))
    except ItemError as error:
        return _Answer(outcome=error)
    except Exception as error:  # noqa: BLE001 - whatever a document provokes is that document's failure
        return _Answer(crash=f"{type(error).__name__}: {error}")
