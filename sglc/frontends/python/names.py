"""
What the names in a function mean: which of them are the language's own, known by identity.

A live function's names are looked up in its cells, globals and builtins, through modules only, so
that no code of the user's runs. A file that is only read is resolved through its imports. Either
way the answer is a symbol such as `gen` or `builtins.range`, and everything else is unknown.
"""

from __future__ import annotations

import ast
import builtins
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from sglc.frontends.python.source import FunctionNode

ROOTS = ("sglc", "sglang")
"""Packages whose names are the language's, when a file is only read."""

ROLES = ("system", "user", "assistant")
ROLE_MARKS = tuple(f"{role}_{end}" for role in ROLES for end in ("begin", "end"))
API = frozenset(
    {
        "gen",
        "gen_int",
        "gen_string",
        "select",
        "image",
        "video",
        "separate_reasoning",
        "function",
        *ROLES,
        *ROLE_MARKS,
    }
)
"""Names of the language that lowering understands."""

TOTAL_BUILTINS = frozenset(
    {"range", "enumerate", "zip", "len", "str", "int", "float", "bool", "reversed"}
)
"""Builtins that lowering understands, by their names in `builtins`."""

Path = tuple[str, ...]


class Resolver(Protocol):
    """Says what a dotted name outside the function's locals stands for."""

    def resolve(self, path: Path) -> str | None:
        """Symbol such as `gen`, `builtins.len`, `program:other`, or None when unknown."""


def dotted(node: ast.expr) -> Path | None:
    """`a.b.c` as a tuple of names, or None for any other expression."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return (node.id, *reversed(names))


@dataclass(frozen=True, slots=True)
class Guard:
    """A name that compilation relied on; checked at the start of each run."""

    path: Path
    value: object

    def holds(self, lookup: Callable[[Path], object]) -> bool:
        """Whether the name still stands for the same object."""
        return lookup(self.path) is self.value


_MISSING = object()


class LiveNames:
    """Names of a live function, by identity. Remembers a guard for everything it answered."""

    def __init__(self, function: types.FunctionType) -> None:
        self._globals = function.__globals__
        self._cells = dict(
            zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        )
        builtin_scope = self._globals.get("__builtins__", builtins)
        self._builtins: Mapping[str, object] = (
            vars(builtin_scope)
            if isinstance(builtin_scope, types.ModuleType)
            else builtin_scope
            if isinstance(builtin_scope, dict)
            else vars(builtins)
        )
        self.guards: dict[Path, Guard] = {}
        self.answers: dict[Path, str | None] = {}
        """Everything that was asked, known or not."""

    def lookup(self, path: Path) -> object:
        """The object a dotted name stands for now, or a marker that equals nothing."""
        name, *rest = path
        if name in self._cells:
            try:
                value = self._cells[name].cell_contents
            except ValueError:
                return _MISSING
        elif name in self._globals:
            value = self._globals[name]
        else:
            value = self._builtins.get(name, _MISSING)
        for attribute in rest:
            if not isinstance(value, types.ModuleType):
                return _MISSING
            value = _attribute(value, attribute)
        return value

    def resolve(self, path: Path) -> str | None:
        """The symbol, with a guard remembered when there is one."""
        value = self.lookup(path)
        symbol = symbol_of(value)
        self.answers.setdefault(path, symbol)
        if symbol is not None:
            self.guards.setdefault(path, Guard(path, value))
        return symbol

    def broken(self) -> list[Guard]:
        """Guards that no longer hold."""
        return [g for g in self.guards.values() if not g.holds(self.lookup)]


def _attribute(module: types.ModuleType, name: str) -> object:
    """What a module has under a name, without running a user's `__getattr__`."""
    if module is sys.modules.get("sglc"):
        return getattr(module, name, _MISSING)  # ours, which loads its names at first use
    return vars(module).get(name, _MISSING)


def symbol_of(value: object) -> str | None:
    """The symbol of an object that is one of the language's own, by identity."""
    name = _language().get(id(value))
    if name is not None:
        return name
    if type(value).__name__ == "SglFunction" and type(value).__module__.startswith("sglc."):
        function = getattr(value, "func", None)
        return f"program:{getattr(function, '__qualname__', '?')}"
    return None


def _language() -> Mapping[int, str]:
    """Identities of the API's functions and of the builtins. Built once the API is imported."""
    global _identities
    package = sys.modules.get("sglc.api")
    exported = [n for n in sorted(API) if package is not None and n in vars(package)]
    if len(_identities) != len(exported) + len(TOTAL_BUILTINS):
        found = {id(getattr(builtins, n)): f"builtins.{n}" for n in TOTAL_BUILTINS}
        found |= {id(vars(package)[n]): n for n in exported}
        _identities = found
    return _identities


_identities: dict[int, str] = {}


class FileNames:
    """Names of a file that is not imported, through its imports of `sglc` or `sglang`."""

    def __init__(self, tree: ast.Module) -> None:
        self.aliases: dict[str, str] = {}
        """Name to dotted origin, for names bound by imports of the language alone."""
        self._bound: set[str] = set()
        self._open = False
        self.programs: dict[str, str] = {}
        for name, origin in _module_bindings(tree):
            if name == "*":
                if origin is not None and origin.split(".")[0] in ROOTS:
                    self.aliases |= {n: f"{origin}.{n}" for n in API}
                else:
                    self._open = True
            elif name in self._bound and self.aliases.get(name) != origin:
                self.aliases.pop(name, None)
            elif origin is not None:
                self.aliases[name] = origin
            self._bound.add(name)
        for node in ast.walk(tree):
            if isinstance(node, FunctionNode) and self.is_program(node):
                self.programs[node.name] = node.name

    def resolve(self, path: Path) -> str | None:
        """The symbol by the file's imports."""
        name, *rest = path
        origin = self.aliases.get(name)
        if origin is None:
            if name in self.programs and not rest:
                return f"program:{name}"
            builtin = name in TOTAL_BUILTINS and name not in self._bound and not rest
            return f"builtins.{name}" if builtin and not self._open else None
        full = [*origin.split("."), *rest]
        return full[-1] if full[0] in ROOTS and len(full) > 1 and full[-1] in API else None

    def is_program(self, node: FunctionNode) -> bool:
        """Whether a definition is decorated with the language's `function`."""
        return self._decorator(node) is not None

    def is_strict(self, node: FunctionNode) -> bool:
        """Whether that decorator says `strict=True`."""
        decorator = self._decorator(node)
        return isinstance(decorator, ast.Call) and any(
            k.arg == "strict" and isinstance(k.value, ast.Constant) and k.value.value is True
            for k in decorator.keywords
        )

    def _decorator(self, node: FunctionNode) -> ast.expr | None:
        for decorator in node.decorator_list:
            target = decorator.func if isinstance(decorator, ast.Call) else decorator
            path = dotted(target)
            if path is not None and self.resolve(path) == "function":
                return decorator
        return None


def _module_bindings(tree: ast.Module) -> Iterator[tuple[str, str | None]]:
    """Names bound at module level, or imported anywhere, with their origin when imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for item in node.names:
                if item.asname:
                    yield item.asname, item.name
                else:
                    yield item.name.split(".")[0], item.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom):
            for item in node.names:
                origin = f"{node.module or ''}.{item.name}" if not node.level else None
                if item.name == "*":
                    yield "*", node.module
                else:
                    yield item.asname or item.name, origin

    def stores(node: ast.AST) -> Iterator[str]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield child.name
            elif isinstance(child, ast.Lambda):
                continue
            elif isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store | ast.Del):
                yield child.id
            else:
                yield from stores(child)

    for name in stores(tree):
        yield name, None
