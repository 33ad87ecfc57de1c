"""`promote`: what is promoted, what is not and why, and that nothing else changes."""

from __future__ import annotations

import collections

import pytest
from hypothesis import HealthCheck, given, seed, settings

from sglc.ir import equal
from sglc.ir.core import Module
from sglc.ir.parser import parse_module
from sglc.ir.printer import print_module
from sglc.ir.verifier import verify
from sglc.passes.promote import Promote
from tests.ir.check import parse
from tests.ir.random_modules import modules
from tests.passes.demote import demote


def promoted(body: str, params: str = "%s: handle, %x: val", attrs: str = "") -> str:
    """The function's promoted body without locations."""
    module = parse(body, params, attrs)
    verify(module)
    Promote().apply(module)
    verify(module)
    text = print_module(module, locations=False)
    return "\n".join(line[2:] for line in text.split("\n")[4:-2])


def test_straight_line() -> None:
    text = promoted(
        """
lm.text(%s, %x) {text = ["a", "b"]}
%v = lm.gen(%s) {name = "v"}
%r = lm.read(%s) {name = "v"}
lm.role_end(%s)
cf.return(%r)"""
    )
    assert text == (
        """\
%s.1: state = lm.text(%s, %x) {text = ["a", "b"]}
%s.2: state, %v = lm.gen(%s.1) {name = "v"}
%r = lm.read(%s.2) {name = "v"}
%s.3: state = lm.role_end(%s.2)
cf.return(%r)"""
    )


def test_if_gets_an_else_and_both_yield() -> None:
    text = promoted(
        """
cf.if(%x) ^then {
  lm.text(%s) {text = ["a"]}
  cf.yield()
} !1:1-4:2
lm.text(%s) {text = ["b"]}
cf.return()"""
    )
    assert text == (
        """\
%s.1: state = cf.if(%x, %s) ^then(%s.2: state) {
  %s.3: state = lm.text(%s.2) {text = ["a"]}
  cf.yield(%s.3)
} ^else(%s.4: state) {
  cf.yield(%s.4)
}
%s.5: state = lm.text(%s.1) {text = ["b"]}
cf.return()"""
    )


def test_break_carries_the_loops_state_through_an_if_that_does_not_use_it() -> None:
    text = promoted(
        """
%r = cf.while(%x) ^cond(%a: val) {
  cf.condition(%a, %a)
} ^body(%b: val) {
  lm.text(%s) {text = ["a"]}
  cf.if(%b) ^then {
    cf.break(%b)
  } !6:1-8:2
  cf.yield(%b)
} !1:1-9:2
cf.return(%r)"""
    )
    assert text == (
        """\
%r, %s.1: state = cf.while(%x, %s) ^cond(%a: val, %s.2: state) {
  cf.condition(%a, %a, %s.2)
} ^body(%b: val, %s.3: state) {
  %s.4: state = lm.text(%s.3) {text = ["a"]}
  %s.5: state = cf.if(%b, %s.4) ^then(%s.6: state) {
    cf.break(%b, %s.6)
  } ^else(%s.7: state) {
    cf.yield(%s.7)
  }
  cf.yield(%b, %s.5)
}
cf.return(%r)"""
    )


def test_handlers_take_the_state_as_argument() -> None:
    text = promoted(
        """
cf.try() {kinds = [[]]} ^body {
  %v = lm.gen(%s)
  cf.yield()
} ^except(%e: val) {
  lm.append(%s, %e)
  cf.yield()
} ^else {
  cf.yield()
} ^finally {
  cf.yield()
} !1:1-9:2
cf.return()"""
    )
    assert text == (
        """\
%s.1: state = cf.try(%s) {kinds = [[]]} ^body(%s.2: state) {
  %s.3: state, %v = lm.gen(%s.2)
  cf.yield(%s.3)
} ^except(%e: val, %s.4: state) {
  %s.5: state = lm.append(%s.4, %e)
  cf.yield(%s.5)
} ^else(%s.6: state) {
  cf.yield(%s.6)
} ^finally {
  cf.yield()
}
cf.return()"""
    )


def test_scope_and_branches() -> None:
    text = promoted(
        """
%r = lm.var_scope(%s) {name = "all"} ^body {
  %f = lm.fork(%s, %x) {fields = ["d"]} ^branch(%b: handle, %i: val) {
    %d = lm.gen(%b) {name = "d"}
    cf.yield(%d)
  } !2:1-5:2
  cf.yield(%f)
} !1:1-7:2
cf.return(%r)"""
    )
    assert text == (
        """\
%s.1: state, %r = lm.var_scope(%s) {name = "all"} ^body(%s.2: state) {
  %s.3: state, %f = lm.fork(%s.2, %x) {fields = ["d"]} ^branch(%b: state, %i: val) {
    %b.1: state, %d = lm.gen(%b) {name = "d"}
    cf.yield(%d)
  }
  cf.yield(%s.3, %f)
}
cf.return(%r)"""
    )


KEPT = [
    ('%v = py.eval(%s) {src = "f(s)"}\ncf.return()', 1, "it is handed to Python code here"),
    ('%v = py.eval() {src = "f(s)", reads = ["s"]}\ncf.return()', 1, "host code names it here"),
    ("cf.return(%s)", 1, "it is handed to `return` here"),
    ("lm.append(%s, %s)\ncf.return()", 1, "it is handed to `+=` here"),
    ("%v = cf.call(%s) {callee = @other}\ncf.return()", 1, "the function called here may keep it"),
    (
        "cf.try() ^body {\n  cf.yield()\n} ^finally {\n  lm.role_end(%s)\n  cf.yield()\n}"
        " !1:1-1:2\ncf.return()",
        4,
        "it is used in a `finally` block",
    ),
    (
        "%r = lm.fork(%s, %x) ^branch(%b: handle, %i: val) {\n  lm.role_end(%s)\n  cf.yield()\n}"
        " !1:1-1:2\ncf.return()",
        2,
        "it is used in the branch of a fork",
    ),
    (
        "cf.for(%x) ^body(%i: val) {\n  cf.try() ^body {\n    cf.yield()\n  } ^finally {\n"
        "    cf.break()\n  } !2:1-2:2\n  lm.role_end(%s)\n  cf.yield()\n} !1:1-1:2\ncf.return()",
        5,
        "`cf.break` in a `finally` block",
    ),
]


@pytest.mark.parametrize(("body", "line", "reason"), KEPT)
def test_a_handle_that_gets_away_stays_one(body: str, line: int, reason: str) -> None:
    module = parse(body)
    before = print_module(module)
    result = Promote().apply(module)
    remark = next(r for r in result.remarks if "`s`" in r.message)
    assert (remark.span and remark.span.line, remark.label) == (line, reason)
    assert (remark.severity, remark.code) == ("remark", "SGL0360")
    if not result.changed:
        assert print_module(module) == before
    assert module.funcs["f"].params[0].type == "handle"
    verify(module)


def test_fragments_of_the_same_file_are_threaded() -> None:
    text = """sglir 1
module "t.sgl" {
  language = "sgl"
}
func @greet(%s: handle) {kind = "fragment"} {
  lm.text(%s) {text = ["hi"]} !1:1-1:2
  cf.return() !1:1-1:2
} !1:1-1:2
func @main() {kind = "function"} {
  %s: handle = lm.new() !2:1-2:2
  %v = cf.call(%s) {callee = @greet} !3:1-3:2
  lm.role_end(%s) !4:1-4:2
  cf.return(%v) !5:1-5:2
} !2:1-5:2
"""
    module = parse_module(text)
    result = Promote().apply(module)
    verify(module)
    assert not result.remarks
    assert "%s.1: state, %v = cf.call(%s) {callee = @greet}" in print_module(module)


def test_promoted_random_modules_are_linear_and_demote_to_what_they_were() -> None:
    seen: collections.Counter[str] = collections.Counter()

    @settings(
        max_examples=200, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
    )
    @given(modules())
    def check(module: Module) -> None:
        before = parse_module(print_module(module))
        Promote().apply(module)
        verify(module)
        assert equal(parse_module(print_module(module)), module)
        for func in module.funcs.values():
            seen.update(o.name for o in func.walk() if any(v.type == "state" for v in o.operands))
        demote(module)
        verify(module)
        assert equal(module, before)

    wanted = {"lm.text", "lm.gen", "lm.fork", "lm.var_scope", "cf.if", "cf.for", "cf.while"}
    wanted |= {"cf.try", "cf.checkpoint", "cf.yield", "cf.condition"}
    # Which modules are drawn depends on the constants in the sources; rare ones may need more.
    for number in range(5):
        seed(number)(check)()
        if wanted <= seen.keys():
            break
    assert wanted <= seen.keys(), "the random modules left out a construct"
    assert seen["cf.break"] + seen["cf.continue"] >= 5
