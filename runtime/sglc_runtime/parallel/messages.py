"""What rank 0 says to its followers, and what they answer: plain messages on a socket."""

from __future__ import annotations

from array import array
from itertools import chain

import torch
from msgspec import Struct
from torch import Tensor

from sglc_runtime.models.base import Batch, Run
from sglc_runtime.protocol import EngineConfig


class Join(Struct, frozen=True, tag="join"):
    """Meet the other processes."""

    rank: int
    size: int
    device: str
    store: str
    """A file that all of them can write to."""
    timeout: float
    """Seconds that an exchange may take."""


class Load(Struct, frozen=True, tag="load"):
    """Load a part of a model; the one before is dropped."""

    config: EngineConfig
    threads: int


class MakePool(Struct, frozen=True, tag="pool"):
    """Make room for the keys and values of `slots` tokens."""

    slots: int


class Forward(Struct, frozen=True, tag="forward"):
    """A pass: the tensors of a `Batch` as int64, its runs as int32, in the machine's order."""

    ids: bytes
    positions: bytes
    out_slots: bytes
    rows: bytes
    runs: bytes


class CopySlots(Struct, frozen=True, tag="copy"):
    """Copy keys and values from slots to slots, int64."""

    source: bytes
    target: bytes


Order = Join | Load | MakePool | Forward | CopySlots


class Ready(Struct, frozen=True, tag="ready"):
    """An order other than a pass is carried out; `free` bytes of the device are left."""

    free: int


class Refused(Struct, frozen=True, tag="refused"):
    """An order cannot be carried out; the follower ends. `kind` is that of an `EngineError`."""

    kind: str
    message: str


Answer = Ready | Refused


def encode_batch(batch: Batch) -> Forward:
    """A batch whose tensors are on the CPU."""
    return Forward(
        ids=to_bytes(batch.ids),
        positions=to_bytes(batch.positions),
        out_slots=to_bytes(batch.out_slots),
        rows=to_bytes(batch.rows),
        runs=array("i", chain.from_iterable(batch.runs)).tobytes(),
    )


def decode_batch(message: Forward, device: torch.device) -> Batch:
    """The batch, with its tensors on `device`."""
    numbers = array("i", message.runs)
    width = len(Run._fields)
    runs = tuple(Run(*numbers[at : at + width]) for at in range(0, len(numbers), width))
    ids, positions, out_slots, rows = (
        to_tensor(data).to(device)
        for data in (message.ids, message.positions, message.out_slots, message.rows)
    )
    return Batch(ids, positions, out_slots, rows, runs)


def to_bytes(tensor: Tensor) -> bytes:
    """The numbers of an int64 tensor on the CPU."""
    return tensor.contiguous().numpy().tobytes()


def to_tensor(data: bytes) -> Tensor:
    """The int64 tensor [n] of these numbers."""
    if not data:
        return torch.empty(0, dtype=torch.int64)
    return torch.frombuffer(bytearray(data), dtype=torch.int64)
