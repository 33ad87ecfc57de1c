"""
Lowerings by code object, so that functions made of one code are lowered once.

Closures made in a loop, methods and re-decorated functions share a code object; what differs is
the meaning of their names, which is compared before a lowering is used again.
"""

from __future__ import annotations

import ast
import types
import weakref
from collections.abc import Mapping
from dataclasses import dataclass

from sglc.diagnostics.core import Diagnostic
from sglc.frontends.python.names import LiveNames, Path
from sglc.frontends.python.rewrite import Plan
from sglc.frontends.python.scope import Scope
from sglc.frontends.python.source import FunctionNode, FunctionSource
from sglc.frontends.python.tails import TailShape
from sglc.ir.core import Module


class NoNames:
    """The resolver of a scope that belongs to no function."""

    def resolve(self, path: Path) -> str | None:
        """Nothing is known."""
        return None


@dataclass(frozen=True, slots=True)
class Lowering:
    """
    What compiling found about a code object, good for every function made of it.

    Holds no live object of the user's, so that it does not keep the code alive that it is kept for.
    """

    source: FunctionSource
    scope: Scope
    plan: Plan
    module: Module
    remarks: tuple[Diagnostic, ...]
    guarded: Mapping[Path, str | None]
    """What names meant on which the running form relies."""
    read: Mapping[Path, str | None]
    """What names meant that only the IR mentions."""
    plain: frozenset[str]
    """Functions of the file that names stand for."""
    tail: TailShape | None
    strand: FunctionNode | None

    def fits(self, names: LiveNames, others: LiveNames) -> bool:
        """Whether the names of another function mean the same; `names` gets its guards."""
        return (
            all(names.resolve(path) == symbol for path, symbol in self.guarded.items())
            and all(others.resolve(path) == symbol for path, symbol in self.read.items())
            and plain_functions(self.source, names).keys() == self.plain
        )


_lowerings: dict[int, tuple[weakref.ref[types.CodeType], Lowering]] = {}
"""By the identity of a code object: equal ones may come from different files."""


def lowering_of(code: types.CodeType) -> Lowering | None:
    """The lowering of a code object, if one was kept."""
    kept, lowering = _lowerings.get(id(code), (None, None))
    return lowering if kept is not None and kept() is code else None


def keep_lowering(code: types.CodeType, lowering: Lowering) -> None:
    """Keep a code object's first lowering for as long as the code lives."""
    if lowering_of(code) is not None:
        return
    key = id(code)
    _lowerings[key] = weakref.ref(code, lambda _: _lowerings.pop(key, None)), lowering


def plain_functions(source: FunctionSource, names: LiveNames) -> dict[str, ast.FunctionDef]:
    """Functions at the top of the file, by names that stand for functions now."""
    return {
        node.name: node
        for node in source.file.tree.body
        if isinstance(node, ast.FunctionDef)
        and isinstance(names.lookup((node.name,)), types.FunctionType)
    }
