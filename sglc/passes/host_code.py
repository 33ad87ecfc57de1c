"""
What kind of host code a piece is, from its text alone.

For readers of `sglc explain`: effects of pieces are unknown to every pass whatever is found here.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import Literal

from sglc.ir.core import Op

HostKind = Literal["host", "value"]
"""`host`: code with unknown effects. `value`: operators and built-in functions on values alone."""

_BUILTINS = frozenset(
    {"abs", "all", "any", "bool", "dict", "enumerate", "float", "int", "isinstance", "len", "list"}
    | {"max", "min", "range", "repr", "reversed", "round", "set", "sorted", "str", "sum", "tuple"}
    | {"zip"}
)
_TEXT_METHODS = frozenset(name for name in dir(str) if not name.startswith("_"))
_PLAIN = (
    ast.Constant | ast.Name | ast.Compare | ast.BoolOp | ast.BinOp | ast.UnaryOp | ast.IfExp
    | ast.Subscript | ast.Slice | ast.JoinedStr | ast.FormattedValue | ast.List | ast.Tuple
    | ast.Dict | ast.Set | ast.operator | ast.unaryop | ast.boolop | ast.cmpop | ast.expr_context
    | ast.keyword | ast.Starred
)  # fmt: skip


def kind_of(op: Op) -> HostKind | None:
    """
    The kind of a piece; None for ops that are none, and for `name = ...`.

    That form is what front ends write where a value that was computed elsewhere gets its name.
    """
    source = op.attrs.get("src")
    if op.name == "py.call":
        return "host"
    if not op.name.startswith("py.") or not isinstance(source, str):
        return None
    return _kind(source)


@lru_cache(maxsize=1024)
def _kind(source: str) -> HostKind | None:
    try:
        tree = ast.parse(source.strip())
    except (SyntaxError, ValueError, RecursionError):
        return "host"
    match tree.body:
        case [ast.Assign(value=ast.Constant(value=value))] if value is ...:
            return None
        case [ast.Expr(value=value)]:
            return "value" if _is_plain(value) else "host"
    return "host"


def _is_plain(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords) if name in _BUILTINS:
            return all(_is_plain(part) for part in (*args, *keywords))
        case ast.Call(func=ast.Attribute(value=owner, attr=name), args=args, keywords=[]) if (
            name in _TEXT_METHODS and isinstance(owner, ast.Subscript | ast.Constant | ast.Call)
        ):
            return all(_is_plain(part) for part in (owner, *args))
    return isinstance(node, _PLAIN) and all(_is_plain(n) for n in ast.iter_child_nodes(node))
