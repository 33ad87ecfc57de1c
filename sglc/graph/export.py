"""The static graph in other forms: networkx, DOT for Graphviz, JSON, text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sglc.graph.build import Edge, Graph, Node, build
from sglc.ir import text
from sglc.ir.core import Module, Symbol

if TYPE_CHECKING:
    import networkx

_SHAPES = {"lm.gen": "ellipse", "lm.select": "diamond", "lm.fork": "triangle", "lm.run": "cds"}
_LABEL_CHARS = 40


def to_networkx(module: Module) -> networkx.MultiDiGraph:
    """
    The graph as a `networkx.MultiDiGraph`.

    Nodes are ids with `op`, `func`, `label`, `line` and `cluster`; edges have their kind as key and
    the attribute `back`. networkx is imported here and nowhere else.
    """
    import networkx

    graph, result = build(module), networkx.MultiDiGraph(file=module.file)
    for node in graph.nodes:
        data = _node_data(node)
        result.add_node(data.pop("id"), **data)
    for edge in graph.edges:
        result.add_edge(edge.source, edge.target, key=edge.kind, back=edge.back)
    return result


def to_json(module: Module) -> str:
    """The graph as JSON: `nodes` and `edges`, both in order."""
    graph = build(module)
    data = {
        "file": graph.file,
        "nodes": [_node_data(node) for node in graph.nodes],
        "edges": [_edge_data(edge) for edge in graph.edges],
    }
    return json.dumps(data, indent=1)


def to_text(module: Module) -> str:
    """One line a node, with the nodes that it follows and whose values it uses."""
    graph = build(module)
    lines = []
    func = None
    for node in graph.nodes:
        if node.func != func:
            func = node.func
            lines.append(f"{text.symbol(func)}:")
        sources = {kind: _sources(graph, node, kind) for kind in ("prefix", "use")}
        after = f" after {sources['prefix']}" if sources["prefix"] else ""
        uses = f" uses {sources['use']}" if sources["use"] else ""
        indent = "  " * (len(node.cluster) + 1)
        line = f" !{node.loc}" if node.loc is not None else ""
        lines.append(f"{indent}#{node.id} {label(node)}{after}{uses}{line}")
    return "\n".join(lines) + "\n"


def _sources(graph: Graph, node: Node, kind: str) -> str:
    found = [e for e in graph.edges if e.target == node.id and e.kind == kind]
    return ", ".join(f"#{e.source}{' (earlier turn)' if e.back else ''}" for e in found)


def to_dot(module: Module) -> str:
    """The graph in DOT; functions and regions are clusters, `use` edges are dashed."""
    graph = build(module)
    lines = ["digraph sglc {", "  node [fontname=monospace fontsize=10];", "  compound=true;"]
    tree = _Cluster("")
    for node in graph.nodes:
        inner = tree.child(f"@{node.func}")
        for name in node.cluster:
            inner = inner.child(name)
        inner.nodes.append(node)
    numbers = iter(range(len(graph.nodes) * 8 + 8))
    for child in tree.children.values():
        lines += _dot_cluster(child, "  ", numbers)
    for edge in graph.edges:
        style = "dashed" if edge.kind == "use" else "solid"
        back = " constraint=false color=gray" if edge.back else ""
        lines.append(f"  n{edge.source} -> n{edge.target} [style={style}{back}];")
    return "\n".join([*lines, "}"]) + "\n"


class _Cluster:
    """A function or region with the nodes right inside it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.nodes: list[Node] = []
        self.children: dict[str, _Cluster] = {}

    def child(self, name: str) -> _Cluster:
        return self.children.setdefault(name, _Cluster(name))


def _dot_cluster(cluster: _Cluster, indent: str, numbers: Iterator[int]) -> Iterator[str]:
    yield f"{indent}subgraph cluster_{next(numbers)} {{"
    yield f"{indent}  label={_dot(cluster.name)};"
    for node in cluster.nodes:
        shape = _SHAPES.get(node.name, "note" if node.name.startswith("py.") else "box")
        line = f" line {node.loc.line}" if node.loc is not None and node.loc.line else ""
        yield f"{indent}  n{node.id} [shape={shape} label={_dot(label(node) + line)}];"
    for child in cluster.children.values():
        yield from _dot_cluster(child, indent + "  ", numbers)
    yield f"{indent}}}"


def _dot(value: str) -> str:
    """A DOT string: only quotes and backslashes need care once text is on one line."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def label(node: Node) -> str:
    """A node in a few words: the op and what tells it apart."""
    attrs = node.op.attrs
    match node.name:
        case "lm.text":
            texts = attrs["text"]
            assert isinstance(texts, tuple)
            detail = text.quote("{}".join(str(t) for t in texts))
        case "lm.run" | "cf.call":
            callee = attrs["callee"]
            detail = text.symbol(callee.name) if isinstance(callee, Symbol) else ""
        case _:
            keys = ("name", "role", "target", "src", "what", "mode", "size")
            value = next((attrs[k] for k in keys if attrs.get(k) is not None), None)
            detail = "" if value is None else text.attr(value).strip('"')
    if len(detail) > _LABEL_CHARS:
        detail = detail[: _LABEL_CHARS - 1] + "…"
    return f"{node.name} {detail}".strip()


def _node_data(node: Node) -> dict[str, Any]:
    return {
        "id": node.id,
        "op": node.name,
        "func": node.func,
        "label": label(node),
        "line": node.loc.line if node.loc is not None else None,
        "cluster": list(node.cluster),
        "parallel": node.op.attrs.get("parallel") is True,
    }


def _edge_data(edge: Edge) -> dict[str, Any]:
    return {
        "source": edge.source,
        "target": edge.target,
        "kind": edge.kind,
        "back": edge.back,
    }
