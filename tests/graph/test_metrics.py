"""Critical path and liveness."""

from __future__ import annotations

import itertools

import networkx
from hypothesis import HealthCheck, given, settings

from sglc.graph import export
from sglc.graph.build import build
from sglc.graph.metrics import Liveness, critical_path, liveness, tokens
from sglc.ir.core import Module
from tests.ir.check import parse
from tests.ir.random_modules import modules


def test_critical_path_is_the_heaviest_chain() -> None:
    body = """
%r = lm.fork(%s, %x) {fields = ["d"]} ^branch(%b: handle, %i: val) {
  %d = lm.gen(%b) {name = "d", max_tokens = 50}
  cf.yield(%d)
} !1:1-4:2
%v = lm.gen(%s) {name = "v", max_tokens = 10}
lm.text(%s, %r) {text = ["", ""]}
%w = lm.gen(%s) {name = "w"}
cf.return()"""
    graph = build(parse(body))
    path = critical_path(graph)
    assert [n.op.attrs.get("name") for n in path if n.name == "lm.gen"] == ["d", "w"]
    assert sum(map(tokens, path)) == 50 + 128
    assert [n.id for n in critical_path(graph, lambda n: 1.0)] == [0, 1, 3, 4]


def test_empty_graph() -> None:
    graph = build(parse("cf.return()"))
    assert critical_path(graph) == []
    assert liveness(graph) == {}


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(modules())
def test_critical_path_weighs_as_much_as_networkx_finds(module: Module) -> None:
    graph = build(module)
    path = critical_path(graph, lambda n: float(n.id % 7 + 1))
    pairs = {(e.source, e.target) for e in graph.forward()}
    assert all((a.id, b.id) in pairs for a, b in itertools.pairwise(path))
    reference = networkx.DiGraph()
    reference.add_nodes_from([-1, *(n.id for n in graph.nodes)])
    weights = {n.id: n.id % 7 + 1 for n in graph.nodes}
    reference.add_weighted_edges_from((-1, i, w) for i, w in weights.items())
    reference.add_weighted_edges_from((a, b, weights[b]) for a, b in pairs)
    longest = networkx.dag_longest_path_length(reference)
    assert sum(weights[n.id] for n in path) == longest
    assert export.to_networkx(module).number_of_nodes() == len(graph.nodes)


def test_liveness() -> None:
    body = """
lm.role_end(%s)
%fs: list = lm.fork(%s) {size = 2}
cf.for(%x) ^body(%i: val) {
  %v = lm.gen(%s)
  cf.yield()
} !3:1-6:2
lm.role_end(%s)
cf.return()"""
    found = liveness(build(parse(body)))
    assert found[0] == Liveness(uses=1, last_use=1, next_turn=False)
    assert found[1] == Liveness(uses=2, last_use=3, next_turn=False)
    assert found[2] == Liveness(uses=2, last_use=3, next_turn=True)
    assert found[3] == Liveness(uses=0, last_use=None, next_turn=False)
