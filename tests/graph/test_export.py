"""Exports: the same graph in networkx, JSON, DOT and text."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import networkx

from sglc.graph import export
from sglc.graph.build import build
from tests.ir.check import parse

BODY = r"""
lm.text(%s, %x) {text = ["say \"hi\" \\ to\n", ""]}
cf.for(%x) ^body(%i: val) {
  %v = lm.gen(%s) {name = "v"}
  %h = py.call(%v) {target = "tools:calc"}
  cf.yield()
} !2:1-6:2
%r = lm.run(%x) {callee = @g, parallel = true}
cf.return()"""


def test_networkx() -> None:
    graph = export.to_networkx(parse(BODY))
    built = build(parse(BODY))
    assert graph.number_of_nodes() == len(built.nodes) == 4
    assert graph.number_of_edges() == len(built.edges)
    assert graph.nodes[1]["op"] == "lm.gen"
    assert graph.nodes[1]["cluster"] == ["for@2 body"]
    assert graph.edges[1, 1, "prefix"]["back"] is True
    forward = [(a, b) for a, b, back in graph.edges(data="back") if not back]
    assert networkx.is_directed_acyclic_graph(networkx.DiGraph(forward))


def test_json() -> None:
    data = json.loads(export.to_json(parse(BODY)))
    assert [n["op"] for n in data["nodes"]] == ["lm.text", "lm.gen", "py.call", "lm.run"]
    assert {"source": 1, "target": 2, "kind": "use", "back": False} in data["edges"]
    assert [n["parallel"] for n in data["nodes"]] == [False, False, False, True]


def test_text() -> None:
    assert export.to_text(parse(BODY)) == (
        "@f:\n"
        '  #0 lm.text "say \\"hi\\" \\\\ to\\n{}" !1:1-1:9\n'
        "    #1 lm.gen v after #0, #1 (earlier turn) !3:1-3:9\n"
        "    #2 py.call tools:calc uses #1 !4:1-4:9\n"
        "  #3 lm.run @g !7:1-7:9\n"
    )


def test_dot_is_well_formed() -> None:
    dot = export.to_dot(parse(BODY))
    assert dot.count("{") - dot.count("}") == dot.count('{}\\"') * 0
    assert len(re.findall(r"subgraph cluster_", dot)) == 2
    strings = re.findall(r'label=("(?:\\.|[^"\\])*")', dot)
    assert len(strings) == 4 + 2
    assert 'label="for@2 body"' in dot
    assert "n0 -> n1 [style=solid];" in dot
    assert "n1 -> n2 [style=dashed];" in dot
    assert "n1 -> n1 [style=solid constraint=false color=gray];" in dot


def test_networkx_is_imported_only_when_asked_for() -> None:
    code = (
        "import sys, sglc.graph.build, sglc.graph.export, sglc.graph.metrics, sglc.passes.explain;"
        "sys.exit('networkx' in sys.modules)"
    )
    paths = [p for p in sys.path if p]
    result = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": ":".join(paths)}, check=False
    )
    assert result.returncode == 0
