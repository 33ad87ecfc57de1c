"""
The radix tree as a store of continuations: what others wrote after the same ids.

A sequence that ends leaves all its ids in the tree. Whoever comes along the same path later, a
sample of the same prompt, a sibling branch or a run that is repeated, finds them below its own
node, and they cost nothing to read.
"""

from __future__ import annotations

from collections.abc import Sequence as Many

from sglc_runtime.kv.node import Node, follow
from sglc_runtime.sequence import Sequence
from sglc_runtime.speculation.proposer import NOTHING, Guess


class CachedProposer:
    """Guesses from the tree that a sequence's prompt lies in."""

    def propose(self, sequences: Many[Sequence], counts: Many[int]) -> list[Guess]:
        """See `Proposer`."""
        return [
            continuation(sequence, most) for sequence, most in zip(sequences, counts, strict=True)
        ]


def continuation(sequence: Sequence, most: int) -> Guess:
    """At most `most` ids that the tree has behind all ids of `sequence`."""
    node, position, ids = sequence.node, sequence.node_length, sequence.ids
    while node is not None and node.children:
        if position == len(ids):
            child = max(node.children.values(), key=_recency)
            return Guess(child.ids[:most].tolist(), "cached")
        found = node.children.get(ids[position])
        if found is None:
            break
        length = follow(found, ids, position)
        if length < len(found.ids):
            if position + length < len(ids):
                break
            return Guess(found.ids[length : length + most].tolist(), "cached")
        node, position = found, position + length
    return NOTHING


def _recency(node: Node) -> tuple[int, int]:
    return node.last_use, node.serial
