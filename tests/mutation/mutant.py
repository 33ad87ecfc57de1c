"""
Faults put into lowering, passes and emission on purpose, as later faults of ours would be.

A mutant replaces a real function by one that does its work and then something wrong. `Seen` counts
how often it really changed something, so that no mutant passes for caught without being there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

import sglc.frontends.script.compile as script_compile
from sglc.ir.core import Module, Op, Region

Change = Callable[[Module], bool]
"""Changes a module; whether it did."""


@dataclass
class Seen:
    """What a mutant did."""

    changes: int = 0


@dataclass(frozen=True)
class Mutant:
    """One fault."""

    name: str
    where: str
    """The step that has the fault."""
    apply: Callable[[pytest.MonkeyPatch, Seen], None]
    caught_by: str = field(default="", compare=False)
    """The check that notices it first."""


MUTANTS: list[Mutant] = []


def lowering(caught_by: str) -> Callable[[Change], Change]:
    """A mutant of the script front end: changes what it lowered."""

    def add(change: Change) -> Change:
        def apply(patch: pytest.MonkeyPatch, seen: Seen) -> None:
            real = script_compile.lower

            def mutated(loaded: Any) -> Module:
                module = real(loaded)
                seen.changes += change(module)
                return module

            patch.setattr(script_compile, "lower", mutated)

        MUTANTS.append(Mutant(_name(change), "lowering scripts", apply, caught_by))
        return change

    return add


def after(passed: type[Any], caught_by: str) -> Callable[[Change], Change]:
    """A mutant of a pass: changes what it made."""

    def add(change: Change) -> Change:
        def apply(patch: pytest.MonkeyPatch, seen: Seen) -> None:
            real = passed.apply

            def mutated(self: Any, module: Module) -> Any:
                result = real(self, module)
                seen.changes += change(module)
                return result

            patch.setattr(passed, "apply", mutated)

        MUTANTS.append(Mutant(_name(change), f"`{passed.name}`", apply, caught_by))
        return change

    return add


def patched(where: str, caught_by: str) -> Callable[[Any], Any]:
    """A mutant that replaces something by itself."""

    def add(apply: Callable[[pytest.MonkeyPatch, Seen], None]) -> Any:
        MUTANTS.append(Mutant(_name(apply), where, apply, caught_by))
        return apply

    return add


def _name(function: Any) -> str:
    return str(function.__name__).replace("_", " ")


def ops(module: Module, name: str) -> Iterator[Op]:
    """Every operation of that name."""
    for func in module.funcs.values():
        yield from (op for op in func.walk() if op.name == name)


def first(module: Module, name: str, **attrs: Any) -> Op | None:
    """The first operation of that name with those attributes."""
    found = ops(module, name)
    return next((op for op in found if attrs.items() <= dict(op.attrs).items()), None)


def home(op: Op) -> Region:
    """The region that an operation stands in."""
    assert op.parent is not None
    return op.parent


def take_out(op: Op) -> bool:
    """Remove an operation; whoever used the prompt after it uses the one before."""
    if op.results and op.results[0].type == "state":
        op.results[0].replace_all_uses_with(op.operands[0])
    region = home(op)
    op.operands = []
    region.ops.remove(op)
    return True
