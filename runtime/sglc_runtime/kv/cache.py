"""Gives sequences their slots: prefix lookup, growth, eviction, and what stays behind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sglc_runtime.kv.allocator import Extent, ExtentAllocator
from sglc_runtime.kv.radix import RadixTree

if TYPE_CHECKING:
    from sglc_runtime.sequence import Sequence


class KVCache:
    """
    The pool's book-keeping. Prompt ids are the tree's as soon as they are planned, decoded ids are
    the sequence's own until it leaves; a sequence that leaves hands everything it computed over.
    """

    def __init__(self, num_slots: int) -> None:
        self.allocator = ExtentAllocator(num_slots)
        self.tree = RadixTree(self.allocator)
        self.evicted = 0
        self.peak = 0

    @property
    def available(self) -> int:
        """Slots that are free or can be made free."""
        return self.allocator.free + self.tree.evictable

    def extend(self, sequence: Sequence, rows: int) -> tuple[int, int]:
        """
        Find cached ids and slots for at most `rows` more positions of `sequence`.

        Returns the positions to compute as (start, end). Raises PoolExhaustedError, with nothing
        taken, when the slots cannot be had.
        """
        if sequence.decoding:
            self._grow(sequence)
            return sequence.computed, sequence.computed + 1
        self._follow(sequence)
        start = sequence.computed
        end = min(start + rows, len(sequence.ids))
        missing = end - sequence.node_length
        if missing > 0:
            node = sequence.node
            assert node is not None
            extents = self._allocate(missing, node.extents[-1] if node.extents else None)
            sequence.node, _ = self.tree.insert(
                node, sequence.ids[:end], sequence.node_length, extents
            )
            sequence.node_length = end
        return start, end

    def release(self, sequence: Sequence) -> None:
        """Take a sequence's slots: what it computed stays in the tree, open to eviction."""
        node = sequence.node
        if node is None:
            return
        self.trim(sequence)
        if sequence.own:
            computed = sequence.ids[: sequence.kv_length]
            node, _ = self.tree.insert(node, computed, sequence.node_length, sequence.own_extents())
        self.tree.unlock(node)
        sequence.forget_slots()

    def lengthen(self, sequence: Sequence, count: int) -> int:
        """Slots for up to `count` guesses behind a decoding sequence; how many could be had."""
        count = min(count, self.available)
        for _ in range(count):
            self._grow(sequence)
        return count

    def trim(self, sequence: Sequence) -> None:
        """Give back the slots of guesses that were not kept."""
        own = sequence.own
        while own and (surplus := sequence.kv_length - sequence.computed) > 0:
            start, length = own[-1]
            gone = min(surplus, length)
            self.allocator.release([(start + length - gone, gone)])
            sequence.own_length -= gone
            if gone < length:
                own[-1][1] -= gone
            else:
                own.pop()

    def share(self, parent: Sequence, child: Sequence) -> None:
        """Let `child` start behind all ids of `parent`, which are in the tree."""
        assert parent.node is not None
        assert not parent.own
        self.tree.lock(parent.node)
        child.node, child.node_length = parent.node, parent.node_length
        child.computed = parent.computed

    def flush(self) -> int:
        """Evict all that nothing uses; returns how many tokens that was."""
        return self.tree.evict(self.tree.evictable)

    def reset(self) -> None:
        """Forget everything, after a pass that failed half-way. Sequences must forget too."""
        self.tree.clear()
        self.allocator.reset()

    def check_integrity(self, sequences: Iterable[Sequence] = ()) -> None:
        """Assert that every slot has one owner and every lock a sequence."""
        self.tree.check_integrity()
        held: list[Extent] = list(self.allocator.gaps())
        assert sum(length for _, length in held) == self.allocator.free, "free count drifted"
        locks: dict[int, int] = {}
        for node in self.tree.nodes():
            held += node.extents
        for sequence in sequences:
            held += sequence.own_extents()
            if sequence.node is not None:
                chain = sequence.node.chain()
                ids = [token for node in chain for token in node.ids]
                assert ids == sequence.ids[: sequence.node_length], "sequence left its path"
                for node in chain:
                    locks[node.serial] = locks.get(node.serial, 0) + 1
        for node in self.tree.nodes():
            assert node.locks == locks.get(node.serial, 0), "lock without a sequence"
        position = 0
        for start, length in sorted(held):
            assert start == position, f"slot {position} has no owner or two"
            position += length
        assert position == self.allocator.num_slots, "slots lost at the end of the pool"

    def _follow(self, sequence: Sequence) -> None:
        """Move `sequence` down the tree past ids that are there by now."""
        tree = self.tree
        node = sequence.node if sequence.node is not None else tree.root
        assert not sequence.own
        reached, length = tree.descend(node, sequence.ids, sequence.node_length)
        if reached is not node:
            tree.lock(reached)
            tree.unlock(node)
        sequence.node, sequence.node_length = reached, length
        needed = min(len(sequence.ids) - 1, sequence.want_from)
        sequence.computed = max(sequence.computed, min(length, needed))

    def _grow(self, sequence: Sequence) -> None:
        own = sequence.own
        if own and self.allocator.grow(own[-1][0] + own[-1][1]):
            own[-1][1] += 1
        else:
            node = sequence.node
            near = node.extents[-1] if node is not None and node.extents and not own else None
            own.append(list(self._allocate(1, near)[0]))
        sequence.own_length += 1
        used = self.allocator.num_slots - self.allocator.free
        if used > self.peak:
            self.peak = used

    def _allocate(self, count: int, near: Extent | None) -> list[Extent]:
        if count > self.allocator.free:
            self.evicted += self.tree.evict(count - self.allocator.free)
        extents = self.allocator.allocate(count, near.start + near.length if near else None)
        self.peak = max(self.peak, self.allocator.num_slots - self.allocator.free)
        return extents
