"""Gives sequences their slots: prefix lookup, growth, eviction, and what stays behind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sglc_runtime.kv.allocator import Extent, ExtentAllocator
from sglc_runtime.kv.integrity import check_slots
from sglc_runtime.kv.node import Match, Node, common_length
from sglc_runtime.kv.pins import Pins
from sglc_runtime.kv.policies import EvictionPolicy
from sglc_runtime.kv.radix import RadixTree

if TYPE_CHECKING:
    from sglc_runtime.sequence import Sequence


EVICTED_AT_ONCE = 512
"""
Tokens that are evicted together, in a large pool. One by one they would leave single slots, and
sequences that decode into such holes are slow to read.
"""
CAUSES = ("prompt", "decode", "flush", "failure")
"""Why tokens leave the cache: room for a prompt, for decoding; on request; after a failed pass."""


class KVCache:
    """
    The pool's book-keeping. Prompt ids are the tree's as soon as they are planned. Decoded ids are
    the sequence's own, which costs the tree nothing, until somebody else comes along them or the
    sequence leaves: then they are handed over, so they can be found as soon as they are produced.
    """

    def __init__(
        self, num_slots: int, policy: EvictionPolicy | None = None, *, keep: bool = True
    ) -> None:
        self.keep = keep
        """What nobody uses stays until its slots are needed, else until a request ends."""
        self.allocator = ExtentAllocator(num_slots)
        self.tree = RadixTree(self.allocator, policy)
        self.pins = Pins(self.tree, num_slots)
        self.evicted: dict[str, int] = dict.fromkeys(CAUSES, 0)
        """Tokens by what they had to make room for."""
        self.peak = 0
        self._ahead_of_need = min(EVICTED_AT_ONCE, num_slots // 32)
        self._growing: dict[Node, list[Sequence]] = {}
        """Sequences with ids of their own, by the node that those come after."""

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
            extents = self._allocate(missing, _last(node), "prompt")
            sequence.node, _ = self.tree.insert(
                node, sequence.ids[:end], sequence.node_length, extents
            )
            sequence.node_length = end
        return start, end

    def release(self, sequence: Sequence) -> None:
        """Take a sequence's slots: what it computed stays in the tree, open to eviction."""
        if sequence.node is None:
            return
        self.trim(sequence)
        self._publish(sequence)
        self.tree.unlock(sequence.node)
        sequence.forget_slots()

    def lengthen(self, sequence: Sequence, count: int) -> int:
        """Slots for up to `count` guesses behind a decoding sequence; how many could be had."""
        count = min(count, self.available)
        for _ in range(count):
            self._grow(sequence)
        return count

    def grow(self, sequences: Iterable[Sequence]) -> None:
        """One more slot for each of some decoding sequences. Raises PoolExhaustedError."""
        grow = self.allocator.grow
        for sequence in sequences:
            own = sequence.own
            if own and grow(own[-1][0] + own[-1][1]):
                own[-1][1] += 1
                sequence.own_length += 1
            else:
                self._grow(sequence)
        self.peak = max(self.peak, self.allocator.num_slots - self.allocator.free)

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
        if not own and sequence.node is not None:
            self._unfile(sequence, sequence.node)

    def jump(self, sequence: Sequence, tokens: list[int]) -> None:
        """Append ids that nobody sampled: they go through the model together, as a prompt does."""
        self._publish(sequence)
        sequence.ids += tokens
        sequence.decoding = False
        sequence.want_from = len(sequence.ids) - 1
        sequence.counted = len(sequence.ids)

    def share(self, parent: Sequence, child: Sequence) -> None:
        """Let `child` start behind all ids that `parent` has slots for; nothing is copied."""
        assert parent.node is not None
        self._publish(parent)
        self.tree.lock(parent.node)
        child.node, child.node_length = parent.node, parent.node_length
        child.computed = parent.computed

    def flush(self) -> int:
        """Evict all that nothing uses; returns how many tokens that was."""
        flushed = self.tree.evict(self.tree.evictable)
        self.evicted["flush"] += flushed
        return flushed

    def request_ended(self) -> None:
        """Forget what nobody uses any more, where it is not kept."""
        if not self.keep:
            self.flush()

    def reset(self) -> None:
        """Forget everything, after a pass that failed half-way. Sequences must forget too."""
        self.evicted["failure"] += self.tree.size
        self.pins.clear()
        self._growing.clear()
        self.tree.clear()
        self.allocator.reset()

    def expect(self, ids: list[int], uses: int, distance: int | None) -> None:
        """Note that `uses` requests will come that begin with what is cached of `ids`."""
        if uses > 0:
            node, _ = self.tree.descend(self.tree.root, ids, 0)
            self.tree.expect(node, uses, distance)

    def match(self, ids: list[int]) -> Match:
        """Longest prefix of `ids` in the tree or in what running sequences have produced."""
        length, evictable, node = self.tree.find(ids)
        for other in self._growing.get(node, ()) if node is not None else ():
            if length < len(ids) and other.ids[length] == ids[length]:
                more = common_length(ids, 0, other.ids, 0)
                return Match(min(more, other.kv_length), evictable)
        return Match(length, evictable)

    def check_integrity(self, sequences: Iterable[Sequence] = ()) -> None:
        """Assert that every slot has one owner and every lock a sequence or a pin."""
        running = list(sequences)
        check_slots(self.allocator, self.tree, self.pins.nodes(), running)
        growing = {id(s) for group in self._growing.values() for s in group}
        assert growing == {id(s) for s in running if s.own}, "decoded ids cannot be found"
        for node, group in self._growing.items():
            assert all(s.node is node for s in group), "decoded ids are filed elsewhere"

    def _follow(self, sequence: Sequence) -> None:
        """Move `sequence` down the tree past ids that are there by now."""
        tree = self.tree
        node = sequence.node if sequence.node is not None else tree.root
        assert not sequence.own
        reached, length = tree.descend(node, sequence.ids, sequence.node_length)
        while other := self._ahead(reached, sequence.ids, length):
            # From where we hold a lock: the node reached may have grown in place.
            self._publish(other)
            reached, length = tree.descend(node, sequence.ids, sequence.node_length)
        if reached is not node:
            tree.lock(reached)
            tree.unlock(node)
        sequence.node, sequence.node_length = reached, length
        needed = min(len(sequence.ids) - 1, sequence.want_from)
        sequence.computed = max(sequence.computed, min(length, needed))

    def _ahead(self, node: Node, ids: list[int], length: int) -> Sequence | None:
        """A sequence whose own ids go on from `node` as `ids` do."""
        for other in self._growing.get(node, ()) if length < len(ids) else ():
            if other.ids[length] == ids[length]:
                return other
        return None

    def _publish(self, sequence: Sequence) -> None:
        """Hand a sequence's own ids over to the tree; it keeps them locked."""
        node = sequence.node
        if node is None or not sequence.own:
            return
        self._unfile(sequence, node)
        length = sequence.kv_length
        extents = sequence.own_extents()
        sequence.node, _ = self.tree.insert(
            node, sequence.ids[:length], sequence.node_length, extents
        )
        sequence.node_length = length
        sequence.own, sequence.own_length = [], 0

    def _unfile(self, sequence: Sequence, node: Node) -> None:
        """`sequence` has no ids of its own after `node` any more."""
        group = self._growing.get(node, [])
        if sequence in group:
            group.remove(sequence)
            if not group:
                del self._growing[node]

    def _grow(self, sequence: Sequence) -> None:
        own = sequence.own
        if own and self.allocator.grow(own[-1][0] + own[-1][1]):
            own[-1][1] += 1
        else:
            node = sequence.node
            assert node is not None
            extents = self._allocate(1, None if own else _last(node), "decode")
            if not own:
                self._growing.setdefault(node, []).append(sequence)
            own.append(list(extents[0]))
        sequence.own_length += 1
        used = self.allocator.num_slots - self.allocator.free
        if used > self.peak:
            self.peak = used

    def _allocate(self, count: int, near: Extent | None, cause: str) -> list[Extent]:
        if count > self.allocator.free:
            wanted = max(count - self.allocator.free, self._ahead_of_need)
            self.evicted[cause] += self.tree.evict(wanted)
        extents = self.allocator.allocate(count, near.start + near.length if near else None)
        self.peak = max(self.peak, self.allocator.num_slots - self.allocator.free)
        return extents


def _last(node: Node) -> Extent | None:
    return node.extents[-1] if node.extents else None
