"""Nodes of the radix tree, and arithmetic on ids and extents."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import inf
from typing import NamedTuple, TypeVar

from sglc_runtime.kv.allocator import Extent

TYPECODE = "i"
"""Ids of the tree are C integers: a million of them take 4 MB and compare in C."""
Ids = TypeVar("Ids", list[int], "array[int]")


class Node:
    """An edge of the tree: ids, the extents that hold them, and what follows."""

    __slots__ = (
        "children",
        "extents",
        "ids",
        "last_use",
        "locks",
        "next_use",
        "parent",
        "serial",
        "uses",
    )

    def __init__(
        self, parent: Node | None, ids: array[int], extents: list[Extent], serial: int
    ) -> None:
        self.parent = parent
        self.ids = ids
        self.extents = extents
        self.serial = serial
        self.children = CHILDLESS
        self.locks = 0
        self.last_use = 0
        """When something came this way last, on the tree's own clock."""
        self.uses = 0
        """Later requests known to come this way."""
        self.next_use = inf
        """Number of the request expected first among them; infinite where only `uses` is known."""

    def adopt(self, child: Node) -> None:
        """File `child` under its first id."""
        if self.children is CHILDLESS:
            self.children = {}
        self.children[child.ids[0]] = child

    def __lt__(self, other: Node) -> bool:
        """By age, so that a line with stale entries of one node can be in order."""
        return self.serial < other.serial

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


def common_length(a: Ids, a_start: int, b: Ids, b_start: int) -> int:
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


def follow(node: Node, ids: list[int], position: int) -> int:
    """How many of `node`'s ids stand in `ids` from `position` on."""
    mine = array(TYPECODE, ids[position : position + len(node.ids)])
    return len(mine) if mine == node.ids else common_length(node.ids, 0, mine, 0)


def cut(extents: list[Extent], length: int) -> tuple[list[Extent], list[Extent]]:
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


CHILDLESS: dict[int, Node] = {}
"""The children of every leaf: most nodes are leaves, and an object less is a cache miss less."""
