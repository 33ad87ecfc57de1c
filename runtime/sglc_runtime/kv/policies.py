"""Which leaf of the radix tree goes first when slots are needed."""

from __future__ import annotations

from typing import Literal, Protocol

from sglc_runtime.kv.node import Node

PolicyName = Literal["next_use", "lru"]
Rank = tuple[float, ...]


class EvictionPolicy(Protocol):
    """
    Leaves nobody uses are evicted in ascending `rank`.

    A leaf's rank may fall only when something comes its way or leaves it; it may rise at any time.
    """

    def rank(self, node: Node) -> Rank:
        """Place of a leaf in the line for eviction."""
        ...


class LeastRecentlyUsed:
    """The one that nothing came to for the longest time."""

    def rank(self, node: Node) -> Rank:
        """Time of the last use."""
        return (node.last_use,)


class NextUse:
    """
    What is used again last, or never as far as is known.

    Optimal where the future is known (Belady, IBM Systems Journal 1966). Requests say what they
    know of it; among leaves of which nothing is known the least recently used goes first.
    """

    def rank(self, node: Node) -> Rank:
        """Unknown ones first; then by descending distance, then by expected uses."""
        if not node.uses:
            return (0, node.last_use)
        return (1, -node.next_use, node.uses, node.last_use)


def make_policy(name: PolicyName) -> EvictionPolicy:
    """The policy that an engine's configuration names."""
    return NextUse() if name == "next_use" else LeastRecentlyUsed()
