"""
Recordings of torch operations: what a CUDA graph keeps of a step, on any device.

A recording holds operations and the tensors that they worked on, as a graph holds kernels and
addresses. Replaying it runs no Python of the step: a number that was read on the host, a branch
taken, a tensor made from a list stay what they were when it was recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

READS = {"aten._local_scalar_dense.default", "aten.nonzero.default", "aten.item.default"}
"""Operations that hand values to the host."""


class HostRead(AssertionError):
    """The action looked at a value."""


class _Recording(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, tuple[Any, ...], dict[str, Any], Any]] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if str(func) in READS:
            raise HostRead(str(func))
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        self.calls.append((func, args, kwargs, out))
        return out


class ReplayCapture:
    """See `graphs.Capture`."""

    def __init__(self) -> None:
        self.recordings = 0
        self.replays = 0

    def warm_up(self, action: Callable[[], None]) -> None:
        """Call it."""
        action()

    def record(self, action: Callable[[], None]) -> Callable[[], None]:
        """
        Run the action once and note its operations.

        A CUDA graph is captured without being run; here the operations need their results' shapes.
        """
        recording = _Recording()
        with recording:
            action()
        self.recordings += 1
        return lambda: self._replay(recording)

    @torch.inference_mode()
    def _replay(self, recording: _Recording) -> None:
        self.replays += 1
        for func, args, kwargs, out in recording.calls:
            again = func(*args, **kwargs)
            for kept, new in zip(tree_leaves(out), tree_leaves(again), strict=True):
                if isinstance(kept, Tensor) and kept.data_ptr() != new.data_ptr():
                    kept.copy_(new)
