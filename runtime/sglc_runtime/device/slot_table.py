"""
The pool slot of every position of every sequence, on the device.

Each sequence has a row. The row is written when the sequence comes or its slots have changed; a
step then appends the slot of its own position by itself.
"""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sglc_runtime.kv.node import Node
from sglc_runtime.sequence import Sequence

LARGEST = 2**31 - 1
Slots = NDArray[np.int32]
Span = tuple[int, int]
"""(first slot, how many)."""


@dataclass(slots=True)
class _Held:
    """A row, and what it says."""

    sequence: Sequence
    row: int
    used: int = 0
    """Number of the step that used it last."""
    node: Node | None = None
    node_length: int = -1
    own: list[list[int]] | None = None
    """The sequence's list itself: a sequence whose slots were taken has another one."""
    before: list[list[int]] = field(default_factory=list)
    """What `own` held, without its last extent."""
    last: list[int] = field(default_factory=lambda: [0, 0])
    known: int = 0
    """Positions below have the right slot in the table."""
    width: int = 0
    """Positions that a row has."""

    def note(self, sequence: Sequence, known: int) -> None:
        """Remember what a sequence has, now that positions below `known` are in the table."""
        own = sequence.own
        self.node, self.node_length, self.own = sequence.node, sequence.node_length, own
        self.before = [extent.copy() for extent in own[:-1]]
        self.last = own[-1].copy() if own else [0, 0]
        self.known = known

    def follows(self, sequence: Sequence, position: int) -> bool:
        """
        Whether `position` is the one behind those known, and its slot the last of an extent that
        has grown in place: what happens at nearly every step. If so, it is known from now on.
        """
        own = sequence.own
        if (
            own is not self.own
            or position != self.known
            or sequence.node is not self.node
            or sequence.node_length != self.node_length
            or position + 1 != sequence.node_length + sequence.own_length
            or position >= self.width
            or not own
        ):
            return False
        start, length = own[-1]
        if start != self.last[0] or length < self.last[1] or own[:-1] != self.before:
            return False
        self.last[1] = length
        self.known = position + 1
        return True


@dataclass(frozen=True, slots=True)
class Update:
    """Entries to write before a step."""

    places: NDArray[np.int64]
    """Where, in the flat table."""
    slots: Slots


class SlotTable:
    """
    `tensor` is int32 [rows + 1, width]; the last row is that of padding, at `pad_slot`.

    Rows of sequences that left are given to others. Nothing here waits for the device: entries are
    written in the order of its steps.
    """

    def __init__(self, rows: int, width: int, pad_slot: int, device: torch.device) -> None:
        """Raises ValueError for a table whose places kernels cannot number."""
        if (rows + 1) * width > LARGEST:
            raise ValueError(
                f"decode steps of {rows} sequences of up to {width} tokens are too large; lower"
                " max_running"
            )
        self.rows = rows
        self.width = width
        self.pad_row = rows
        self.pad_slot = pad_slot
        self.tensor: Tensor = torch.zeros(rows + 1, width, dtype=torch.int32, device=device)
        self.tensor[rows] = pad_slot
        self._held: dict[int, _Held] = {}
        self._free = list(range(rows - 1, -1, -1))
        self._step = 0

    def place(self, step: Items[tuple[Sequence, int]]) -> tuple[list[int], list[int], Update]:
        """
        Rows and slots of a step's (sequence, position) pairs, and what is to be written before it.

        The step itself writes the slot of each position. Raises ValueError for more sequences than
        rows, and for a position that has no slot.
        """
        if len(step) > self.rows:
            raise ValueError(f"{len(step)} sequences in a table of {self.rows} rows")
        self._step += 1
        found = [self._row_of(sequence) for sequence, _ in step]
        held = [entry for entry in found if entry is not None]
        if len(held) < len(found):
            held = self._assign(step)
        slots: list[int] = []
        places: list[NDArray[np.int64]] = []
        missing: list[Slots] = []
        for (sequence, position), entry in zip(step, held, strict=True):
            if entry.follows(sequence, position):
                slots.append(entry.last[0] + entry.last[1] - 1)
                continue
            if position >= self.width:
                raise ValueError(f"position {position} in a table of {self.width}")
            slots.append(_slot(sequence, position))
            known = _still_known(entry, sequence)
            if known < position:
                start = entry.row * self.width
                places.append(np.arange(start + known, start + position, dtype=np.int64))
                missing.append(slots_between(sequence, known, position))
            entry.note(sequence, position + 1)
        update = Update(
            np.concatenate(places) if places else np.empty(0, np.int64),
            np.concatenate(missing) if missing else np.empty(0, np.int32),
        )
        return [entry.row for entry in held], slots, update

    def forget(self) -> None:
        """Nothing that was written is known to have arrived."""
        for entry in self._held.values():
            entry.known = 0

    def _row_of(self, sequence: Sequence) -> _Held | None:
        entry = self._held.get(id(sequence))
        if entry is not None:
            entry.used = self._step
        return entry

    def _assign(self, step: Items[tuple[Sequence, int]]) -> list[_Held]:
        """Give rows to the sequences that have none: free ones, or the least recently used."""
        for key, entry in list(self._held.items()):
            if entry.sequence.node is None and entry.used != self._step:
                self._free.append(entry.row)
                del self._held[key]
        # Every one of the step's is marked as used by now, so that none of them is taken from.
        found: list[_Held] = []
        for sequence, _ in step:
            known = self._held.get(id(sequence))
            entry = known or _Held(sequence, self._take(), self._step, width=self.width)
            self._held[id(sequence)] = entry
            found.append(entry)
        return found

    def _take(self) -> int:
        if self._free:
            return self._free.pop()
        key = min(self._held, key=lambda other: self._held[other].used)
        return self._held.pop(key).row


def _still_known(entry: _Held, sequence: Sequence) -> int:
    """Positions of a row, from 0 on, that are right for what the sequence has now."""
    same = (
        entry.own is sequence.own
        and entry.node is sequence.node
        and entry.node_length == sequence.node_length
    )
    if not same:
        return 0
    return min(
        entry.known, entry.node_length + common_slots([*entry.before, entry.last], sequence.own)
    )


def common_slots(before: Items[Items[int]], now: Items[Items[int]]) -> int:
    """How many slots two lists of extents have in common from their beginning on."""
    count = 0
    for (start, length), (other, size) in zip(before, now, strict=False):
        if start != other:
            break
        count += min(length, size)
        if length != size:
            break
    return count


def slots_between(sequence: Sequence, start: int, end: int) -> Slots:
    """int32: the slots of positions start .. end - 1; as `Sequence.slots`, in numpy."""
    spans: list[Span] = []
    at = sequence.node_length
    if start < at and sequence.node is not None:
        spans += (extent for node in sequence.node.chain() for extent in node.extents)
        at = 0
    spans += ((first, length) for first, length in sequence.own)
    parts: list[Slots] = []
    for first, length in spans:
        low, high = max(start, at), min(end, at + length)
        if low < high:
            parts.append(np.arange(first + low - at, first + high - at, dtype=np.int32))
        at += length
    found = np.concatenate(parts) if parts else np.empty(0, np.int32)
    if len(found) != end - start:
        raise ValueError(f"positions {start} to {end - 1} have {len(found)} slots")
    return found


def _slot(sequence: Sequence, position: int) -> int:
    own = sequence.own
    if own and position == sequence.kv_length - 1:
        return own[-1][0] + own[-1][1] - 1
    return int(slots_between(sequence, position, position + 1)[0])
