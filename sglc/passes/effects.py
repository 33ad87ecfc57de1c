"""Effects of ops, regions and functions, from what ops declare; unknown callees are unknown."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator

from sglc.ir.core import Func, Module, Op, Symbol, Value
from sglc.ir.ops import OPS

CALLS = ("lm.run", "cf.call")
_NUMBER = re.compile(r"\.\d+\Z")


def callee_of(module: Module, op: Op) -> Func | None:
    """The function that a `lm.run` or `cf.call` calls, or None when it is not in the module."""
    callee = op.attrs.get("callee")
    return module.funcs.get(callee.name) if isinstance(callee, Symbol) else None


class HostCode:
    """
    Which functions of a module may run host code, and what; calls are followed into the module.

    Computed once for a module: following every call anew would be quadratic.
    """

    def __init__(self, module: Module) -> None:
        self.module = module
        self.known: dict[str, str] = {}
        """What a function runs, in words; functions that run none are left out."""
        callers: dict[str, list[str]] = {}
        for func in module.funcs.values():
            for op in func.walk():
                callee = callee_of(module, op) if op.name in CALLS else None
                if callee is not None:
                    callers.setdefault(callee.name, []).append(func.name)
                elif func.name not in self.known and (what := self._own(op)):
                    self.known[func.name] = what
        reached = deque(self.known)
        while reached:
            name = reached.popleft()
            for caller in callers.get(name, ()):
                if caller not in self.known:
                    self.known[caller] = self._by(name)
                    reached.append(caller)

    def of(self, op: Op) -> str:
        """The host code that one op may run, in words, regions left out; empty if none."""
        callee = callee_of(self.module, op) if op.name in CALLS else None
        if callee is None:
            return self._own(op)
        return self._by(callee.name) if callee.name in self.known else ""

    def _by(self, name: str) -> str:
        return f"{self.known[name]}, called by `{name}`"

    def _own(self, op: Op) -> str:
        if op.name in CALLS:
            name = op.attrs.get("callee")
            return f"`{name.name if isinstance(name, Symbol) else '?'}`, whose effects are unknown"
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


_WORDS = {
    "py.eval": "Python code",
    "py.exec": "Python code",
    "py.call": "host code",
    "cf.return": "`return`",
    "cf.call": "a call",
    "lm.run": "a call",
    "lm.append": "`+=`",
}


def receiver(op: Op) -> str:
    """What a value is handed to when this op takes it, in words of the program."""
    return _WORDS.get(op.name, f"`{op.name}`")


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
