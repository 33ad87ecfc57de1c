"""
Places for the nodes of a graph, in layers from top to bottom (Sugiyama, Tagawa, Toda 1981).

Layers are longest paths over forward edges, which ids already order; within a layer, nodes stand
by the mean position of their neighbours, swept down and up a few times.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sglc.graph.build import Edge, Graph, Node

SWEEPS = 4


@dataclass(frozen=True, slots=True)
class Layout:
    """Nodes of one function by layer; edges between them."""

    layers: tuple[tuple[Node, ...], ...]
    """From the top; in each, from left to right."""
    edges: tuple[Edge, ...]

    @property
    def width(self) -> int:
        """The most nodes of a layer."""
        return max((len(layer) for layer in self.layers), default=0)


def layout(graph: Graph, func: str) -> Layout:
    """Lay out one function's part of a graph."""
    nodes = {node.id: node for node in graph.nodes if node.func == func}
    edges = tuple(e for e in graph.edges if e.source in nodes and e.target in nodes)
    forward = [edge for edge in edges if not edge.back]
    layers = _layers(list(nodes), forward)
    for sweep in range(SWEEPS):
        _sweep(layers, forward, down=sweep % 2 == 0)
    return Layout(tuple(tuple(nodes[id_] for id_ in layer) for layer in layers), edges)


def _layers(ids: Sequence[int], edges: Iterable[Edge]) -> list[list[int]]:
    depth = dict.fromkeys(ids, 0)
    for edge in sorted(edges, key=lambda e: e.source):
        depth[edge.target] = max(depth[edge.target], depth[edge.source] + 1)
    layers: list[list[int]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for id_ in ids:
        layers[depth[id_]].append(id_)
    return layers


def _sweep(layers: list[list[int]], edges: Sequence[Edge], *, down: bool) -> None:
    """Order each layer by its neighbours above (`down`) or below."""
    near: dict[int, list[int]] = {}
    for edge in edges:
        here, there = (edge.target, edge.source) if down else (edge.source, edge.target)
        near.setdefault(here, []).append(there)
    position: dict[int, float] = {}
    for layer in layers if down else reversed(layers):
        middles = {
            id_: _mean(near.get(id_, ()), position, place) for place, id_ in enumerate(layer)
        }
        layer.sort(key=middles.__getitem__)
        for place, id_ in enumerate(layer):
            position[id_] = place - (len(layer) - 1) / 2


def _mean(ids: Sequence[int], position: Mapping[int, float], otherwise: float) -> float:
    known = [position[id_] for id_ in ids if id_ in position]
    return sum(known) / len(known) if known else otherwise
