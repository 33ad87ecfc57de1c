"""Small passes of the load probe: batches of whole sequences and parts; attention that notes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn

from sglc_runtime.attention.torch_attention import TorchAttention
from sglc_runtime.models.base import Batch, ModelSpec, Run

SLOTS = 32
"""Pool slots of a probe; its sequences are shorter."""


def pack(parts: Sequence[Tensor], done: int = 0) -> Batch:
    """A batch of whole sequences, or of the one sequence in `parts` from position `done` on."""
    device = parts[0].device
    runs, start = [], 0
    for part in parts:
        rows = len(part) - done
        runs.append(Run(start, start + rows, start, len(part), 0))
        start += rows
    return Batch(
        ids=torch.cat([part[done:] for part in parts]),
        positions=torch.cat([torch.arange(done, len(part), device=device) for part in parts]),
        out_slots=torch.arange(done, start + done, device=device),
        rows=torch.arange(start, device=device),
        runs=tuple(runs),
    )


class Recorder:
    """Attends over a small pool and notes each call; `batch` is the pass that runs now."""

    def __init__(self) -> None:
        self.layers: list[int] = []
        self.shapes: set[tuple[int, int, int]] = set()
        self.windows: list[int | None] = []
        self.softcaps: set[float | None] = set()
        self._pools: dict[int, TorchAttention] = {}
        self._batch: Batch | None = None

    def begin(self, batch: Batch) -> None:
        """Start a pass; notes begin anew, keys and values stay."""
        self._batch = batch
        self.layers.clear()
        self.windows.clear()

    def __call__(
        self,
        layer: int,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        *,
        scale: float,
        window: int | None = None,
        softcap: float | None = None,
        sinks: Tensor | None = None,
    ) -> Tensor:
        """Attend as a backend does."""
        assert self._batch is not None
        self.layers.append(layer)
        self.shapes.add((q.shape[1], k.shape[1], k.shape[2]))
        self.windows.append(window)
        self.softcaps.add(softcap)
        if layer not in self._pools:
            self._pools[layer] = TorchAttention(_spec(q, k, window), SLOTS, q.device, k.dtype)
        bound = self._pools[layer].bind(self._batch)
        return bound(0, q, k, v, scale=scale, window=window, softcap=softcap, sinks=sinks)


def _spec(q: Tensor, k: Tensor, window: int | None) -> ModelSpec:
    return ModelSpec(
        architecture="",
        num_layers=1,
        num_heads=q.shape[1],
        num_kv_heads=k.shape[1],
        head_dim=k.shape[2],
        vocab_size=1,
        context_length=1,
        dtype=k.dtype,
        windows=(window,),
        eos_ids=(),
        bos_id=None,
    )


def settings_of(model: nn.Module, name: str) -> list[tuple[Any, int]]:
    """Modules and configurations of `model` that have an integer `name`, with its value."""
    owners: dict[int, Any] = {id(module): module for module in model.modules()}
    for module in list(owners.values()):
        if (config := getattr(module, "config", None)) is not None:
            owners[id(config)] = config
    text = cast(Any, model).config.get_text_config()
    owners[id(text)] = text
    found = ((owner, getattr(owner, name, None)) for owner in owners.values())
    return [(owner, value) for owner, value in found if type(value) is int and value > 0]


@contextmanager
def replaced(settings: list[tuple[Any, int]], name: str, value: int) -> Iterator[None]:
    """Give `name` another value for a while."""
    try:
        for owner, _ in settings:
            setattr(owner, name, value)
        yield
    finally:
        for owner, before in settings:
            setattr(owner, name, before)
