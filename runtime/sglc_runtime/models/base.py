"""What the engine sees of a model: a spec, and a forward pass over a packed batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor


class Run(NamedTuple):
    """
    Rows of the batch that attend one contiguous extent of the KV pool.

    A sequence's prefix is a list of extents; rows that share one (branches of a fork) share the
    run, which is then read once. Causality is by position: row t sees KV positions up to its own.
    """

    row_start: int
    row_end: int
    slot_start: int
    """First pool slot of the extent."""
    length: int
    position: int
    """Position of the extent's first slot in the sequence."""


@dataclass(frozen=True, slots=True)
class Batch:
    """
    A packed forward pass of T token rows, of which R are wanted as logits.

    Rows of one sequence are consecutive and in position order. Runs of one row cover its positions
    from 0 up, in order, its own (just stored) slot included.
    """

    ids: Tensor
    """int64 [T]."""
    positions: Tensor
    """int64 [T], from 0 within the sequence."""
    out_slots: Tensor
    """int64 [T]: pool slot that each row's key and value are stored in."""
    rows: Tensor
    """int64 [R]: indices into T whose logits are wanted."""
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Shape of a model, as far as pool, scheduler and attention need it."""

    architecture: str
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    vocab_size: int
    context_length: int
    dtype: torch.dtype
    windows: tuple[int | None, ...]
    """Sliding window of each layer in tokens; None attends everything."""
    eos_ids: tuple[int, ...]
    bos_id: int | None
    softcap: float | None = None


class Attention(Protocol):
    """Stores this pass's keys and values and attends; bound to one batch by its backend."""

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
        """Attend. q [T, H, D], k and v [T, Hk, D]; returns [T, H, D]."""
        ...


@runtime_checkable
class SplitAttention(Attention, Protocol):
    """
    An `Attention` that stores and attends in two steps, too.

    A model whose own kernel writes keys and values to the pool, fused with the rotation, stores
    them at `Batch.out_slots` and then calls `attend`.
    """

    def pool(self, layer: int) -> tuple[Tensor, Tensor]:
        """Keys and values [slots, Hk, D] of a layer, any strides but the last, which is 1."""
        ...

    def attend(
        self,
        layer: int,
        q: Tensor,
        *,
        scale: float,
        window: int | None = None,
        softcap: float | None = None,
        sinks: Tensor | None = None,
    ) -> Tensor:
        """What `__call__` gives where this pass's keys and values have been stored already."""
        ...


class Model(Protocol):
    """A decoder. Rows are independent of each other except through the KV pool."""

    spec: ModelSpec

    def forward(self, batch: Batch, attention: Attention) -> Tensor:
        """Logits [R, vocab] (float32) of `batch.rows`."""
        ...


class AttentionBackend(Protocol):
    """Owns the KV pool tensors and makes an `Attention` for each batch."""

    name: str

    def bind(self, batch: Batch) -> Attention:
        """Prepare metadata of one batch (once per pass, used by every layer)."""
        ...

    def copy_slots(self, source: Tensor, target: Tensor) -> None:
        """Copy KV of all layers from slots `source` [N] to `target` [N]."""
        ...
