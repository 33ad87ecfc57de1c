"""What is recorded, what is called, and what a capture leaves behind when it fails."""

from __future__ import annotations

import gc
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from sglc_runtime.device.cuda_graphs import CudaCapture
from sglc_runtime.device.graphs import Action, Eager, Form, Graphs, NotCapturable


class Noted:
    """Captures that note what they were asked for, and fail where they are told to."""

    def __init__(self, fail: dict[str, Exception] | None = None) -> None:
        self.done: list[str] = []
        self.fail = fail or {}

    def warm_up(self, action: Action) -> None:
        """See `Capture`."""
        if "warm up" in self.fail:
            raise self.fail["warm up"]
        action()

    def record(self, action: Action) -> Action:
        """See `Capture`."""
        if "record" in self.fail:
            raise self.fail["record"]
        return lambda: self.done.append("replayed")


def prepared(capture: Noted, most: int, *rows: int) -> Graphs:
    """Graphs of steps that note that they are called."""
    graphs = Graphs(capture, most)
    for count in rows:
        graphs.prepare(Form(count), lambda: None)
    return graphs


def ran(graphs: Graphs, capture: Noted, rows: int) -> str:
    capture.done.clear()
    graphs.run(Form(rows), lambda: capture.done.append("called"))
    (how,) = capture.done
    return how


def test_small_steps_are_recorded_and_large_ones_called() -> None:
    capture = Noted()
    graphs = prepared(capture, 8, 1, 8, 16)
    assert [ran(graphs, capture, rows) for rows in (1, 8, 16)] == ["replayed", "replayed", "called"]
    assert graphs.recorded == (Form(1), Form(8))
    assert not graphs.ready(Form(4))
    assert graphs.ready(Form(16))
    assert not graphs.ready(Form(8, shared=True))


@pytest.mark.parametrize(
    ("where", "error", "left", "says"),
    [
        (
            "warm up",
            NotCapturable("it reads a tensor"),
            0,
            "without CUDA graphs: it reads a tensor",
        ),
        ("record", RuntimeError("operation not permitted"), 0, "operation not permitted"),
        ("record", torch.OutOfMemoryError("2 GiB"), 7, "8 rows.*lower cuda_graph_max_bs"),
    ],
)
def test_what_cannot_be_recorded_is_called(
    where: str, error: Exception, left: int, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    capture = Noted({where: error})
    with caplog.at_level(logging.WARNING):
        graphs = prepared(capture, 16, 8)
    capture.fail.clear()
    assert graphs.most == left
    assert graphs.ready(Form(8))
    assert ran(graphs, capture, 8) == "called"
    assert len(caplog.records) == 1
    assert caplog.records[0].levelno == logging.WARNING
    assert re.search(says, caplog.text)
    graphs.prepare(Form(4), lambda: None)
    assert ran(graphs, capture, 4) == ("replayed" if left else "called")


def test_errors_of_the_step_itself_are_its_own() -> None:
    capture = Noted({"warm up": ValueError("no such id")})
    with pytest.raises(ValueError, match="no such id"):
        prepared(capture, 8, 4)
    eager = Eager()
    assert eager.ready(Form(3))
    with pytest.raises(ZeroDivisionError):
        eager.prepare(Form(3), lambda: [][1 // 0])  # type: ignore[func-returns-value,arg-type]


class Driver:
    """Stands in for the calls of `torch.cuda` that a capture makes, and notes their order."""

    def __init__(self, patch: pytest.MonkeyPatch, fail: bool = False) -> None:
        self.calls: list[str] = []
        self.fail = fail
        self.stream_now = "main"
        for name in ("Stream", "CUDAGraph", "graph", "stream", "current_stream", "set_stream"):
            patch.setattr(torch.cuda, name, getattr(self, name))
        patch.setattr(torch.cuda, "graph_pool_handle", lambda: "pool")
        patch.setattr(torch.cuda, "get_sync_debug_mode", lambda: 0)
        patch.setattr(
            torch.cuda, "set_sync_debug_mode", lambda mode: self.calls.append(f"waiting {mode}")
        )

    def Stream(self, device: object) -> Any:
        """A stream that notes what it waits for."""
        return _Stream(self, "side")

    def current_stream(self, device: object) -> Any:
        """The one set last."""
        return _Stream(self, self.stream_now)

    def set_stream(self, stream: Any) -> None:
        """Make it current."""
        self.stream_now = stream.name

    @contextmanager
    def stream(self, stream: Any) -> Iterator[None]:
        """A context on a stream."""
        before, self.stream_now = self.stream_now, stream.name
        try:
            yield
        finally:
            self.stream_now = before

    def CUDAGraph(self) -> Any:
        """A graph."""
        return _Graph(self)

    @contextmanager
    def graph(
        self, graph: Any, *, pool: object, stream: Any, capture_error_mode: str
    ) -> Iterator[None]:
        """As torch's: what fails at the end leaves the stream of the capture current."""
        assert (pool, capture_error_mode) == ("pool", "thread_local")
        assert not gc.isenabled()
        self.stream_now = stream.name
        self.calls.append("capture")
        yield
        if self.fail:
            raise RuntimeError("operation failed due to a previous error during capture")
        self.stream_now = "main"


class _Stream:
    def __init__(self, driver: Driver, name: str) -> None:
        self.driver, self.name = driver, name

    def wait_stream(self, other: Any) -> None:
        self.driver.calls.append(f"{self.name} waits for {other.name}")


class _Graph:
    def __init__(self, driver: Driver) -> None:
        self.driver = driver

    def replay(self) -> None:
        self.driver.calls.append("replay")

    def reset(self) -> None:
        self.driver.calls.append("reset")


def test_order_of_a_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver(monkeypatch)
    capture = CudaCapture(torch.device("cuda", 0))

    def action() -> None:
        driver.calls.append(f"step on {driver.stream_now}")

    capture.warm_up(action)
    replay = capture.record(action)
    replay()
    assert driver.calls == [
        "side waits for main",
        "step on side",
        "waiting error",
        "step on side",
        "waiting 0",
        "main waits for side",
        "capture",
        "step on side",
        "replay",
    ]
    assert driver.stream_now == "main"


def test_the_first_capture_makes_room_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    Driver(monkeypatch)
    sizes: list[int] = []
    empty = torch.empty

    def noted(size: int, **options: Any) -> torch.Tensor:
        sizes.append(size)
        return empty(size, **options)

    monkeypatch.setattr(torch, "empty", noted)
    capture = CudaCapture(torch.device("cpu"), reserve=1000)
    capture.record(lambda: None)
    capture.record(lambda: None)
    assert sizes == [1000]
    # Not where it would not leave as much again.
    CudaCapture(torch.device("cpu"), reserve=1 << 60).record(lambda: None)
    assert sizes == [1000]


def test_a_capture_that_fails_leaves_everything_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver(monkeypatch, fail=True)
    capture = CudaCapture(torch.device("cuda", 0))
    with pytest.raises(RuntimeError, match="during capture"):
        capture.record(lambda: None)
    assert driver.stream_now == "main"
    assert driver.calls[-1] == "reset"
    assert gc.isenabled()


def test_a_step_that_waits_is_found_before_it_is_captured(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver(monkeypatch)

    def waits() -> None:
        if driver.calls[-1] == "waiting error":
            raise RuntimeError("called a synchronizing CUDA operation")

    with pytest.raises(NotCapturable, match="waits for the device"):
        CudaCapture(torch.device("cuda", 0)).warm_up(waits)
    assert driver.calls[-2:] == ["waiting 0", "main waits for side"]
