"""Calls in worker processes: whatever a call does, it costs only itself."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsclust.errors import ExtractError, ParseError, Reason, StepError
from newsclust.isolation import IsolatedPool

Pool = IsolatedPool[str, ParseError]


def act(order: str) -> str:
    """Do in a worker what the item orders."""
    if order == "sleep":
        time.sleep(60)
    if order == "die":
        os._exit(7)
    if order == "hang":  # while it ends: nothing is heard of it any more
        os.closerange(3, 100)
        time.sleep(600)
    if order == "allocate":
        bytes(2_000_000_000)
    if order == "raise":
        raise ZeroDivisionError("over \x1b[2J nothing")
    if order == "refuse":
        raise ParseError("item", Reason.EMPTY, "as the function says")
    if order == "nest":
        return _nested(10**6)
    return f"{order} {os.getpid()}"


def loaded_modules(_: str) -> str:
    return " ".join(sorted(sys.modules))


def main_file(_: str) -> str:
    return str(getattr(sys.modules["__main__"], "__file__", "none"))


def read_input(_: str) -> str:
    return repr(sys.stdin.read())


def _nested(depth: int) -> str:
    return _nested(depth - 1) if depth else "bottom"


def pool(function: str = "act", **options: object) -> Pool:
    return IsolatedPool(f"{__name__}:{function}", error=ParseError, **options)  # type: ignore[arg-type]


@pytest.fixture
def acting() -> Iterator[Pool]:
    with pool(timeout_s=1) as acting:
        yield acting


def outcome(pool: Pool, order: str) -> str | ParseError:
    return pool.result(pool.submit(f"item {order}", order))


def process_of(outcome: str | ParseError) -> int:
    assert isinstance(outcome, str)
    return int(outcome.split()[1])


def failure(pool: Pool, order: str) -> tuple[str, Reason, str]:
    failed = outcome(pool, order)
    assert isinstance(failed, ParseError)
    return failed.item, failed.reason, failed.detail


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_calls_one_after_the_other_are_made_in_one_process_that_ends_with_the_pool() -> None:
    with pool() as acting:
        processes = {process_of(outcome(acting, "go")) for _ in range(3)}
    assert len(processes) == 1
    assert os.getpid() not in processes
    assert not is_alive(processes.pop())


def test_a_call_that_takes_too_long_times_out_and_the_next_has_another_process(acting: Pool) -> None:
    first = process_of(outcome(acting, "go"))
    assert failure(acting, "sleep") == ("item sleep", Reason.TIMEOUT, "not read within 1 s")
    assert not is_alive(first)
    assert process_of(outcome(acting, "go")) != first


def test_a_call_that_ends_its_process_crashes_and_the_next_has_another(acting: Pool) -> None:
    assert failure(acting, "die") == ("item die", Reason.CRASHED, "the worker ended with 7")
    assert process_of(outcome(acting, "go"))


def test_a_process_that_hangs_while_it_ends_is_waited_for_some_seconds() -> None:
    with pool(timeout_s=600) as acting:
        begun = time.monotonic()
        assert failure(acting, "hang") == ("item hang", Reason.CRASHED, "the worker ended with -9")
        assert time.monotonic() - begun < 30
        assert process_of(outcome(acting, "go"))


@pytest.mark.skipif(sys.platform != "linux", reason="no other system keeps to a limit on memory")
def test_a_call_gets_no_more_memory_than_its_limit(acting: Pool) -> None:
    assert failure(acting, "allocate") == ("item allocate", Reason.CRASHED, "MemoryError:")


def test_an_unexpected_exception_is_a_crash_and_an_item_error_comes_back_as_it_is(acting: Pool) -> None:
    assert failure(acting, "raise") == ("item raise", Reason.CRASHED, "ZeroDivisionError: over [2J nothing")
    assert failure(acting, "nest")[1] is Reason.CRASHED
    assert failure(acting, "refuse") == ("item", Reason.EMPTY, "as the function says")


def test_of_many_calls_each_is_answered_once_whatever_becomes_of_the_others(acting: Pool) -> None:
    orders = ["go"] * 20 + ["die", "sleep"] + ["go"] * 20 + ["die"]
    calls = ((number, order, (order,)) for number, order in enumerate(orders))
    outcomes = dict(acting.as_completed(calls))
    assert sorted(outcomes) == list(range(len(orders)))
    ended = {(orders[number], getattr(outcome, "reason", None)) for number, outcome in outcomes.items()}
    assert ended == {("go", None), ("die", Reason.CRASHED), ("sleep", Reason.TIMEOUT)}


def test_calls_are_read_only_as_far_ahead_as_workers_need(acting: Pool) -> None:
    taken: list[int] = []

    def calls() -> Iterator[tuple[int, str, tuple[object, ...]]]:
        for number in range(100):
            taken.append(number)
            yield number, "go", ("go",)

    completed = acting.as_completed(calls())
    for done in range(1, 20):
        next(completed)
        assert len(taken) <= done + 2 * acting._max_workers + 2
    completed.close()  # type: ignore[attr-defined]


def test_submitted_calls_are_made_at_once_and_their_outcomes_may_be_asked_for_in_any_order(acting: Pool) -> None:
    tasks = [acting.submit(order, order) for order in ("a", "b", "c", "d")]
    assert [str(acting.result(task))[0] for task in reversed(tasks)] == ["d", "c", "b", "a"]


def test_further_workers_start_only_where_there_is_enough_to_do() -> None:
    def workers(calls: int) -> int:
        with pool(workers=3, calls_per_worker=4) as acting:
            for task in [acting.submit(str(number), "go") for number in range(calls)]:
                acting.result(task)
            return len(acting._workers)

    assert [workers(calls) for calls in (0, 1, 4)] == [0, 1, 1]
    assert workers(100) == 3


def test_an_iteration_given_up_half_way_leaves_no_process_and_the_pool_goes_on(acting: Pool) -> None:
    completed = acting.as_completed((number, "go", ("go",)) for number in range(9))
    _, first = next(completed)
    completed.close()  # type: ignore[attr-defined]
    assert not is_alive(process_of(first))
    assert process_of(outcome(acting, "go"))


def test_a_closed_pool_does_not_wait_for_what_it_dropped(acting: Pool) -> None:
    task = acting.submit("item", "sleep")
    acting.close()
    with pytest.raises(RuntimeError, match="closed"):
        acting.result(task)


def test_a_pool_that_calls_nothing_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pool():
        pass


@pytest.mark.parametrize("function", ["newsclust.nowhere:act", f"{__name__}:nothing"])
def test_a_worker_that_cannot_start_is_a_failure_of_the_step(function: str) -> None:
    failing: Pool = IsolatedPool(function, error=ParseError)
    with failing, pytest.raises(StepError, match="did not start: it ended with 1"):
        outcome(failing, "go")


def test_a_worker_has_loaded_what_it_is_told_to_and_neither_prefect_nor_the_main_module() -> None:
    with pool("loaded_modules", preload=["tomllib"]) as loading:
        loaded = str(outcome(loading, "go")).split()
    assert "tomllib" in loaded
    assert not {"prefect", "duckdb", "torch"} & set(loaded)
    with pool("main_file") as asking:
        assert outcome(asking, "go") == "none"


def test_a_worker_has_no_input(acting: Pool) -> None:
    with pool("read_input") as reading:
        assert outcome(reading, "go") == "''"


@pytest.mark.parametrize("options", [{"workers": 0}, {"timeout_s": 0}, {"memory_bytes": 0}, {"calls_per_worker": 0}])
def test_options_that_cannot_work_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="positive"):
        pool(**options)


def test_the_death_of_the_parent_ends_its_workers_even_amid_a_call(tmp_path: Path) -> None:
    program = f"""if True:
        import os, sys
        sys.path[:] = {sys.path!r}
        from newsclust.errors import ExtractError
        from newsclust.isolation import IsolatedPool
        pool = IsolatedPool("{__name__}:act", error=ExtractError, timeout_s=1, calls_per_worker=1)
        waiting, other = pool.submit("a", "go"), pool.submit("b", "go")
        print(*pool.result(waiting).split()[1:], *pool.result(other).split()[1:], flush=True)
        pool.submit("c", "sleep"), pool.submit("d", "die")
        os.kill(os.getpid(), 9)
    """
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=Path.cwd())
    processes = [int(word) for word in ran.stdout.split()]
    assert processes, ran.stderr
    until = time.monotonic() + 15  # the call's second, and the grace of 5
    while any(map(is_alive, processes)) and time.monotonic() < until:
        time.sleep(0.1)
    assert not any(map(is_alive, processes))


def test_the_errors_are_of_the_kind_that_the_pool_was_told() -> None:
    with IsolatedPool[str, ExtractError](f"{__name__}:act", error=ExtractError) as acting:
        failed = acting.result(acting.submit("page", "die"))
    assert isinstance(failed, ExtractError)
