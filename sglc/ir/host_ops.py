"""Ops that compute: constants and expressions of scripts (`ex`), host code (`py`)."""

from __future__ import annotations

from sglc.ir.attrs import DATA, INT, NAMES, NULL, STR, STRS
from sglc.ir.op_parts import effects
from sglc.ir.spec import AttrSpec, Operand, OpSpec, Result

_HOST_OPERANDS = (Operand("values", "any", variadic=True),)
_PIECE = (
    AttrSpec("src", STR, required=True, doc="source text, for readers; never executed from here"),
    AttrSpec("piece", INT, doc="number of the host piece in the function"),
    AttrSpec("reads", STRS, doc="local names it reads"),
)
EX: tuple[OpSpec, ...] = (
    OpSpec(
        "ex.const",
        "a constant",
        results=(Result("value"),),
        attrs=(AttrSpec("value", DATA, required=True),),
        effects=effects("pure"),
    ),
    OpSpec(
        "ex.unset",
        "the value of a variable that was never assigned; using it is an error",
        results=(Result("value"),),
        attrs=(AttrSpec("name", STR, required=True),),
        effects=effects("pure"),
    ),
    OpSpec(
        "ex.eval",
        "evaluate a script expression over named operands; waits for those it needs",
        operands=(Operand("values", "val", variadic=True),),
        results=(Result("value"),),
        attrs=(
            AttrSpec("src", STR, required=True),
            AttrSpec("names", STRS, required=True, doc="names of the operands, in order"),
        ),
        effects=effects("pure"),
    ),
)
PY: tuple[OpSpec, ...] = (
    OpSpec(
        "py.eval",
        "evaluate a host expression; a handle it can reach is an operand",
        operands=_HOST_OPERANDS,
        results=(Result("value", "any"),),
        attrs=_PIECE,
        effects=effects("host"),
    ),
    OpSpec(
        "py.exec",
        "run host statements; a handle they can reach is an operand",
        operands=_HOST_OPERANDS,
        results=(Result("values", "any", variadic=True),),
        attrs=(*_PIECE, AttrSpec("writes", STRS, doc="local names it assigns")),
        effects=effects("host"),
    ),
    OpSpec(
        "py.call",
        "call a host function that a script declared with `extern`",
        operands=_HOST_OPERANDS,
        results=(Result("value"),),
        attrs=(
            AttrSpec("target", STR, required=True, doc="`module:function`"),
            AttrSpec("args", NAMES, doc="parameter names of the operands, null when positional"),
            AttrSpec("returns", STR | NULL, doc="declared type of the result"),
        ),
        effects=effects("host"),
    ),
)
