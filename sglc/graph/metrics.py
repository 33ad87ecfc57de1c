"""Questions about a static graph: its critical path, and how long each prefix is needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sglc.graph.build import Graph, Node

DEFAULT_TOKENS = 128
"""Tokens of a generation without a constant limit, as in SGLang's default."""


def tokens(node: Node) -> float:
    """Tokens that a node decodes at most: the weight of the critical path. Zero but for `gen`."""
    if node.name != "lm.gen":
        return 0.0
    limit = node.op.attrs.get("max_tokens")
    return float(limit) if isinstance(limit, int) else float(DEFAULT_TOKENS)


def critical_path(graph: Graph, weight: Callable[[Node], float] = tokens) -> list[Node]:
    """
    The heaviest chain of nodes that must run one after another, loops counted once.

    Ids are in topological order without back edges, so this is one pass (the longest path of a
    DAG by dynamic programming). Ties go to the earlier node. Empty for an empty graph.
    """
    best = {node.id: weight(node) for node in graph.nodes}
    before: dict[int, int] = {}
    for edge in sorted(graph.forward(), key=lambda e: (e.target, e.source)):
        through = best[edge.source] + weight(graph.nodes[edge.target])
        if through > best[edge.target]:
            best[edge.target] = through
            before[edge.target] = edge.source
    if not best:
        return []
    last = max(best, key=lambda i: (best[i], -i))
    path = [last]
    while path[-1] in before:
        path.append(before[path[-1]])
    return [graph.nodes[i] for i in reversed(path)]


@dataclass(frozen=True, slots=True)
class Liveness:
    """How the prefix that a node makes is used afterwards."""

    uses: int
    """Number of nodes that continue from it."""
    last_use: int | None
    """The last of them in program order; its KV may go after that. None when there is none."""
    next_turn: bool
    """Whether a later turn of a loop continues from it, so that it lives past `last_use`."""


def liveness(graph: Graph) -> dict[int, Liveness]:
    """For every node how long the prefix it makes is needed."""
    forward: dict[int, list[int]] = {node.id: [] for node in graph.nodes}
    looping: set[int] = set()
    for edge in graph.edges:
        if edge.kind == "prefix":
            forward[edge.source].append(edge.target)
            if edge.back:
                looping.add(edge.source)
    return {
        source: Liveness(len(targets), max(targets, default=None), source in looping)
        for source, targets in forward.items()
    }
