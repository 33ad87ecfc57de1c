"""One sequence of ids on its way through the model, and the KV slots it holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sglc_runtime.kv.allocator import Extent
from sglc_runtime.kv.node import Node
from sglc_runtime.speculation.track import Track

if TYPE_CHECKING:
    from sglc_runtime.generation import SampleRun
    from sglc_runtime.steps import StepRun

Order = tuple[int, int, int]
"""(-priority, request id, number of the sequence in its request): order of what runs."""


@dataclass(slots=True, eq=False)
class Sequence:
    """
    Ids, how many went through the model, and where their keys and values lie.

    Slots of the first `node_length` ids belong to the radix tree and are held by a lock on `node`;
    the rest are the sequence's `own` extents. `computed < kv_length` happens when cached ids go
    through the model again because their logits are wanted: their slots are written again with
    the same values.
    """

    step: StepRun
    order: Order
    ids: list[int]
    want_from: int
    """Logits are wanted from this position on."""
    targets: list[int] | None = None
    """Full ids whose log probabilities are wanted where logits are: id p + 1 for position p."""
    samples: list[SampleRun] = field(default_factory=list)
    """Continuations that start from the last position: several before a fork, then one."""
    computed: int = 0
    node: Node | None = None
    node_length: int = 0
    own: list[list[int]] = field(default_factory=list)
    """[start, length] extents after `node_length`."""
    own_length: int = 0
    draft: list[int] = field(default_factory=list)
    """Guesses of what follows `ids`, which go through the model behind them in this pass."""
    track: Track = field(default_factory=Track)
    decoding: bool = False
    """Every id but the last is computed, and the next ids are its own."""
    arrival: int = 0
    """How many requests came before its own."""
    started: bool = False
    """It had slots before; it waits because it gave them up or has found no place yet."""
    counted: int = 0
    """Positions up to here were counted as cached or computed prompt ids before."""

    @property
    def kv_length(self) -> int:
        """Ids that have slots."""
        return self.node_length + self.own_length

    def own_extents(self) -> list[Extent]:
        """The slots that are not the tree's."""
        return [Extent(start, length) for start, length in self.own]

    def forget_slots(self) -> None:
        """Start over from the ids; logits that were handed out are not wanted again."""
        self.want_from = max(self.want_from, min(self.computed, len(self.ids) - 1))
        self.node, self.node_length = None, 0
        self.own, self.own_length = [], 0
        self.computed, self.decoding = 0, False
        self.draft = []

    def tokens(self, start: int, end: int) -> list[int]:
        """Ids at positions start .. end - 1, guesses behind the last one included."""
        if not self.draft:
            return self.ids[start:end]
        return (self.ids[start:] + self.draft)[: end - start]

    def slots(self, start: int, end: int) -> list[int]:
        """The slot of each position in start .. end - 1."""
        extents: list[tuple[int, int]] = []
        if self.node is not None and start < self.node_length:
            for node in self.node.chain():
                extents += node.extents
        else:
            start, end = start - self.node_length, end - self.node_length
        extents += [(first, length) for first, length in self.own]
        slots: list[int] = []
        for first, length in extents:
            if end <= 0:
                break
            if start < length:
                slots.extend(range(first + max(0, start), first + min(length, end)))
            start -= length
            end -= length
        return slots
