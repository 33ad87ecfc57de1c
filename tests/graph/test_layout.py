"""Layers of the drawn graph."""

from __future__ import annotations

from sglc.graph.build import build
from sglc.graph.layout import layout
from tests.ir.check import parse


def layers(body: str) -> list[list[str]]:
    graph = build(parse(f"{body}\ncf.return()"))
    found = layout(graph, "f")
    placed = {n.id: row for row, layer in enumerate(found.layers) for n in layer}
    assert sorted(placed) == [n.id for n in graph.nodes]
    for edge in found.edges:
        assert edge.back or placed[edge.source] < placed[edge.target]
    return [[str(n.op.attrs.get("name", n.name)) for n in layer] for layer in found.layers]


def test_a_chain_is_one_column() -> None:
    assert layers('%a = lm.gen(%s) {name = "a"}\n%b = lm.gen(%s) {name = "b"}') == [["a"], ["b"]]


def test_branches_stand_side_by_side_and_do_not_cross() -> None:
    body = """
%f: list = lm.fork(%s) {size = 2}
%i = ex.const() {value = 0}
%j = ex.const() {value = 1}
%p: handle = lm.item(%f, %i)
%q: handle = lm.item(%f, %j)
%a = lm.gen(%p) {name = "a"}
%b = lm.gen(%q) {name = "b"}
%c = lm.gen(%p) {name = "c"}
%d = lm.gen(%q) {name = "d"}
"""
    *_, third, fourth = layers(body)
    assert [third, fourth] in ([["a", "b"], ["c", "d"]], [["b", "a"], ["d", "c"]])


def test_loops_lead_back_without_adding_layers() -> None:
    body = """
cf.for(%x) ^body(%i: val) {
  %a = lm.gen(%s) {name = "a"}
  cf.yield()
} !1:1-4:2
"""
    assert layers(body) == [["a"]]


def test_a_function_without_operations_has_no_layers() -> None:
    assert layout(build(parse("cf.return()")), "f").layers == ()
