"""
A radix tree over token ids whose nodes own the KV slots of their ids.

After RadixAttention (Zheng et al., "SGLang", NeurIPS 2024). Every id has its own slot, so a prefix
can be shared and cut at any token.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from sglc_runtime.kv.allocator import Extent, ExtentAllocator


class Node:
    """An edge of the tree: ids, the extents that hold them, and what follows."""

    __slots__ = ("children", "extents", "ids", "last_use", "locks", "parent", "serial", "uses")

    def __init__(
        self, parent: Node | None, ids: list[int], extents: list[Extent], serial: int
    ) -> None:
        self.parent = parent
        self.ids = ids
        self.extents = extents
        self.serial = serial
        self.children: dict[int, Node] = {}
        self.locks = 0
        self.last_use = 0
        self.uses = 0
        """Later sequences known to come this way; a node is evicted after those with none."""

    def chain(self) -> list[Node]:
        """The nodes from below the root down to this one."""
        nodes: list[Node] = []
        node: Node | None = self
        while node is not None and node.parent is not None:
            nodes.append(node)
            node = node.parent
        nodes.reverse()
        return nodes


class Match(NamedTuple):
    """The longest cached prefix of some ids."""

    length: int
    evictable: int
    """Of `length`, tokens that nothing has locked: they count as free until they are locked."""


def common_length(a: list[int], a_start: int, b: list[int], b_start: int) -> int:
    """How many ids of a[a_start:] and b[b_start:] agree, by bisection: slices compare in C."""
    high = min(len(a) - a_start, len(b) - b_start)
    if high <= 0 or a[a_start] != b[b_start]:
        return 0
    if a[a_start : a_start + high] == b[b_start : b_start + high]:
        return high
    low = 1
    while high - low > 1:
        middle = (low + high) // 2
        if a[a_start + low : a_start + middle] == b[b_start + low : b_start + middle]:
            low = middle
        else:
            high = middle
    return low if a[a_start + low] != b[b_start + low] else low + 1


def _cut(extents: list[Extent], length: int) -> tuple[list[Extent], list[Extent]]:
    """`extents` as a head of `length` slots and the rest."""
    for index, (start, size) in enumerate(extents):
        if length < size:
            head = [*extents[:index], Extent(start, length)] if length else extents[:index]
            return head, [Extent(start + length, size - length), *extents[index + 1 :]]
        length -= size
    return list(extents), []


def join_extents(extents: list[Extent], more: Sequence[tuple[int, int]]) -> None:
    """Append `more` to `extents`; an extent that starts where the last one ends lengthens it."""
    for start, length in more:
        if extents and extents[-1].start + extents[-1].length == start:
            extents[-1] = Extent(extents[-1].start, extents[-1].length + length)
        elif length:
            extents.append(Extent(start, length))


class RadixTree:
    """
    Longest-prefix lookup, insertion, reference counts and eviction of least recently used leaves.

    A lock counts on the node and all its ancestors, so `evictable` is known without a walk. Slots
    of the tree belong to the tree: callers hand extents over with `insert` and get back only what
    was already there.
    """

    def __init__(self, allocator: ExtentAllocator) -> None:
        self.allocator = allocator
        self.root = Node(None, [], [], 0)
        self.version = 0
        """Changes whenever nodes or their extents change."""
        self.size = 0
        self.evictable = 0
        self._serial = 0
        self._clock = 0
        self._leaves: list[tuple[int, int, int, Node]] = []

    def match(self, ids: list[int], limit: int | None = None) -> Match:
        """Longest cached prefix of ids[:limit]. Changes nothing, not even recency."""
        end = len(ids) if limit is None else min(limit, len(ids))
        node, position, evictable = self.root, 0, 0
        while position < end:
            child = node.children.get(ids[position])
            if child is None:
                break
            length = min(common_length(child.ids, 0, ids, position), end - position)
            position += length
            if not child.locks:
                evictable += length
            if length < len(child.ids):
                break
            node = child
        return Match(position, evictable)

    def descend(self, node: Node, ids: list[int], position: int) -> tuple[Node, int]:
        """
        Follow `ids[position:]` down from `node` as far as the tree goes, splitting the last node.

        Returns the node reached and how many ids lie on the path to it. Marks the path as used.
        """
        end = len(ids)
        arrives = not position
        self._clock += 1
        while position < end:
            child = node.children.get(ids[position])
            if child is None:
                break
            length = common_length(child.ids, 0, ids, position)
            if length < len(child.ids):
                child = self._split(child, length)
            child.last_use = self._clock
            if arrives and child.uses:
                child.uses -= 1
            position += length
            node = child
        return node, position

    def expect(self, node: Node, uses: int) -> None:
        """Note that `uses` sequences will come along the path to `node`."""
        for part in node.chain():
            part.uses += uses

    def lock(self, node: Node) -> None:
        """Keep the path to `node` from eviction."""
        walk: Node | None = node
        while walk is not None and walk.parent is not None:
            if not walk.locks:
                self.evictable -= len(walk.ids)
            walk.locks += 1
            walk = walk.parent

    def unlock(self, node: Node) -> None:
        """Undo one `lock`."""
        self._clock += 1
        walk: Node | None = node
        while walk is not None and walk.parent is not None:
            assert walk.locks > 0
            walk.locks -= 1
            walk.last_use = self._clock
            if not walk.locks:
                self.evictable += len(walk.ids)
            walk = walk.parent
        if node.parent is not None and not node.locks and not node.children:
            self._offer(node)

    def insert(
        self, node: Node, ids: list[int], position: int, extents: Sequence[Extent]
    ) -> tuple[Node, list[Extent]]:
        """
        Hand over `extents`, which hold ids[position:] after `node`, a node the caller has locked.

        Ids that are already there keep their slots and the caller's go back to the allocator. The
        lock moves to the node that now ends the path. Returns that node and the path's extents
        from `position` on.
        """
        end, kept = self.descend(node, ids, position)
        mine = list(extents)
        if kept > position:
            duplicate, mine = _cut(mine, kept - position)
            self.allocator.release(duplicate)
            self.lock(end)
            self.unlock(node)
        if kept < len(ids):
            added = ids[kept:]
            self.version += 1
            self.size += len(added)
            if end.parent is not None and not end.children and end.locks == 1:
                end.ids += added
                join_extents(end.extents, mine)
                return end, mine
            self._serial += 1
            child = Node(end, added, [], self._serial)
            join_extents(child.extents, mine)
            child.last_use = self._clock
            end.children[added[0]] = child
            child.locks = 1
            # The caller's lock on `end` now belongs to the path that goes through it.
            end = child
        return end, mine

    def evict(self, count: int) -> int:
        """Free at least `count` slots if that many are evictable; returns how many were freed."""
        freed = 0
        while freed < count and self.evictable:
            if not self._leaves:
                self._collect_leaves()
            uses, last_use, _, node = heappop(self._leaves)
            if node.locks or node.children or node.parent is None:
                continue
            if (uses, last_use) != (node.uses, node.last_use):
                self._offer(node)
                continue
            self.version += 1
            keep = max(0, len(node.ids) - (count - freed))
            node.extents, gone = _cut(node.extents, keep)
            self.allocator.release(gone)
            removed = len(node.ids) - keep
            if keep:
                del node.ids[keep:]
                self._offer(node)
            else:
                self._remove(node)
            freed += removed
            self.size -= removed
            self.evictable -= removed
        return freed

    def clear(self) -> None:
        """Forget everything without giving slots back; nothing may be locked or in use."""
        self.root = Node(None, [], [], 0)
        self.version += 1
        self.size = self.evictable = 0
        self._leaves.clear()

    def nodes(self) -> list[Node]:
        """Every node but the root, parents first."""
        found: list[Node] = []
        stack = [self.root]
        while stack:
            node = stack.pop()
            if node.parent is not None:
                found.append(node)
            stack.extend(node.children.values())
        return found

    def check_integrity(self) -> None:
        """Assert the tree's invariants."""
        size = evictable = 0
        for node in self.nodes():
            assert node.ids, "empty node"
            assert len(node.ids) == sum(length for _, length in node.extents), "slots missing"
            assert node.parent is not None
            assert node.parent.children[node.ids[0]] is node, "filed under another id"
            assert node.locks >= sum(child.locks for child in node.children.values()), "lost lock"
            size += len(node.ids)
            evictable += 0 if node.locks else len(node.ids)
        assert (size, evictable) == (self.size, self.evictable), "counters drifted"

    def _split(self, node: Node, length: int) -> Node:
        """Cut `node` after `length` ids; returns the new upper part, its parent from now on."""
        parent = node.parent
        assert parent is not None
        assert 0 < length < len(node.ids)
        self.version += 1
        self._serial += 1
        head, tail = _cut(node.extents, length)
        upper = Node(parent, node.ids[:length], head, self._serial)
        upper.locks, upper.last_use, upper.uses = node.locks, node.last_use, node.uses
        parent.children[upper.ids[0]] = upper
        node.parent, node.ids, node.extents = upper, node.ids[length:], tail
        upper.children[node.ids[0]] = node
        return upper

    def _remove(self, node: Node) -> None:
        parent = node.parent
        assert parent is not None
        del parent.children[node.ids[0]]
        node.parent = None
        if parent.parent is not None and not parent.children and not parent.locks:
            self._offer(parent)

    def _offer(self, node: Node) -> None:
        """Put a leaf in line for eviction; stale entries are skipped when they come up."""
        if len(self._leaves) > 64 + 4 * self.size:
            self._collect_leaves()
        heappush(self._leaves, (node.uses, node.last_use, node.serial, node))

    def _collect_leaves(self) -> None:
        self._leaves = [
            (node.uses, node.last_use, node.serial, node)
            for node in self.nodes()
            if not node.locks and not node.children
        ]
        heapify(self._leaves)
