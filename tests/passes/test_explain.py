"""The analysis behind `sglc explain`."""

from __future__ import annotations

import pytest

from sglc.passes.explain import FunctionReport, explain_function
from sglc.passes.pipeline import Pipeline
from tests.ir.check import parse


def report(body: str, pipeline: str = "") -> FunctionReport:
    module = parse(f"{body}\ncf.return()")
    Pipeline.parse(pipeline).run(module)
    return explain_function(module, module.funcs["f"])


AGENT = """
lm.text(%s, %x) {text = ["Question: ", "\\n"]}
%n = ex.eval(%x) {src = "range(x)", names = ["x"]}
cf.for(%n) ^body(%step: val) {
  %tool = lm.select(%s) {name = "tool", choices = ["calc", "end"]}
  %c = ex.eval(%tool) {src = "tool == 'calc'", names = ["tool"]}
  cf.if(%c) ^then {
    %expr = lm.gen(%s) {name = "expr"}
    %obs = py.call(%expr) {target = "tools:calc"}
    lm.text(%s, %obs) {text = ["", ""]}
    cf.yield()
  } !6:1-11:2
  cf.yield()
} !3:1-13:2
%t = lm.observe(%s) {what = "text"}
lm.text(%s, %t) {text = ["", ""]}
"""


@pytest.mark.parametrize("pipeline", ["", "promote,prefix-hoist,fork-parallel"])
def test_waits_name_the_place_and_the_generation(pipeline: str) -> None:
    found = report(AGENT, pipeline)
    waits = [
        (
            w.loc.line if w.loc else 0,
            w.what,
            [(s.loc.line if s.loc else 0, s.what) for s in w.sources],
        )
        for w in found.waits
    ]
    assert waits == [
        (5, "condition of `if`", [(4, "select tool")]),
        (8, "host code `tools:calc`", [(7, "gen expr")]),
    ]
    assert [(h.loc.line if h.loc else 0, h.text) for h in found.host] == [(8, "`tools:calc`")]
    assert "extern" in found.host[0].why
    assert found.prefix is not None
    assert found.prefix.segments == ("Question: ",)
    assert found.generations == 2
    assert found.handles == (() if pipeline else ("s",))


def test_python_reads_lead_to_their_generation() -> None:
    found = report(
        """
%a = lm.gen(%s) {name = "tool"}
%r = lm.read(%s) {name = "tool"}
%c = py.eval(%r) {src = "s['tool'] == 'x'", reads = []}
cf.if(%c) ^then {
  cf.yield()
} !4:1-6:2
%o = lm.observe(%s) {what = "messages"}
%p = py.exec(%o, %o) {src = "print(s.messages())\\nmore()"}
"""
    )
    waits = [(w.what, [s.what for s in w.sources]) for w in found.waits]
    assert waits[0] == ("`s['tool'] == 'x'`", ["gen tool"])
    assert waits[1] == ("host code `print(s.messages()) …`", ["messages of the prompt"])
    assert "condition of `if`" not in [what for what, _ in waits]


def test_text_never_waits() -> None:
    found = report('%v = lm.gen(%s)\nlm.text(%s, %v) {text = ["", ""]}\nlm.append(%s, %v)')
    assert found.waits == ()


def test_parallel_and_calls() -> None:
    found = report(
        """
%r = lm.fork(%s, %x) {fields = ["d"]} ^branch(%b: handle, %i: val) {
  %d = lm.gen(%b) {name = "d"}
  cf.yield(%d)
} !1:1-4:2
%q = lm.fork(%s, %x) {fields = []} ^branch(%e: handle, %j: val) {
  %h = py.call(%j) {target = "web:get"}
  cf.yield()
} !5:1-8:2
cf.for(%r) ^body(%t: val) {
  %l = ex.eval(%t) {src = "t.d", names = ["t"]}
  cf.if(%l) ^then {
    cf.yield()
  } !11:1-13:2
  cf.yield()
} !9:1-14:2
"""
    )
    first, second = found.parallel
    assert first.parallel
    assert not second.parallel
    assert second.reason == "it runs host code, `web:get`"
    assert second.because is not None
    assert second.because.line == 6
    # The list of branches is there at once; what a branch generated is waited for where it is used.
    (wait,) = found.waits
    assert (wait.what, [s.what for s in wait.sources]) == ("condition of `if`", ["gen d"])


def test_pending_parameters_wait() -> None:
    found = report('%v = lm.gen(%s) {name = "a"}\n%w = lm.gen(%s, %v) {args = ["stop"]}')
    (wait,) = found.waits
    assert wait.what == "parameter `stop` of `gen`"


def test_what_is_lifted_and_which_code_is_left() -> None:
    found = report(
        """
lm.role_begin(%s) {role = "user"}
lm.text(%s) {text = ["a"]}
lm.role_end(%s)
%n = py.eval() {src = "len(xs) + 1", piece = 0}
py.exec(%n) {src = "n = ...", piece = 1}
%y = py.eval() {src = "load(xs)", piece = 2}
%f: list = lm.fork(%s, %n)
%z: handle = lm.item(%f, %n)
"""
    )
    assert found.lifted == 3  # role, text, fork
    assert [(piece.kind, piece.text) for piece in found.host] == [
        ("value", "`len(xs) + 1`"),
        ("host", "`load(xs)`"),
    ]


def test_forks_say_how_many_branches_they_have() -> None:
    found = report("%f: list = lm.fork(%s) {size = 3}\n%g: list = lm.fork(%s, %x)")
    assert [(p.kind, p.branches, p.parallel) for p in found.parallel] == [
        ("fork", 3, True),
        ("fork", None, True),
    ]
