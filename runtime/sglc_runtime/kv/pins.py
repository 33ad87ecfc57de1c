"""Prefixes that are kept until they are released."""

from __future__ import annotations

from sglc_runtime.kv.node import Node
from sglc_runtime.kv.radix import RadixTree

SHARE = 2
"""One pool in this many parts may be pinned, so that requests always find the rest."""


class PinError(Exception):
    """More would be pinned than may be."""


class Pins:
    """Locks on paths of the tree that belong to nobody who runs, by number."""

    def __init__(self, tree: RadixTree, num_slots: int) -> None:
        self.tree = tree
        self.most = num_slots // SHARE
        self._nodes: dict[int, Node] = {}

    def __contains__(self, number: int) -> bool:
        return number in self._nodes

    @property
    def tokens(self) -> int:
        """Tokens kept, each counted once."""
        return sum(len(node.ids) for node in self._covered(self.nodes()))

    def nodes(self) -> list[Node]:
        """Where the pinned paths end."""
        return list(self._nodes.values())

    def add(self, number: int, node: Node) -> None:
        """Keep the path to `node`. Raises PinError, and keeps nothing, when that is too much."""
        tokens = sum(len(part.ids) for part in self._covered([*self.nodes(), node]))
        if tokens > self.most:
            raise PinError(
                f"{tokens} tokens would be pinned; at most {self.most} may be, half of the KV pool"
            )
        self.tree.lock(node)
        self._nodes[number] = node

    def release(self, number: int) -> bool:
        """Open a path to eviction again; whether it was pinned."""
        node = self._nodes.pop(number, None)
        if node is not None:
            self.tree.unlock(node)
        return node is not None

    def clear(self) -> None:
        """Forget all pins, whose tokens are gone."""
        self._nodes.clear()

    def _covered(self, ends: list[Node]) -> set[Node]:
        return {part for end in ends for part in end.chain()}
