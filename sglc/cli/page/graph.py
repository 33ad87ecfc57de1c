"""The graph of model operations as SVG, one drawing for each function."""

from __future__ import annotations

from sglc.cli.page.markup import Markup, element
from sglc.cli.page.source import foreign, key
from sglc.graph.build import Edge, Node, build
from sglc.graph.export import label
from sglc.graph.layout import Layout, layout
from sglc.ir.core import Module

WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 190, 34, 24, 34, 20
LONGEST = 28
"""Characters of a label."""
Point = tuple[float, float]


def graph_view(module: Module) -> Markup:
    """A heading and a drawing for each function that has model operations."""
    graph, others = build(module), foreign(module)
    names = list(dict.fromkeys(node.func for node in graph.nodes))
    parts: list[str] = [
        element(
            "figure",
            element("figcaption", f"@{name}"),
            _drawing(layout(graph, name), linked=name not in others),
        )
        for name in names
    ]
    return element("div", *(parts or ["no model operations"]))


def _drawing(found: Layout, *, linked: bool) -> Markup:
    width = found.width * (WIDTH + GAP_X) + 2 * MARGIN
    height = len(found.layers) * (HEIGHT + GAP_Y) + 2 * MARGIN
    centers = {
        node.id: _center(row, column, len(layer), width)
        for row, layer in enumerate(found.layers)
        for column, node in enumerate(layer)
    }
    edges = [_edge(edge, centers) for edge in found.edges]
    nodes = [
        _node(node, centers[node.id], linked=linked) for layer in found.layers for node in layer
    ]
    return element("svg", *edges, *nodes, width=width, height=height, role="img")


def _center(row: int, column: int, count: int, width: float) -> Point:
    x = width / 2 + (column - (count - 1) / 2) * (WIDTH + GAP_X)
    return x, MARGIN + row * (HEIGHT + GAP_Y) + HEIGHT / 2


def _node(node: Node, center: Point, *, linked: bool) -> Markup:
    x, y = center
    name = label(node)
    short = name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"
    place = key(node.loc) if linked and node.loc is not None and node.loc.line else None
    family = "host" if node.name.startswith("py.") else node.name.partition(".")[2]
    around = " / ".join(node.cluster)
    return element(
        "g",
        element("title", f"#{node.id} {name}" + (f"\n{around}" if around else "")),
        element(
            "rect", x=_at(x - WIDTH / 2), y=_at(y - HEIGHT / 2), width=WIDTH, height=HEIGHT, rx=6
        ),
        element("text", short, x=_at(x), y=_at(y + 4)),
        class_=f"node {family}",
        data_at=place,
    )


def _edge(edge: Edge, centers: dict[int, Point]) -> Markup:
    (x1, y1), (x2, y2) = centers[edge.source], centers[edge.target]
    kind = f"edge {edge.kind}" + (" back" if edge.back else "")
    if edge.back:
        side = max(x1, x2) + WIDTH / 2 + GAP_X / 2
        path = (
            f"M{_at(x1 + WIDTH / 2)} {_at(y1)} C{_at(side)} {_at(y1)} "
            f"{_at(side)} {_at(y2)} {_at(x2 + WIDTH / 2)} {_at(y2)}"
        )
    else:
        start, end = y1 + HEIGHT / 2, y2 - HEIGHT / 2
        middle = (start + end) / 2
        path = (
            f"M{_at(x1)} {_at(start)} C{_at(x1)} {_at(middle)} "
            f"{_at(x2)} {_at(middle)} {_at(x2)} {_at(end)}"
        )
    return element("path", d=path, class_=kind)


def _at(number: float) -> str:
    return f"{number:g}"
