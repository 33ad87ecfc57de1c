"""Names are unique, stable, and taken from hints."""

from __future__ import annotations

from sglc.ir.builder import Builder, make_func
from sglc.ir.core import Loc, Module
from sglc.ir.parser import parse_module
from sglc.ir.printer import op_text, print_module


def _module(hints: list[str]) -> Module:
    module = Module("t.sgl")
    func = make_func(module, "f", [("s", "handle")], loc=Loc(1, 1, 1, 2))
    build = Builder(func.body, Loc(1, 1, 1, 2))
    for hint in hints:
        build.val("ex.const", attrs={"value": None}, hint=hint)
    build.op("cf.return")
    return module


def _names(module: Module) -> list[str]:
    lines = print_module(module).split("\n")
    return [line.split(" = ex")[0].strip() for line in lines if " = ex" in line]


def test_repeated_hints_are_numbered_in_order() -> None:
    assert _names(_module(["x", "x", "y", "x"])) == ["%x", "%x.1", "%y", "%x.2"]


def test_numbered_hints_do_not_collide_with_given_ones() -> None:
    assert _names(_module(["x.1", "x", "x"])) == ["%x.1", "%x", "%x.2"]


def test_hints_that_are_no_names_are_made_into_names() -> None:
    assert _names(_module(["a b", "", "größe"])) == ["%a_b", "%v", "%größe"]


def test_names_survive_parsing() -> None:
    text = print_module(_module(["x", "x", "x.1", "x", "", ""]))
    assert print_module(parse_module(text)) == text


def test_op_text_is_one_line() -> None:
    module = parse_module(
        'sglir 1\nmodule "a"\nfunc @f(%c: val) {\n  cf.if(%c) ^then {\n    cf.yield()\n  }\n'
        "  cf.return()\n}\n"
    )
    assert op_text(module.funcs["f"].body.ops[0]) == "cf.if(%c) ^then {…}"
