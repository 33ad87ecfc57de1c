"""One decode step over tensors at fixed addresses, from ids to the tokens behind them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from sglc_runtime.attention.decode_inputs import DecodeInputs
from sglc_runtime.device.inputs import StepInputs
from sglc_runtime.models.base import Attention, Batch, Model
from sglc_runtime.sampling.inputs import SamplingInputs


class DecodeBackend(Protocol):
    """A backend whose attention can be bound to addresses in place of a batch."""

    def bind_decode(self, inputs: DecodeInputs) -> Attention:
        """Attention of decode steps whose inputs lie there when it is called."""
        ...


Begin = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor], None]
"""Finds the ids of a step and puts its slots into the slot table: `begin_in_torch`."""


class SampleOnDevice(Protocol):
    """Chooses tokens without the host."""

    def __call__(self, logits: Tensor, inputs: SamplingInputs, out: Tensor) -> None:
        """Write a token for each row of float32 `logits` [B, vocab] to `out` int64 [B]."""
        ...


def decode_step(
    model: Model,
    attention: Attention,
    begin: Begin,
    sample: SampleOnDevice,
    inputs: StepInputs,
    out: Tensor,
) -> None:
    """
    Run a step; tokens go to `out` int64 [B].

    Nothing here is read on the host, nothing depends on values, and all that outlives the step is
    at fixed addresses: the step may be captured in a CUDA graph. `out` may be the beginning of
    `inputs.previous`: that is read before anything is written.
    """
    decode = inputs.decode
    begin(
        inputs.ids, inputs.sources, inputs.previous, decode.positions, decode.out_slots,
        decode.table_rows, decode.slot_table, inputs.found_ids,
    )  # fmt: skip
    batch = Batch(inputs.found_ids, decode.positions, decode.out_slots, inputs.rows, ())
    sample(model.forward(batch, attention), inputs.sampling, out)


def begin_in_torch(
    ids: Tensor,
    sources: Tensor,
    previous: Tensor,
    positions: Tensor,
    out_slots: Tensor,
    table_rows: Tensor,
    table: Tensor,
    out: Tensor,
) -> None:
    """As `kernels.triton.begin.begin`, in torch operations."""
    computed = previous.index_select(0, sources.clamp(min=0))
    out.copy_(torch.where(sources >= 0, computed, ids))
    table.index_put_((table_rows.long(), positions), out_slots.to(torch.int32))
