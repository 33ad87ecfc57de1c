"""
A radix tree over token ids whose nodes own the KV slots of their ids.

After RadixAttention (Zheng et al., "SGLang", NeurIPS 2024). Every id has its own slot, so a prefix
can be shared and cut at any token.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import inf

from sglc_runtime.kv.allocator import Extent, ExtentAllocator
from sglc_runtime.kv.line import Line
from sglc_runtime.kv.node import TYPECODE, Match, Node, cut, follow, join_extents
from sglc_runtime.kv.policies import EvictionPolicy, NextUse


class RadixTree:
    """
    Longest-prefix lookup, insertion, reference counts and eviction of leaves as `policy` says.

    A lock counts on the node and all its ancestors, so `evictable` is known without a walk. Slots
    of the tree belong to the tree: callers hand extents over with `insert` and get back only what
    was already there.
    """

    def __init__(self, allocator: ExtentAllocator, policy: EvictionPolicy | None = None) -> None:
        self.allocator = allocator
        self.policy = policy or NextUse()
        self.root = Node(None, array(TYPECODE), [], 0)
        self.version = 0
        """Changes whenever nodes or their extents change."""
        self.size = 0
        self.count = 0
        """Nodes below the root."""
        self.evictable = 0
        self._serial = 0
        self._clock = 0
        self._arrivals = 0
        self._leaves = Line()

    def match(self, ids: list[int], limit: int | None = None) -> Match:
        """Longest cached prefix of ids[:limit]. Changes nothing, not even recency."""
        length, evictable, _ = self.find(ids if limit is None else ids[:limit])
        return Match(length, evictable)

    def find(self, ids: list[int]) -> tuple[int, int, Node | None]:
        """As `match`, with the node that the prefix ends with, if it ends with a node."""
        end = len(ids)
        node, position, evictable = self.root, 0, 0
        while position < end:
            child = node.children.get(ids[position])
            if child is None:
                break
            length = follow(child, ids, position)
            position += length
            if not child.locks:
                evictable += length
            if length < len(child.ids):
                return position, evictable, None
            node = child
        return position, evictable, node

    def descend(self, node: Node, ids: list[int], position: int) -> tuple[Node, int]:
        """
        Follow `ids[position:]` down from `node` as far as the tree goes, splitting the last node.

        Returns the node reached and how many ids lie on the path to it. Marks the path as used.
        """
        end = len(ids)
        self._clock += 1
        while position < end:
            child = node.children.get(ids[position])
            if child is None:
                break
            length = follow(child, ids, position)
            if length < len(child.ids):
                child = self._split(child, length)
            child.last_use = self._clock
            position += length
            node = child
        return node, position

    def expect(self, node: Node, uses: int, distance: int | None = None) -> None:
        """
        Note that `uses` requests will come along the path to `node`, the first of them after
        `distance` others, where that is known.
        """
        if uses < 1:
            return
        first = inf if distance is None else self._arrivals + distance
        for part in node.chain():
            part.uses += uses
            part.next_use = min(part.next_use, first)

    def arrive(self, node: Node) -> None:
        """A request has come along the path to `node`: one of those that were expected."""
        self._arrivals += 1
        for part in node.chain():
            if part.uses:
                part.uses -= 1
                part.next_use = inf

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
            duplicate, mine = cut(mine, kept - position)
            self.allocator.release(duplicate)
            self.lock(end)
            self.unlock(node)
        if kept < len(ids):
            added = array(TYPECODE, ids[kept:])
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
            self.count += 1
            end.adopt(child)
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
            rank, _, node = self._leaves.pop()
            if node.locks or node.children or node.parent is None:
                continue
            if rank != self.policy.rank(node):
                self._offer(node)
                continue
            self.version += 1
            keep = max(0, len(node.ids) - (count - freed))
            node.extents, gone = cut(node.extents, keep)
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
        self.root = Node(None, array(TYPECODE), [], 0)
        self.version += 1
        self.size = self.count = self.evictable = 0
        self._leaves.refill(())

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
        nodes = self.nodes()
        assert len(nodes) == self.count, "nodes miscounted"
        for node in nodes:
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
        head, tail = cut(node.extents, length)
        upper = Node(parent, node.ids[:length], head, self._serial)
        upper.locks, upper.last_use = node.locks, node.last_use
        upper.uses, upper.next_use = node.uses, node.next_use
        self.count += 1
        parent.adopt(upper)
        node.parent, node.ids, node.extents = upper, node.ids[length:], tail
        upper.adopt(node)
        return upper

    def _remove(self, node: Node) -> None:
        parent = node.parent
        assert parent is not None
        del parent.children[node.ids[0]]
        node.parent = None
        self.count -= 1
        if parent.parent is not None and not parent.children and not parent.locks:
            self._offer(parent)

    def _offer(self, node: Node) -> None:
        """Put a leaf in line for eviction; stale entries are skipped when they come up."""
        if len(self._leaves) > 64 + 4 * self.count:
            self._collect_leaves()
        self._leaves.push((self.policy.rank(node), node.serial, node))

    def _collect_leaves(self) -> None:
        self._leaves.refill(
            (self.policy.rank(node), node.serial, node)
            for node in self.nodes()
            if not node.locks and not node.children
        )
