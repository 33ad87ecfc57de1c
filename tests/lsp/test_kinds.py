"""The kinds that are shown are those that values have: expressions are inferred and evaluated."""

from __future__ import annotations

from hypothesis import given, settings

from sglc.expressions.evaluate import evaluate
from sglc.expressions.nodes import Expr
from sglc.expressions.printer import print_expr
from sglc.expressions.values import ValueFailedError
from sglc.frontends.script.ast import Assign, Function
from sglc.lsp import kinds
from sglc.lsp.kinds import Choice, Either, Kind, Named
from tests.expressions.generate import expressions
from tests.lsp.scripts import analysed

VARIABLES = {"x": 3, "y": -1, "items": [1, 2, 3], "tool": "calc", "s": "a b"}
HEADER = "def f(x: int, y: int, items: list[int], tool: str, s: str):\n"
_TYPES = {"str": str, "int": int, "float": float, "bool": bool, "none": type(None), "range": range}


def fits(value: object, kind: Kind) -> bool:
    """Whether a value is of a kind."""
    match kind:
        case Named(name="any"):
            return True
        case Either():
            return any(fits(value, member) for member in kind.members)
        case Choice():
            return value == kind.value
        case Named(name="list", args=args):
            items = isinstance(value, list | tuple)
            return items and all(fits(item, arg) for arg in args for item in value)  # type: ignore[attr-defined]
        case Named(name="dict", args=args):
            known = isinstance(value, dict)
            return known and all(fits(v, args[1]) for v in value.values() if args)  # type: ignore[attr-defined]
        case Named():
            return type(value) is _TYPES[kind.name]
    return False


@settings(max_examples=200, deadline=None)
@given(expressions)
def test_values_are_of_their_kind(expr: Expr) -> None:
    try:
        value = evaluate(expr, VARIABLES)
    except ValueFailedError:
        return  # it has none
    analysis, _, _ = analysed(f"{HEADER}    v = {print_expr(expr)}\n")
    function = analysis.index.unit.script.items[0]
    assert isinstance(function, Function)
    statement = function.body[0]
    assert isinstance(statement, Assign)
    kind = analysis.inference.expr(statement.value)
    assert fits(value, kind), f"{value!r} is no {kinds.show(kind)}"
