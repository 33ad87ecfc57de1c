"""
Recordings of torch operations and launches: what a CUDA graph keeps of a step, on any device.

A recording holds operations and the tensors that they worked on, as a graph holds kernels and
addresses. Replaying it runs no Python of the step: a number that was read on the host, a branch
taken, a tensor made from a list stay what they were when it was recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from sglc_runtime.kernels.triton.launch import Launch, launch, recording

READS = {"aten._local_scalar_dense.default", "aten.nonzero.default", "aten.item.default"}
"""Operations that hand values to the host."""
Call = Callable[[], None]


class HostRead(AssertionError):
    """The action looked at a value."""


class _Recording(TorchDispatchMode):
    def __init__(self, launches: list[Launch]) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self._launches = launches
        self._taken = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if str(func) in READS:
            raise HostRead(str(func))
        kwargs = kwargs or {}
        self.take_launches()
        out = func(*args, **kwargs)
        self.calls.append(partial(_repeat, func, args, kwargs, out))
        return out

    def take_launches(self) -> None:
        """Note what was launched since the last operation."""
        for noted in self._launches[self._taken :]:
            self.calls.append(partial(_launch, noted))
        self._taken = len(self._launches)


def _repeat(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> None:
    again = func(*args, **kwargs)
    for kept, new in zip(tree_leaves(out), tree_leaves(again), strict=True):
        if isinstance(kept, Tensor) and kept.data_ptr() != new.data_ptr():
            kept.copy_(new)


def _launch(noted: Launch) -> None:
    launch(
        noted.kernel, noted.grid, *noted.arguments, warps=noted.warps, stages=noted.stages,
        **noted.constants,
    )  # fmt: skip


class ReplayCapture:
    """See `graphs.Capture`."""

    def __init__(self) -> None:
        self.recordings = 0
        self.replays = 0
        self.launches = 0
        """Launches of Triton's kernels in replays."""

    def warm_up(self, action: Callable[[], None]) -> None:
        """Call it."""
        action()

    def record(self, action: Callable[[], None]) -> Callable[[], None]:
        """
        Note the action's operations and launches.

        A CUDA graph is captured without being run. Here launches are not made either; operations
        are, on whatever is there, because their results have to have shapes.
        """
        with recording() as launches, _Recording(launches) as noted:
            action()
            noted.take_launches()
        self.recordings += 1
        return lambda: self._replay(noted.calls, len(launches))

    @torch.inference_mode()
    def _replay(self, calls: list[Call], launches: int) -> None:
        self.replays += 1
        self.launches += launches
        for call in calls:
            call()
