"""Host pieces as data: the user's syntax, and what of it is evaluated ahead."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from sglc.frontends.python.scope import COMPREHENSIONS, NESTED


@dataclass(frozen=True, slots=True)
class PieceSource:
    """Host code: its syntax, the reads that are operands, and the names of operands after them."""

    node: ast.AST
    reads: tuple[ast.AST, ...] = ()
    names: tuple[str, ...] = ()


def evaluates(node: ast.AST, child: int) -> bool:
    """Whether evaluating a node certainly evaluates its child, before anything of the host's."""
    if isinstance(node, ast.BoolOp):
        return child == 1
    if isinstance(node, ast.Compare):
        return len(node.ops) == 1
    return not isinstance(node, (ast.IfExp, *COMPREHENSIONS, *NESTED, ast.stmt)) or isinstance(
        node, ast.Assign | ast.AnnAssign | ast.Expr | ast.Return | ast.AugAssign | ast.Assert
    )
