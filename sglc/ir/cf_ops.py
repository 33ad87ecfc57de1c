"""Control flow: calls, branches, loops, errors, and the ends of regions."""

from __future__ import annotations

from sglc.ir.attrs import INT, NAMES, STRS, SYMBOL, list_of
from sglc.ir.op_parts import CARRIED, LEAVE, OUT, PARALLEL, PROMPT, YIELD, effects
from sglc.ir.spec import AttrSpec, Operand, OpSpec, RegionSpec, Result

_IF_ARGS = "the operands after the condition"
CF: tuple[OpSpec, ...] = (
    OpSpec(
        "cf.call",
        "call a function that works on the caller's prompt",
        operands=(PROMPT, Operand("arguments", "any", variadic=True)),
        results=(Result("value"),),
        attrs=(
            AttrSpec("callee", SYMBOL, required=True),
            AttrSpec("args", NAMES, doc="parameter names of the operands after the prompt"),
        ),
        effects=effects("state", "sample", "control"),
        moves=True,
    ),
    OpSpec(
        "cf.if",
        "run one of two regions; waits for the condition",
        operands=(Operand("condition", "val"), CARRIED),
        results=(OUT,),
        regions=(
            RegionSpec("then", YIELD, args=_IF_ARGS),
            RegionSpec("else", YIELD, optional=True, args=_IF_ARGS),
        ),
        effects=effects("control"),
    ),
    OpSpec(
        "cf.while",
        "run the body while the condition region says so",
        operands=(CARRIED,),
        results=(OUT,),
        regions=(
            RegionSpec("cond", LEAVE | {"cf.condition"}, args="carried"),
            RegionSpec("body", YIELD, args="carried"),
            RegionSpec("else", YIELD, optional=True, args="carried"),
        ),
        effects=effects("control"),
    ),
    OpSpec(
        "cf.for",
        "run the body once for each item",
        operands=(Operand("iterable", "iterable"), CARRIED),
        results=(OUT,),
        attrs=(PARALLEL,),
        regions=(
            RegionSpec("body", YIELD, args="item, carried"),
            RegionSpec("else", YIELD, optional=True, args="carried"),
        ),
        effects=effects("control"),
    ),
    OpSpec(
        "cf.try",
        "run the body; a handler region takes over when it raises",
        operands=(CARRIED,),
        results=(OUT,),
        attrs=(
            AttrSpec(
                "kinds",
                list_of(STRS),
                doc="for each `except` region the kinds it handles; empty means all",
            ),
        ),
        regions=(
            RegionSpec("body", YIELD, args="carried"),
            RegionSpec("except", YIELD, optional=True, repeated=True, args="exception, carried"),
            RegionSpec("else", YIELD, optional=True, args="carried, after the body"),
            RegionSpec("finally", YIELD, optional=True, args="carried"),
        ),
        effects=effects("control"),
    ),
    OpSpec(
        "cf.checkpoint",
        "remember a try's carried values, for its handlers; borrows states",
        operands=(CARRIED,),
        attrs=(AttrSpec("level", INT, doc="which try around: 0 is the innermost"),),
        effects=effects("control"),
    ),
    OpSpec(
        "cf.with",
        "run the body inside a context manager",
        operands=(Operand("context", "val"), CARRIED),
        results=(OUT,),
        regions=(RegionSpec("body", YIELD, args="target, carried"),),
        effects=effects("control", "host"),
    ),
    OpSpec(
        "cf.yield",
        "end a region and hand over its results",
        operands=(CARRIED,),
        effects=effects("control"),
        terminator=True,
    ),
    OpSpec(
        "cf.condition",
        "end a condition region: go on or not",
        operands=(Operand("condition", "val"), CARRIED),
        effects=effects("control"),
        terminator=True,
    ),
    OpSpec(
        "cf.break",
        "leave the innermost loop with these carried values",
        operands=(CARRIED,),
        effects=effects("control"),
        terminator=True,
    ),
    OpSpec(
        "cf.continue",
        "next turn of the innermost loop with these carried values",
        operands=(CARRIED,),
        effects=effects("control"),
        terminator=True,
    ),
    OpSpec(
        "cf.return",
        "leave the function; a promoted prompt keeps its last state",
        operands=(Operand("value", "any", optional=True),),
        effects=effects("control"),
        terminator=True,
    ),
    OpSpec(
        "cf.raise",
        "raise the value, or the exception being handled",
        operands=(Operand("exception", "val", optional=True),),
        effects=effects("control"),
        terminator=True,
    ),
)
