"""The invariants of pool and tree, for tests and for whoever suspects a leak."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sglc_runtime.kv.allocator import Extent, ExtentAllocator
from sglc_runtime.kv.node import Node
from sglc_runtime.kv.radix import RadixTree

if TYPE_CHECKING:
    from sglc_runtime.sequence import Sequence


def check_slots(
    allocator: ExtentAllocator,
    tree: RadixTree,
    pinned: Iterable[Node],
    sequences: Iterable[Sequence],
) -> None:
    """Assert that every slot has one owner and every lock a sequence or a pin."""
    tree.check_integrity()
    held: list[Extent] = list(allocator.gaps())
    assert sum(length for _, length in held) == allocator.free, "free count drifted"
    nodes = tree.nodes()
    for node in nodes:
        held += node.extents
    locks: dict[int, int] = {}
    ends = list(pinned)
    for sequence in sequences:
        held += sequence.own_extents()
        if sequence.node is not None:
            ids = [token for node in sequence.node.chain() for token in node.ids]
            assert ids == sequence.ids[: sequence.node_length], "sequence left its path"
            ends.append(sequence.node)
    for end in ends:
        for node in end.chain():
            locks[node.serial] = locks.get(node.serial, 0) + 1
    for node in nodes:
        assert node.locks == locks.get(node.serial, 0), "lock without a sequence or a pin"
    position = 0
    for start, length in sorted(held):
        assert start == position, f"slot {position} has no owner or two"
        position += length
    assert position == allocator.num_slots, "slots lost at the end of the pool"
