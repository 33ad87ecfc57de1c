"""Effects of ops, regions and functions, from what ops declare; unknown callees are unknown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sglc.ir.core import Func, Module, Op, Symbol, Value
from sglc.ir.ops import OPS

_NUMBER = re.compile(r"\.\d+\Z")


def callee_of(module: Module, op: Op) -> Func | None:
    """The function that a `lm.run` or `cf.call` calls, or None when it is not in the module."""
    callee = op.attrs.get("callee")
    return module.funcs.get(callee.name) if isinstance(callee, Symbol) else None


def host_ops(module: Module, ops: Iterable[Op]) -> Iterator[tuple[Op, str]]:
    """
    Ops that may run host code, with what they run, calls followed into the module.

    The op is the one in `ops` itself: for a call it is the call, whatever the callee contains.
    """
    for op in ops:
        what = _host_code(module, op, set())
        if what:
            yield op, what


def _host_code(module: Module, op: Op, seen: set[str]) -> str:
    if op.name in ("lm.run", "cf.call"):
        callee = callee_of(module, op)
        if callee is None:
            name = op.attrs.get("callee")
            return f"`{name.name if isinstance(name, Symbol) else '?'}`, whose effects are unknown"
        if callee.name in seen:
            return ""
        seen.add(callee.name)
        inner = next((w for o in callee.walk() if (w := _host_code(module, o, seen))), "")
        return f"{inner}, called by `{callee.name}`" if inner else ""
    if op.name == "lm.append" and _is_text(op.operands[1]):
        return ""
    return describe(op) if "host" in OPS[op.name].effects else ""


def _is_text(value: Value) -> bool:
    """Whether a value is certainly text, so that appending it runs no host code."""
    made_by = value.owner
    if not isinstance(made_by, Op):
        return False
    constant = made_by.name == "ex.const" and isinstance(made_by.attrs.get("value"), str)
    return constant or made_by.name in ("lm.gen", "lm.select")


def describe(op: Op) -> str:
    """A host op in words."""
    text = op.attrs.get("target") or op.attrs.get("src")
    if isinstance(text, str):
        first, *more = text.strip().split("\n")
        return f"`{first}{' …' if more else ''}`"
    return f"`{op.name}`"


def base_name(value: Value) -> str:
    """The source name of a value: its hint without the number that the printer may have added."""
    return _NUMBER.sub("", value.name)


def names_value(op: Op, value: Value) -> bool:
    """
    Whether host code names the local variable that holds the value.

    Host code reads Python locals by name. Front ends hand the prompts it reaches over as operands,
    so this is a second net, on the safe side: names are hints.
    """
    if not op.name.startswith("py."):
        return False
    listed = [op.attrs.get(key, ()) for key in ("reads", "writes")]
    return any(base_name(value) in names for names in listed if isinstance(names, tuple))


def moved_from_outside(ops: Iterable[Op], inside: set[Value]) -> Iterator[Op]:
    """Ops among `ops` that move a prompt which is not one of `inside`."""
    for op in ops:
        spec = OPS[op.name]
        takes_prompt = bool(spec.operands) and spec.operands[0].type == "prompt"
        moves = spec.moves or op.name == "lm.var_scope"
        if takes_prompt and moves and op.operands[0] not in inside:
            yield op
