"""
Whether work can be captured in a CUDA graph, found out without a GPU.

Tensors on `GPU` have shapes and no values. `capturable` watches what is done with them: operations
that wait for the device, copies between devices and tensors of the host are errors, as they are,
or would go stale, in a graph. Kernels of Triton are noted instead of launched; so nothing is
computed, and models may have any size:

    model = load_native(folder, device=GPU, dtype="bfloat16", fused=True, dummy=True)
    batch, attention = ...  # tensors on GPU
    with capturable() as captured:
        model.forward(batch, attention)
    captured.launches, captured.operations
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from sglc_runtime.kernels.triton.launch import Launch, recording

GPU = torch.device("meta")
"""Stands in for a GPU: everything there has a shape, and nothing can be read."""
WAITS = frozenset(
    f"aten.{name}"
    for name in (
        "_local_scalar_dense", "item", "is_nonzero", "equal", "nonzero", "nonzero_numpy",
        "masked_select", "unique_dim", "unique_consecutive", "_unique", "_unique2", "bincount",
        "histc", "repeat_interleave",
    )
)  # fmt: skip
"""Operations that hand values, or sizes that depend on values, to the host."""
BY_MASK = frozenset({"aten.index", "aten.index_put", "aten.index_put_", "aten._index_put_impl_"})
"""Operations that count the true elements where an index is a mask."""

FROM_HOST = (torch.tensor, torch.as_tensor, torch.from_numpy, torch.frombuffer, Tensor.new_tensor)


class NotCapturable(AssertionError):
    """What cannot be in a graph, or would be the same at every replay."""


@dataclass(slots=True)
class Captured:
    """What was done, in order."""

    operations: list[str] = field(default_factory=list)
    """Of torch, such as `aten.mm.default`; views too."""
    launches: list[Launch] = field(default_factory=list)
    """Of Triton's kernels."""

    @property
    def kernels(self) -> list[str]:
        """Names of the functions launched."""
        return [launch.kernel.fn.__name__ for launch in self.launches]


class _Watch(TorchDispatchMode):
    def __init__(self, captured: Captured) -> None:
        super().__init__()
        self._captured = captured

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        name = str(func)
        packet = name.rpartition(".")[0]
        if packet in WAITS:
            raise NotCapturable(f"{name} makes the host wait for a value")
        if packet in BY_MASK and any(_is_mask(index) for index in args[1]):
            raise NotCapturable(f"{name} with a mask makes the host wait for its count")
        try:
            out = func(*args, **kwargs)
        except NotImplementedError as error:
            raise NotCapturable(f"{name} needs values: {error}") from error
        for tensor in tree_leaves((args, kwargs, out)):
            self._check(name, tensor)
        self._captured.operations.append(name)
        return out

    def _check(self, name: str, tensor: object) -> None:
        if isinstance(tensor, Tensor) and tensor.device != GPU:
            raise NotCapturable(f"{name} works on a tensor of the host, or copies from or to it")


class _Made(TorchFunctionMode):
    """Sees what never becomes an operation on a device without values."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func in FROM_HOST:
            raise NotCapturable(f"{func.__name__} makes a tensor from numbers of the host")
        return func(*args, **(kwargs or {}))


def _is_mask(index: object) -> bool:
    return isinstance(index, Tensor) and index.dtype in (torch.bool, torch.uint8)


@contextmanager
def capturable() -> Iterator[Captured]:
    """Note what is done to tensors on `GPU`; NotCapturable comes from the operation concerned."""
    captured = Captured()
    with recording() as launches, _Made(), _Watch(captured):
        yield captured
    for launch in launches:
        for argument in launch.arguments:
            if isinstance(argument, Tensor) and argument.device != GPU:
                raise NotCapturable(f"{launch.kernel} gets a tensor of the host")
    captured.launches = launches
