"""The kernels' threads: every part once, whoever calls, also in forked children."""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator

import pytest

from sglc_runtime.kernels.library import load_library

Task = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_int)


@pytest.fixture
def pool() -> Generator[ctypes.CDLL]:
    library = load_library()
    before = library.sglc_threads()
    yield library
    library.sglc_set_threads(before)


def parallel(pool: ctypes.CDLL, parts: int, task: Callable[[int, int], None]) -> None:
    call = ctypes.CDLL(pool._name).sglc_parallel
    call.argtypes = [Task, ctypes.c_void_p, ctypes.c_int]
    call.restype = None
    call(Task(lambda _, part, of: task(part, of)), None, parts)


def native_threads() -> int:
    return len(os.listdir("/proc/self/task"))


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
@pytest.mark.parametrize("parts", [0, 1, 2, 5, 64])
def test_every_part_runs_once(pool: ctypes.CDLL, threads: int, parts: int) -> None:
    pool.sglc_set_threads(threads)
    assert pool.sglc_threads() == threads
    ran: list[int] = []
    for _ in range(20):
        parallel(pool, parts, lambda part, of: ran.append(part + 1000 * of))
    assert sorted(ran) == sorted([part + 1000 * parts for part in range(parts)] * 20)


def test_several_threads_take_part(pool: ctypes.CDLL) -> None:
    pool.sglc_set_threads(3)
    met = threading.Barrier(3, timeout=20)
    parallel(pool, 3, lambda part, of: met.wait() and None)
    assert not met.broken


def test_one_thread_creates_none(pool: ctypes.CDLL) -> None:
    pool.sglc_set_threads(1)
    before = native_threads()
    who = set()
    parallel(pool, 8, lambda part, of: who.add(threading.get_ident()))
    assert who == {threading.get_ident()}
    assert native_threads() == before


def test_after_a_pause_workers_wake_up(pool: ctypes.CDLL) -> None:
    """Longer than they spin; once they sleep, they take no processor time."""
    pool.sglc_set_threads(2)
    parallel(pool, 2, lambda part, of: None)
    time.sleep(0.05)
    used = time.process_time()
    time.sleep(0.2)
    assert time.process_time() - used < 0.1, "idle workers are busy"
    met = threading.Barrier(2, timeout=20)
    parallel(pool, 2, lambda part, of: met.wait() and None)
    assert not met.broken


def test_calls_inside_tasks_and_from_several_threads(pool: ctypes.CDLL) -> None:
    pool.sglc_set_threads(3)
    ran: Counter[tuple[int, int, int]] = Counter()

    def caller(name: int) -> None:
        for _ in range(20):
            parallel(
                pool,
                3,
                lambda outer, of: parallel(
                    pool, 4, lambda inner, of: ran.update([(name, outer, inner)])
                ),
            )

    callers = [threading.Thread(target=caller, args=[name]) for name in range(4)]
    for one in callers:
        one.start()
    for one in callers:
        one.join(60)
    assert ran == Counter(
        {(name, outer, inner): 20 for name in range(4) for outer in range(3) for inner in range(4)}
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_forked_children_make_their_own_threads(pool: ctypes.CDLL) -> None:
    pool.sglc_set_threads(2)
    parallel(pool, 2, lambda part, of: None)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            met = threading.Barrier(2, timeout=20)
            parallel(pool, 2, lambda part, of: met.wait() and None)
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    met = threading.Barrier(2, timeout=20)
    parallel(pool, 2, lambda part, of: met.wait() and None)
    assert not met.broken
