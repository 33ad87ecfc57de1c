"""Attention of decode steps that can be captured in a CUDA graph: all that varies is on devices."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sglc_runtime.attention.decode_inputs import DecodeInputs
from sglc_runtime.attention.pool import KvPool
from sglc_runtime.attention.triton_layers import TritonLayers
from sglc_runtime.kernels.triton.attend import Partials, Scores, Tile
from sglc_runtime.kernels.triton.decode import decode
from sglc_runtime.kernels.triton.merge import Parts, merge
from sglc_runtime.kernels.triton.split import (
    Items,
    Splitting,
    make_items,
    own_capacity,
    split,
)


@dataclass(frozen=True, slots=True)
class DecodeShape:
    """How decode steps run on one device: nothing here changes from step to step."""

    tile: Tile
    shared: Tile
    """The tile of shared pieces; its blocks of keys are those of `tile`."""
    splitting: Splitting
    at_once: int
    """Partial results that are added up together."""


def decode_partials(inputs: DecodeInputs, shape: DecodeShape) -> int:
    """Partial results that a step has at most."""
    own = own_capacity(inputs, shape.splitting)
    return own + (len(inputs.shared.parts) if inputs.shared else 0)


@dataclass(slots=True)
class _Plan:
    """Work of a step for one kind of window."""

    items: Items
    parts: Parts
    last_layer: int


class TritonDecodeAttention(TritonLayers):
    """
    `Attention` of all steps of one size.

    Buffers are allocated at the first call with a type of queries and then kept; what a call
    returns is overwritten by the next. The first layer of a step shares out the work of the step,
    and again for each other kind of window; layers must be called in ascending order.
    """

    reuses_output = True
    """What a call returns is overwritten by the next."""

    def __init__(
        self, pool: KvPool, inputs: DecodeInputs, shape: DecodeShape, partials: Partials
    ) -> None:
        """`partials` has room for `decode_partials(inputs, shape)`."""
        super().__init__(pool, inputs.out_slots)
        spec, shared = pool.spec, inputs.shared
        self._inputs = inputs
        self._shape = shape
        self._tile, self._shared_m = shape.tile, 0
        if shared is not None:
            # Both tiles are in one kernel: it has the stages that the larger one has room for.
            self._tile = shape.tile._replace(stages=shape.shared.stages)
            self._shared_m = max(shape.shared.block_m, shape.tile.block_m)
        self._partials = partials
        self._outputs: dict[torch.dtype, Tensor] = {}
        self._plans = {window: self._plan() for window in dict.fromkeys(spec.windows)}

    def _plan(self) -> _Plan:
        shared = self._inputs.shared
        items = make_items(self._inputs, self._shape.splitting)
        parts = Parts(own_parts=items.own_parts)
        if shared is not None:
            parts = Parts(shared.part_starts, shared.parts, items.own_parts)
        return _Plan(items, parts, self._pool.spec.num_layers)

    def _attend(self, layer: int, q: Tensor, scores: Scores) -> Tensor:
        if len(q) != len(self._inputs.positions):
            raise ValueError(f"{len(q)} rows in a step of {len(self._inputs.positions)}")
        window = scores.window
        plan = self._plans.get(window)
        if plan is None:
            plan = self._plans[window] = self._plan()
        if layer <= plan.last_layer:  # a step has begun
            split(self._inputs, plan.items, self._shape.splitting, window=window)
        plan.last_layer = layer
        out = self._outputs.get(q.dtype)
        if out is None:
            out = self._outputs[q.dtype] = torch.empty_like(q)
        decode(
            q, *self.pool(layer), plan.items, self._inputs.slot_table, self._inputs.positions,
            out, self._partials, self._tile, scores, shared_m=self._shared_m,
        )  # fmt: skip
        merge(self._partials, plan.parts, out, scores.sinks, at_once=self._shape.at_once)
        return out
