"""
Recordings of decode steps as CUDA graphs.

The rules are those of torch's "CUDA semantics" page: kernels run once before they are captured, on
the stream of the capture, so that Triton has compiled them and cuBLAS has its workspace; all graphs
take their memory from one pool, which is safe because they are replayed one after another and
nothing in it outlives a step.

The pool never gives memory back, and a block that served a small step is too small for a larger
one. So it begins with one block that is large enough for any step, of which all take theirs,
whatever the order in which they are captured.
"""

from __future__ import annotations

import gc
import warnings
from typing import Any, cast

import torch

from sglc_runtime.attention.sizing import free_memory
from sglc_runtime.device.graphs import Action, NotCapturable

WARM_UPS = 2
"""In the last one nothing is compiled any more, so that waiting for the device can be forbidden."""

ROOM = 2
"""What is reserved has to fit into the free memory this many times; else there is no reserve."""


class CudaCapture:
    """Captures on a stream of its own. `reserve` bytes are what the largest step takes, about."""

    def __init__(self, device: torch.device, reserve: int = 0) -> None:
        self._device = device
        self._stream = cast(Any, torch.cuda.Stream)(device)
        self._pool = torch.cuda.graph_pool_handle()
        self._reserve = reserve

    def warm_up(self, action: Action) -> None:
        """See `Capture`."""
        current = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(current)
        try:
            with torch.cuda.stream(self._stream):
                for _ in range(WARM_UPS - 1):
                    action()
                _without_waiting(action)
        finally:
            current.wait_stream(self._stream)

    def record(self, action: Action) -> Action:
        """See `Capture`. The graph lives as long as the call that is returned."""
        current = torch.cuda.current_stream(self._device)
        reserve, self._reserve = self._reserve, 0
        if reserve and free_memory(self._device) < ROOM * reserve:
            reserve = 0
        graph: Any = cast(Any, torch.cuda.CUDAGraph)()
        # An object that is collected meanwhile may free memory of the device, which ends a capture.
        collecting = gc.isenabled()
        gc.disable()
        try:
            # Only this thread's calls matter: others may allocate while the capture goes on.
            with torch.cuda.graph(
                graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"
            ):
                if reserve:
                    # Freed at once: the pool keeps it.
                    torch.empty(reserve, dtype=torch.uint8, device=self._device)
                action()
        except BaseException:
            graph.reset()
            raise
        finally:
            # A capture that fails at its end leaves its own stream the current one.
            torch.cuda.set_stream(current)
            if collecting:
                gc.enable()
        return cast(Action, graph.replay)


def _without_waiting(action: Action) -> None:
    """Run `action`; NotCapturable where it makes the host wait, as reading a tensor does."""
    before = torch.cuda.get_sync_debug_mode()
    try:
        _set_mode("error")
        action()
    except RuntimeError as error:
        if "synchronizing" in str(error):
            raise NotCapturable(f"the model waits for the device: {error}") from error
        raise
    finally:
        _set_mode(before)


def _set_mode(mode: str | int) -> None:
    with warnings.catch_warnings():
        # That the mode does not see every way to wait, which the capture then does.
        warnings.simplefilter("ignore")
        torch.cuda.set_sync_debug_mode(mode)
