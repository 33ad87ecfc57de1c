"""
Forks that nobody but their function can see, so that nobody notices when they change.

A conservative look at each use of the name that holds a fork, and of the names that hold its
branches: any use that could pass them on disqualifies all forks of the function.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from sglc.frontends.python.scope import Scope


def confined_groups(scope: Scope) -> Mapping[str, str]:
    """Names of such forks, each with the key of its size: a number, a parameter, or empty."""
    groups = {n for n in scope.bindings if scope.kind(n) == "group" and scope.is_local(n)}
    parents = {
        child: parent
        for parent in ast.walk(scope.source.node)
        for child in ast.iter_child_nodes(parent)
    }
    loops = [
        node
        for node in ast.walk(scope.source.node)
        if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension)
        and any(isinstance(n, ast.Name) and n.id in groups for n in ast.walk(node.iter))
    ]
    targets = [n for loop in loops for n in ast.walk(loop.target)]
    if not all(isinstance(t, ast.Name | ast.Tuple | ast.expr_context) for t in targets):
        return {}
    branches = {t.id for t in targets if isinstance(t, ast.Name) and scope.kind(t.id) != "int"}
    # Any state but the function's own may be a branch.
    branches |= {n for n in scope.bindings if scope.kind(n) == "state"} - {scope.state}
    for node in ast.walk(scope.source.node):
        if not isinstance(node, ast.Name) or isinstance(node.ctx, ast.Store):
            continue
        if (node.id in groups and not _group_stays(scope, node, parents)) or (
            node.id in branches and not _branch_stays(node, parents)
        ):
            return {}
    return {group: _size(scope, group) for group in sorted(groups)}


def _group_stays(scope: Scope, node: ast.Name, parents: Mapping[ast.AST, ast.AST]) -> bool:
    parent = parents[node]
    above = parents.get(parent)
    match parent:
        case ast.Subscript(value=value, slice=index) if value is node:
            one = not isinstance(index, ast.Slice)
            return one and _branch_stays(parent, parents)
        case ast.For(iter=value) | ast.AsyncFor(iter=value):
            return value is node
        case ast.Call(func=func) if func is not node:
            return scope.symbol(func) in ("builtins.enumerate", "builtins.zip") and (
                isinstance(above, ast.For) and above.iter is parent
            )
        case ast.Attribute(attr="join"):
            return isinstance(above, ast.Call) and above.func is parent
    return False


def _branch_stays(node: ast.Name | ast.Subscript, parents: Mapping[ast.AST, ast.AST]) -> bool:
    parent = parents[node]
    match parent:
        case ast.AugAssign(target=target) if target is node:
            return True
        case ast.Subscript(value=value) if value is node:
            return True
    return False


def _size(scope: Scope, group: str) -> str:
    bindings = scope.bindings.get(group, [])
    if len(bindings) != 1:
        return ""
    match bindings[0].value:
        case ast.Call(args=[ast.Constant(value=value)], keywords=[]) if type(value) is int:
            return str(value)
        case ast.Call(args=[ast.Name(id=name)], keywords=[]) if (
            name in scope.parameters and not scope.bindings.get(name)
        ):
            return name
    return ""
