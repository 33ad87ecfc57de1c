"""
The inputs of a decode step as one block of bytes, and typed views of it.

Host and device have the same layout, so that all inputs of a step are one copy. Fields begin at
multiples of `ALIGNMENT`: kernels are compiled for what is known of their pointers, and that must
not change from one bucket to another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sglc_runtime.attention.decode_inputs import DecodeInputs, SharedPieces
from sglc_runtime.sampling.inputs import SamplingInputs

ALIGNMENT = 64
"""Bytes; Triton asks for 16, a cache line of the host is 64."""


class Field(NamedTuple):
    """One number for each row of a step."""

    name: str
    dtype: torch.dtype


FIELDS = (
    Field("ids", torch.int64),
    Field("positions", torch.int64),
    Field("out_slots", torch.int64),
    Field("keys", torch.int64),
    Field("samples", torch.int64),
    Field("tokens", torch.int64),
    Field("table_rows", torch.int32),
    Field("own_starts", torch.int32),
    Field("sources", torch.int32),
    Field("top_ks", torch.int32),
    Field("masked", torch.int32),
    Field("inverse_temperatures", torch.float32),
    Field("top_ps", torch.float32),
    Field("min_ps", torch.float32),
)
"""In the order in which they lie in memory. Those that are not explained are `SamplingInputs`'."""
NUMPY = {torch.int64: np.int64, torch.int32: np.int32, torch.float32: np.float32}


class Place(NamedTuple):
    """Where a field lies in a block: bytes [start, end)."""

    field: Field
    start: int
    end: int


def places(rows: int) -> tuple[Place, ...]:
    """Where the fields of a step with `rows` rows lie."""
    found: list[Place] = []
    at = 0
    for field in FIELDS:
        end = at + rows * field.dtype.itemsize
        found.append(Place(field, at, end))
        at = -(-end // ALIGNMENT) * ALIGNMENT
    return tuple(found)


def block_bytes(rows: int) -> int:
    """Bytes of all inputs of a step with `rows` rows."""
    return places(rows)[-1].end


@dataclass(frozen=True, slots=True)
class StepInputs:
    """What a step reads, at fixed addresses on the device: B rows, padding included."""

    ids: Tensor
    """int64 [B]: ids, where they were known when the step was launched."""
    sources: Tensor
    """int32 [B]: -1 where the id is known, else the row of `previous` whose token it is."""
    previous: Tensor
    """int64 [largest step]: tokens of the step before."""
    found_ids: Tensor
    """int64 [B]: ids as the step has found them."""
    rows: Tensor
    """int64 [B]: 0, 1, 2, ..."""
    decode: DecodeInputs
    sampling: SamplingInputs


def step_inputs(
    rows: int,
    block: Tensor,
    *,
    slot_table: Tensor,
    masks: Tensor,
    tokens: Tensor,
    found_ids: Tensor,
    arange: Tensor,
    shared: SharedPieces | None = None,
) -> StepInputs:
    """
    Views of `block` (uint8, at least `block_bytes(rows)`) for a step with `rows` rows.

    `masks`, `tokens`, `found_ids` and `arange` belong to steps of any size and are cut.
    """
    at = {
        place.field.name: block[place.start : place.end].view(place.field.dtype)
        for place in places(rows)
    }
    decode = DecodeInputs(
        positions=at["positions"],
        out_slots=at["out_slots"],
        table_rows=at["table_rows"],
        slot_table=slot_table,
        own_starts=at["own_starts"],
        shared=shared,
    )
    sampling = SamplingInputs(
        inverse_temperatures=at["inverse_temperatures"],
        top_ks=at["top_ks"],
        top_ps=at["top_ps"],
        min_ps=at["min_ps"],
        keys=at["keys"],
        samples=at["samples"],
        tokens=at["tokens"],
        masked=at["masked"],
        masks=masks[:rows],
    )
    return StepInputs(
        at["ids"], at["sources"], tokens, found_ids[:rows], arange[:rows], decode, sampling
    )


class HostBlock:
    """The same on the host: bytes to be copied, and writable numpy views of them by name."""

    def __init__(self, rows: int) -> None:
        self.bytes = np.zeros(block_bytes(rows), dtype=np.uint8)
        self._views: dict[str, NDArray[np.generic]] = {
            place.field.name: self.bytes[place.start : place.end].view(NUMPY[place.field.dtype])
            for place in places(rows)
        }

    def __getitem__(self, name: str) -> NDArray[np.generic]:
        return self._views[name]
