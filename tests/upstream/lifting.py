"""
How much of a program's work with the model is in its IR.

A *model operation* is, in the source of a program or of a plain function of its file that gets a
prompt: a call of the language (`gen`, `select`, `image`, a role or a role's mark), an append to a
prompt, a read `s[...]`, and a method of a prompt or fork (`fork`, `join`, `copy`, `var_scope`,
roles, `text()`, ...). It is *lifted* when an `lm` operation of the IR stands at its place; what
is inside a host piece, or in a function that runs live, is not.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sglc.frontends.python.lower import lower_file
from sglc.frontends.python.names import API, FileNames, dotted
from sglc.ir.core import Module

STATE_METHODS = frozenset(
    {"fork", "join", "copy", "var_scope", "system", "user", "assistant", "text", "messages"}
    | {"get_var", "get_meta_info", "set_var", "sync", "error"}
)
Place = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Share:
    """Model operations of a file."""

    programs: int
    compiled: int
    """Programs that have IR."""
    operations: int
    lifted: int
    missing: tuple[str, ...] = ()
    """Source text of operations that are not lifted, with their lines."""


def share(path: Path) -> Share:
    """Read a file, lower it, and count."""
    text = path.read_text()
    tree = ast.parse(text)
    names = FileNames(tree)
    module, _ = lower_file(path)
    places = set(_places(module))
    lines = {line for line, *_ in places}
    programs = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and names.is_program(n)]
    found = [
        (node, _place(text, node))
        for function in _functions(tree, programs)
        for node in _operations(function, names)
    ]
    missing = [
        f"{node.lineno}: {ast.get_source_segment(text, node)}"
        for node, place in found
        if not _lifted(node, place, places, lines)
    ]
    compiled = sum(f.attrs["kind"] == "program" for f in module.funcs.values())
    return Share(len(programs), compiled, len(found), len(found) - len(missing), tuple(missing))


def _functions(tree: ast.Module, programs: list[ast.FunctionDef]) -> Iterator[ast.FunctionDef]:
    """Programs, and plain functions of the file whose first parameter is a prompt called `s`."""
    yield from programs
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node not in programs:
            args = node.args.args
            if args and args[0].arg == "s":
                yield node


def _operations(function: ast.FunctionDef, names: FileNames) -> Iterator[ast.expr | ast.stmt]:
    prompts = {"s", *_prompts(function)}

    def is_prompt(node: ast.expr) -> bool:
        if isinstance(node, ast.Subscript):
            return isinstance(node.value, ast.Name) and node.value.id in prompts - {"s"}
        return isinstance(node, ast.Name) and node.id in prompts

    for node in (n for statement in function.body for n in ast.walk(statement)):
        match node:
            case ast.AugAssign(op=ast.Add(), target=target) if is_prompt(target):
                yield node
            case ast.Call(func=ast.Attribute(value=owner, attr=method)) if (
                is_prompt(owner) and method in STATE_METHODS
            ):
                yield node
            case ast.Call(func=func) if (path := dotted(func)) is not None:
                symbol = names.resolve(path)
                if symbol in API or (symbol or "").startswith("program:"):
                    yield node
            case ast.Subscript(value=owner, slice=key, ctx=ast.Load()) if is_prompt(owner):
                if isinstance(key, ast.Constant | ast.JoinedStr) and not isinstance(
                    getattr(key, "value", None), int
                ):
                    yield node


def _prompts(function: ast.FunctionDef) -> Iterator[str]:
    """Names that hold forks or their branches, by what binds them."""
    known = {"s"}
    grown = True
    while grown:
        grown = False
        for node in ast.walk(function):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    made = [name] if _gives_prompts(value, known) else []
                case ast.For(target=target, iter=value) if _names(value) & (known - {"s"}):
                    made = [n.id for n in ast.walk(target) if isinstance(n, ast.Name)]
                    made = [n for n in made if n not in ("i", "idx", "index", "name", "token")]
                case ast.withitem(context_expr=value, optional_vars=ast.Name(id=name)):
                    made = [name] if _gives_prompts(value, known) else []
                case _:
                    continue
            for name in set(made) - known:
                known.add(name)
                grown = True
                yield name


def _gives_prompts(value: ast.expr, known: set[str]) -> bool:
    match value:
        case ast.Subscript(value=inner):
            return _gives_prompts(inner, known)
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="fork" | "copy")):
            return name in known
        case ast.Call(func=ast.Name(), args=[ast.Name(id=name), *_]):
            return name in known
    return False


def _names(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def _places(module: Module) -> Iterator[Place]:
    for func in module.funcs.values():
        for op in func.walk():
            if (op.name.startswith("lm.") or op.name == "cf.call") and op.loc is not None:
                yield (op.loc.line, op.loc.column, op.loc.end_line, op.loc.end_column)


def _place(text: str, node: ast.expr | ast.stmt) -> Place:
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return (node.lineno, node.col_offset + 1, node.end_lineno, node.end_col_offset + 1)


def _lifted(node: ast.expr | ast.stmt, place: Place, places: set[Place], lines: set[int]) -> bool:
    if not isinstance(node, ast.AugAssign):
        return place in places
    start, end = place[:2], place[2:]
    return any(start <= p[:2] and p[2:] <= end for p in places)
