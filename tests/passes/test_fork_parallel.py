"""`fork-parallel`: marks what is independent by declared effects; says why not otherwise."""

from __future__ import annotations

import pytest

from sglc.ir.parser import parse_module
from sglc.passes.fork_parallel import ForkParallel
from sglc.passes.pipeline import Pipeline
from tests.ir.check import parse

PIPELINES = pytest.mark.parametrize("pipeline", ["fork-parallel", "promote,fork-parallel"])
BRANCH = """
%r = lm.fork(%s, %x) {{fields = []}} ^branch(%b: handle, %i: val) {{
{branch}
cf.yield()
}} !1:1-5:2
cf.return(%r)"""
LOOP = """
%fs: list = lm.fork(%s) {{size = 3}}
cf.for(%fs) ^body(%f: handle) {{
{turn}
}} !2:1-5:2
{after}
cf.return()"""


def outcome(body: str, pipeline: str, name: str) -> tuple[bool, str]:
    """Whether the first op of this name is marked, and the remark at its line."""
    module = parse(body)
    remarks = Pipeline.parse(pipeline).run(module)
    op = next(op for op in module.funcs["f"].walk() if op.name == name)
    line = op.loc.line if op.loc else 0
    messages = [r.message for r in remarks if r.code in ("SGL0363", "SGL0364")]
    here = [r for r in remarks if r.message in messages and r.span and r.span.line == line]
    assert len(here) == 1
    return op.attrs.get("parallel") is True, here[0].message


@PIPELINES
@pytest.mark.parametrize(
    ("branch", "parallel", "message"),
    [
        ("%v = lm.gen(%b)", True, "branches run in parallel"),
        ('%v = lm.gen(%b)\n%o = lm.read(%s) {name = "q"}\nlm.append(%b, %v)', True, "in parallel"),
        ('%v = ex.eval(%i) {src = "i", names = ["i"]}', True, "in parallel"),
        ('%v = py.call(%i) {target = "tools:calc"}', False, "host code, `tools:calc` (line 2)"),
        ("lm.append(%b, %i)", False, "host code, `lm.append` (line 2)"),
        ("lm.role_end(%s)", False, "appends to a prompt of the surrounding code (line 2)"),
        (
            "cf.if(%i) ^then {\n%v = lm.gen(%s)\ncf.yield()\n} !2:1-3:2",
            False,
            "appends to a prompt of the surrounding code (line 3)",
        ),
        ("%v = lm.run(%i) {callee = @g}", False, "host code, `g`, whose effects are unknown"),
    ],
)
def test_branches_of_a_script(branch: str, parallel: bool, message: str, pipeline: str) -> None:
    marked, text = outcome(BRANCH.format(branch=branch), pipeline, "lm.fork")
    assert marked is parallel
    assert message in text


@PIPELINES
@pytest.mark.parametrize(
    ("turn", "parallel", "message"),
    [
        ("%v = lm.gen(%f)\ncf.yield()", True, "in parallel"),
        ('%v = py.eval(%f) {src = "g(f)"}\ncf.yield()', False, "host code, `g(f)` (line 3)"),
        (
            "%v = lm.gen(%f)\nlm.role_end(%s)\ncf.yield()",
            False,
            "in order: it appends to a prompt of the surrounding code",
        ),
        ("%v = lm.gen(%f)\ncf.break()", False, "a turn may leave it early (line 4)"),
        (
            "%v = lm.gen(%f)\ncf.if(%v) ^then {\ncf.return()\n} !4:1-4:2\ncf.yield()",
            False,
            "a turn may leave it early (line 5)",
        ),
    ],
)
@pytest.mark.parametrize("name", ["lm.fork", "cf.for"])
def test_loop_over_branches(
    name: str, turn: str, parallel: bool, message: str, pipeline: str
) -> None:
    marked, text = outcome(LOOP.format(turn=turn, after=""), pipeline, name)
    assert marked is parallel
    assert message in text


def test_a_loop_that_hands_something_on_stays_in_order() -> None:
    body = """
%fs: list = lm.fork(%s) {size = 3}
%r = cf.for(%fs, %x) ^body(%f: handle, %last: val) {
  lm.text(%f, %last) {text = ["", ""]}
  %v = lm.gen(%f)
  cf.yield(%v)
} !2:1-6:2
cf.return(%r)"""
    marked, text = outcome(body, "fork-parallel", "cf.for")
    assert not marked
    assert "a turn uses what the turn before it made" in text


@pytest.mark.parametrize(
    ("after", "parallel", "message"),
    [
        ('lm.join(%s, %fs) {mode = "gather_variable"}', True, "in parallel"),
        ("%c = ex.const() {value = 0}\n%i: handle = lm.item(%fs, %c)\nlm.role_end(%i)", True, ""),
        (
            "%c = ex.const() {value = 0}\n%i: handle = lm.item(%fs, %c)\n"
            '%v = py.eval(%i) {src = "a"}',
            False,
            "a branch is handed to Python code",
        ),
        ('%v = py.eval(%fs) {src = "f(fs)"}', False, "the branches are handed to Python code"),
    ],
)
def test_other_uses_of_branches(after: str, parallel: bool, message: str) -> None:
    turn = "%v0 = lm.gen(%f)\ncf.yield()"
    marked, text = outcome(LOOP.format(turn=turn, after=after), "fork-parallel", "lm.fork")
    assert marked is parallel
    assert message in text


CALLS = """sglir 1
module "t.sgl" {{
  language = "sgl"
}}
func @f(%x: val) {{
  %a = lm.run(%x) {{callee = @ask}} !2:1-2:2
  cf.return(%a) !3:1-3:2
}} !1:1-3:2
func @ask(%q: val) {{
  %s: handle = lm.new() !5:1-5:2
  lm.text(%s, %q) {{text = ["Q: ", ""]}} !6:1-6:2
  {inner} !7:1-7:2
  cf.return(%v) !8:1-8:2
}} !4:1-8:2
"""


@PIPELINES
@pytest.mark.parametrize(
    ("inner", "message"),
    [
        ("%v = lm.gen(%s)", "the call runs in parallel"),
        ("%v = lm.run(%q) {callee = @ask}", "the call runs in parallel"),
        (
            '%v = py.call(%q) {target = "web:get"}',
            "the call runs in order: it runs host code, `web:get`, called by `ask` (line 2)",
        ),
    ],
)
def test_calls(inner: str, message: str, pipeline: str) -> None:
    module = parse_module(CALLS.format(inner=inner))
    remarks = Pipeline.parse(pipeline).run(module)
    call = module.funcs["f"].body.ops[0]
    first = next(r for r in remarks if r.span and r.span.line == 2)
    assert first.message == message
    assert (call.attrs.get("parallel") is True) == ("in parallel" in message)


def test_running_twice_changes_nothing_more() -> None:
    module = parse(BRANCH.format(branch="%v = lm.gen(%b)"))
    assert ForkParallel().apply(module).changed
    assert not ForkParallel().apply(module).changed


def test_a_loop_that_only_reads_branches_does_not_matter() -> None:
    body = """
%fs: list = lm.fork(%s) {size = 3}
cf.for(%fs) ^body(%f: handle) {
  %v = lm.gen(%f) {name = "v"}
  cf.yield()
} !2:1-5:2
cf.for(%fs) ^body(%g: handle) {
  %r = lm.read(%g) {name = "v"}
  lm.text(%s, %r) {text = ["- ", ""]}
  cf.yield()
} !6:1-10:2
cf.return()"""
    for pipeline in ("fork-parallel", "promote,fork-parallel"):
        module = parse(body)
        remarks = Pipeline.parse(pipeline).run(module)
        marked = [op.name for op in module.funcs["f"].walk() if op.attrs.get("parallel")]
        assert marked == ["lm.fork", "cf.for"]
        assert [r.code for r in remarks] == ["SGL0363", "SGL0363"]
