"""The static graph: prefix and use edges through every region, equal for handles and states."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from sglc.graph.build import Graph, build
from sglc.ir.core import Module
from sglc.passes.promote import Promote
from tests.ir.check import parse
from tests.ir.random_modules import modules

EdgeKey = tuple[int, int, str, bool]


def edges(graph: Graph) -> set[EdgeKey]:
    return {(e.source, e.target, e.kind, e.back) for e in graph.edges}


def prefixes(body: str) -> dict[int, set[int]]:
    """For each node the nodes that its prompt continues; negative when in an earlier turn."""
    module = parse(f"{body}\ncf.return()")
    graph = build(module)
    Promote().apply(module)
    assert edges(build(module)) == edges(graph)
    found: dict[int, set[int]] = {node.id: set() for node in graph.nodes}
    for edge in graph.edges:
        if edge.kind == "prefix":
            found[edge.target].add(-edge.source if edge.back else edge.source)
    return found


def test_straight_line() -> None:
    assert prefixes("lm.role_end(%s)\n%v = lm.gen(%s)\nlm.role_end(%s)") == {
        0: set(),
        1: {0},
        2: {1},
    }


def test_borrows_do_not_move_the_prompt() -> None:
    body = 'lm.role_end(%s)\n%v = lm.read(%s) {name = "v"}\nlm.role_end(%s)'
    assert prefixes(body) == {0: set(), 1: {0}, 2: {0}}


def test_if_merges() -> None:
    body = """
lm.role_end(%s)
cf.if(%x) ^then {
  lm.role_end(%s)
  cf.yield()
} ^else {
  cf.yield()
} !2:1-7:2
lm.role_end(%s)"""
    assert prefixes(body) == {0: set(), 1: {0}, 2: {0, 1}}


def test_a_branch_that_returns_does_not_merge() -> None:
    body = """
lm.role_end(%s)
cf.if(%x) ^then {
  lm.role_end(%s)
  cf.return()
} !2:1-7:2
lm.role_end(%s)"""
    assert prefixes(body) == {0: set(), 1: {0}, 2: {0}}


def test_loops_lead_back() -> None:
    body = """
lm.role_end(%s)
cf.for(%x) ^body(%i: val) {
  %v = lm.gen(%s)
  cf.if(%v) ^then {
    lm.role_end(%s)
    cf.break()
  } !4:1-7:2
  cf.if(%v) ^then {
    cf.continue()
  } !8:1-10:2
  lm.role_end(%s)
  cf.yield()
} !2:1-13:2
lm.role_end(%s)"""
    found = prefixes(body)
    assert found == {0: set(), 1: {0, -1, -3}, 2: {1}, 3: {1}, 4: {0, 1, 2, 3}}


def test_a_while_leaves_from_its_condition() -> None:
    body = """
cf.while() ^cond {
  %v = lm.gen(%s)
  cf.condition(%v)
} ^body {
  lm.role_end(%s)
  cf.yield()
} !1:1-7:2
lm.role_end(%s)"""
    assert prefixes(body) == {0: {-1}, 1: {0}, 2: {0}}


def test_a_handler_starts_anywhere_in_the_body() -> None:
    body = """
lm.role_end(%s)
cf.try() {kinds = [[]]} ^body {
  %v = lm.gen(%s)
  cf.yield()
} ^except(%e: val) {
  lm.role_end(%s)
  cf.yield()
} !2:1-8:2
lm.role_end(%s)"""
    assert prefixes(body) == {0: set(), 1: {0}, 2: {0, 1}, 3: {1, 2}}


def test_branches_start_at_the_fork() -> None:
    body = """
lm.role_end(%s)
%r = lm.fork(%s, %x) {fields = ["d"]} ^branch(%b: handle, %i: val) {
  %d = lm.gen(%b) {name = "d"}
  cf.yield(%d)
} !2:1-5:2
lm.role_end(%s)"""
    assert prefixes(body) == {0: set(), 1: {0}, 2: {1}, 3: {1}}


def uses(body: str) -> set[tuple[int, int]]:
    graph = build(parse(f"{body}\ncf.return()"))
    return {(e.source, e.target) for e in graph.edges if e.kind == "use"}


def test_values_are_followed_through_expressions_and_regions() -> None:
    body = """
%v = lm.gen(%s)
%w = ex.eval(%v) {src = "v", names = ["v"]}
%r = cf.if(%x) ^then {
  cf.yield(%w)
} ^else {
  cf.yield(%x)
} !3:1-7:2
%h = py.call(%r) {target = "a:b"}"""
    assert uses(body) == {(0, 1)}


def test_reads_use_the_generations_they_read() -> None:
    body = """
%a = lm.gen(%s) {name = "a"}
%b = lm.gen(%s) {name = "b"}
%r = lm.read(%s) {name = "a"}
%a2 = lm.gen(%s) {name = "a"}"""
    assert uses(body) == {(0, 2)}


def test_join_uses_the_ends_of_the_branches() -> None:
    body = """
%fs: list = lm.fork(%s) {size = 2}
cf.for(%fs) ^body(%f: handle) {
  lm.text(%f) {text = ["a"]}
  %v = lm.gen(%f) {name = "v"}
  cf.yield()
} !2:1-6:2
lm.join(%s, %fs) {mode = "gather_variable"}"""
    assert uses(body) == {(0, 3), (2, 3)}


def test_clusters_name_the_regions() -> None:
    body = """
cf.for(%x) ^body(%i: val) {
  cf.if(%i) ^then {
    lm.role_end(%s)
    cf.yield()
  } !2:1-5:2
  cf.yield()
} !1:1-7:2"""
    (node,) = build(parse(f"{body}\ncf.return()")).nodes
    assert node.cluster == ("for@1 body", "if@2 then")


def test_only_the_functions_asked_for() -> None:
    module = parse("lm.role_end(%s)\ncf.return()")
    assert len(build(module, ["f"]).nodes) == 1
    assert build(module, []).nodes == ()
    with pytest.raises(KeyError):
        build(module, ["g"])


@pytest.mark.parametrize("promoted", [False, True])
def test_what_follows_an_op_that_never_falls_through_keeps_its_edges(promoted: bool) -> None:
    module = parse(
        """
%a = lm.gen(%s) {name = "a"}
cf.try() {kinds = [[]]} ^body {
  lm.text(%s) {text = ["b"]}
  cf.raise(%a)
} ^except(%e: val) {
  cf.raise(%e)
} !2:1-6:2
lm.text(%s) {text = ["never"]}
cf.return()
"""
    )
    if promoted:
        Promote().apply(module)
    assert (0, 2, "prefix", False) in edges(build(module))


@settings(
    max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(modules())
def test_promotion_does_not_change_the_graph(module: Module) -> None:
    before = build(module)
    Promote().apply(module)
    after = build(module)
    assert [n.name for n in after.nodes] == [n.name for n in before.nodes]
    assert edges(after) == edges(before)
    assert all(e.source < e.target for e in after.forward())
