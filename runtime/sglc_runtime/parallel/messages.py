"""What rank 0 says to its followers, and what they answer: plain messages on a socket."""

from __future__ import annotations

from array import array
from itertools import chain

import torch
from msgspec import Struct
from torch import Tensor

from sglc_runtime.config import EngineConfig
from sglc_runtime.models.base import Batch, Run


class Join(Struct, frozen=True, tag="join"):
    """Meet the other processes."""

    rank: int
    size: int
    device: str
    store: str
    """A file that all of them can write to."""
    timeout: float
    """Seconds that an exchange may take."""
    deterministic: bool = False
    """Sum in a fixed order on GPUs, too."""


class Load(Struct, frozen=True, tag="load"):
    """Load a part of a model; the one before is dropped."""

    config: EngineConfig
    threads: int


class MakePool(Struct, frozen=True, tag="pool"):
    """Make room for the keys and values of `slots` tokens."""

    slots: int


class Forward(Struct, frozen=True, tag="forward"):
    """A pass: the tensors of a `Batch` one after another, and its runs."""

    count: int
    """Of ids, of positions and of slots; what follows them are the wanted rows."""
    numbers: bytes
    """int64, in the machine's order."""
    runs: bytes
    """int32, five for each run."""


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


def encode_batch(batch: Batch) -> tuple[Forward, Batch]:
    """The message that says what a batch holds, and the batch with its tensors on the CPU."""
    tensors = (batch.ids, batch.positions, batch.out_slots, batch.rows)
    numbers = torch.cat(tensors).cpu()
    message = Forward(
        count=len(batch.ids),
        numbers=to_bytes(numbers),
        runs=array("i", chain.from_iterable(batch.runs)).tobytes(),
    )
    return message, _batch(numbers, len(batch.ids), batch.runs)


def decode_batch(message: Forward, device: torch.device) -> Batch:
    """The batch, with its tensors on `device`."""
    numbers = array("i", message.runs)
    width = len(Run._fields)
    runs = tuple(Run(*numbers[at : at + width]) for at in range(0, len(numbers), width))
    return _batch(to_tensor(message.numbers).to(device), message.count, runs)


def _batch(numbers: Tensor, count: int, runs: tuple[Run, ...]) -> Batch:
    wanted = len(numbers) - 3 * count
    ids, positions, out_slots, rows = torch.split(numbers, [count, count, count, wanted])
    return Batch(ids, positions, out_slots, rows, runs)


def to_bytes(tensor: Tensor) -> bytes:
    """The numbers of an int64 tensor on the CPU."""
    return tensor.contiguous().numpy().tobytes()


def to_tensor(data: bytes) -> Tensor:
    """The int64 tensor [n] of these numbers."""
    if not data:
        return torch.empty(0, dtype=torch.int64)
    return torch.frombuffer(bytearray(data), dtype=torch.int64)
