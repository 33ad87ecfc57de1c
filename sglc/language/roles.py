"""Chat roles as expressions."""

from __future__ import annotations

from sglc.language.exprs import (
    SglConstantText,
    SglExpr,
    SglExprList,
    SglRoleBegin,
    SglRoleEnd,
)

RoleContent = str | SglExpr | None


def role(name: str, expr: RoleContent = None) -> SglExprList:
    """`expr` inside a role; without `expr` the role is empty."""
    parts: list[SglExpr] = [SglRoleBegin(name)]
    if isinstance(expr, str):
        parts.append(SglConstantText(expr))
    elif expr is not None:
        parts.append(expr)
    return SglExprList([*parts, SglRoleEnd(name)])


def system(expr: RoleContent = None) -> SglExprList:
    """`expr` as a system message."""
    return role("system", expr)


def user(expr: RoleContent = None) -> SglExprList:
    """`expr` as a user's message."""
    return role("user", expr)


def assistant(expr: RoleContent = None) -> SglExprList:
    """`expr` as the assistant's message."""
    return role("assistant", expr)


def tool(expr: RoleContent = None) -> SglExprList:
    """`expr` as a tool's message; SGLang's language has no such role."""
    return role("tool", expr)


def system_begin() -> SglRoleBegin:
    """Open a system message."""
    return SglRoleBegin("system")


def system_end() -> SglRoleEnd:
    """Close a system message."""
    return SglRoleEnd("system")


def user_begin() -> SglRoleBegin:
    """Open a user's message."""
    return SglRoleBegin("user")


def user_end() -> SglRoleEnd:
    """Close a user's message."""
    return SglRoleEnd("user")


def assistant_begin() -> SglRoleBegin:
    """Open the assistant's message."""
    return SglRoleBegin("assistant")


def assistant_end() -> SglRoleEnd:
    """Close the assistant's message."""
    return SglRoleEnd("assistant")
