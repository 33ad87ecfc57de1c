"""Pending values: waiting, failing, mapping, gathering."""

import signal
import threading

import pytest

from sglc.execution.pending import Pending, driver_threads, gather


def test_result_waits_for_another_thread() -> None:
    pending: Pending[int] = Pending()
    threading.Timer(0.01, pending.set_result, [7]).start()
    assert pending.result(5) == 7
    assert pending.done()


def test_timeout_raises_and_leaves_the_value_open() -> None:
    pending: Pending[int] = Pending()
    with pytest.raises(TimeoutError):
        pending.result(0.001)
    pending.set_result(1)
    assert pending.result() == 1


def test_the_same_failure_is_raised_every_time_without_growing() -> None:
    error = RuntimeError("boom")
    pending: Pending[int] = Pending()
    pending.set_exception(error)
    depths = []
    for _ in range(3):
        with pytest.raises(RuntimeError) as caught:
            pending.result()
        assert caught.value is error
        depths.append(len(caught.traceback))
    assert depths[0] == depths[2]


def test_map_follows_values_and_failures() -> None:
    pending: Pending[int] = Pending()
    doubled, broken = pending.map(lambda x: 2 * x), pending.map(lambda x: 1 // x)
    assert not doubled.done()
    pending.set_result(0)
    assert doubled.result() == 0
    with pytest.raises(ZeroDivisionError):
        broken.result()
    assert isinstance(Pending.failed(KeyError("k")).map(str).exception(), KeyError)


def test_callbacks_run_once_each_even_when_late() -> None:
    seen: list[int] = []
    pending: Pending[int] = Pending()
    pending.add_done_callback(lambda p: seen.append(p.result()))
    pending.set_result(3)
    pending.add_done_callback(lambda p: seen.append(p.result() + 1))
    assert seen == [3, 4]


def test_gather_keeps_order_and_the_first_failure_in_order() -> None:
    a, b = Pending[int](), Pending[int]()
    both = gather([a, "plain", b])
    b.set_result(2)
    assert not both.done()
    a.set_result(1)
    assert both.result() == [1, "plain", 2]

    c, d = Pending[int](), Pending[int]()
    failing = gather([c, d])
    second, first = ValueError("second"), ValueError("first")
    d.set_exception(second)
    c.set_exception(first)
    assert failing.exception() is first


def test_gather_under_racing_threads_is_set_once() -> None:
    for _ in range(50):
        items = [Pending[int]() for _ in range(8)]
        total = gather(items).map(sum)
        threads = [
            threading.Thread(target=item.set_result, args=(i,)) for i, item in enumerate(items)
        ]
        for thread in threads:
            thread.start()
        assert total.result(5) == 28


def test_waiting_on_the_driver_is_an_error_not_a_deadlock() -> None:
    driver_threads.add(threading.get_ident())
    try:
        with pytest.raises(RuntimeError, match="driver"):
            Pending[int]().result()
    finally:
        driver_threads.discard(threading.get_ident())


def test_interrupt_while_waiting_cancels_the_owner() -> None:
    cancelled: list[bool] = []

    class Owner:
        def cancel(self) -> None:
            cancelled.append(True)

    main = threading.main_thread().ident
    assert main is not None
    threading.Timer(0.1, signal.pthread_kill, (main, signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        Pending[int](Owner()).result()
    assert cancelled == [True]
