"""What can be wrong with the statements of a function, as problems."""

from __future__ import annotations

from sglc.diagnostics.suggest import did_you_mean
from sglc.expressions.functions import ERROR_KINDS
from sglc.expressions.nodes import Expr, Name
from sglc.expressions.problem import Mark, Problem
from sglc.frontends.script.ast import Function, Handler, Leave, Raise, Role, Stmt
from sglc.ir.core import Loc


def no_effect(value: Expr, advice: str) -> Problem:
    """A value alone, as a statement."""
    return Problem("SGL0215", "this statement does nothing", value.loc, "here", helps=(advice,))


def hides_import(name: Name, imported: Loc) -> Problem:
    """A variable named as an import."""
    return Problem(
        "SGL0210",
        f"`{name.id}` is the name of an import",
        name.loc,
        "cannot be a variable too",
        marks=(Mark(imported, "imported here"),),
    )


def defined_twice(function: Function, first: Loc) -> Problem:
    """A local function with the name of a variable or of another function."""
    return Problem(
        "SGL0210",
        f"`{function.name}` is defined twice",
        function.loc,
        "second definition",
        marks=(Mark(first, "first definition"),),
    )


def in_block(function: Function) -> Problem:
    """A local function that is not defined directly in its function's body."""
    return Problem(
        "SGL0241",
        f"`{function.name}` is defined inside a block",
        function.loc,
        "belongs to no single way through the function",
        helps=("move it up, directly into the body of the function",),
    )


def other_result(function: Function, wanted: str, value: Expr, found: str) -> Problem:
    """A `return` of another type than the function's annotation says."""
    assert function.returns is not None
    return Problem(
        "SGL0226",
        f"`{function.name}` returns {wanted}, not {found}",
        value.loc,
        f"is {found}",
        marks=(Mark(function.returns.loc, "the annotation"),),
    )


def nested_role(role: Role, around: str, opened: Loc) -> Problem:
    """A role inside another."""
    return Problem(
        "SGL0209",
        f"role `{role.role}` inside role `{around}`",
        role.role_loc.loc,
        "opened inside another role",
        marks=(Mark(opened, "still open"),),
    )


def crosses_fork(what: str, loc: Loc, fork: Loc) -> Problem:
    """A jump out of a branch."""
    return Problem(
        "SGL0211",
        f"`{what}` cannot leave a fork branch",
        loc,
        "inside a branch",
        marks=(Mark(fork, "the fork"),),
    )


def assigned_in_branch(name: Name, place: Loc) -> Problem:
    """A branch that assigns what the function around it assigns."""
    return Problem(
        "SGL0212",
        f"a branch cannot assign `{name.id}` of the function",
        name.loc,
        "assigned in a branch",
        marks=(Mark(place, "also assigned here"),),
        helps=("use another name, and read it after the fork",),
    )


def no_loop(jump: Leave) -> Problem:
    """`break` or `continue` without a loop around."""
    return Problem("SGL0213", f"`{jump.kind}` outside of a loop", jump.loc, "no loop")


def unreachable(stmt: Stmt, before: Stmt) -> Problem:
    """A statement after one that always leaves."""
    return Problem(
        "SGL0225",
        "this is never reached",
        stmt.loc,
        "never runs",
        marks=(Mark(before.loc, "always leaves"),),
        severity="warning",
    )


def nothing_to_raise(stmt: Raise) -> Problem:
    """`raise` alone, outside of a handler."""
    return Problem(
        "SGL0240",
        "`raise` without an error outside of `except`",
        stmt.loc,
        "nothing to raise again",
        helps=('name an error, such as `raise value_error("why")`',),
    )


def not_an_error(value: Expr, kind: str) -> Problem:
    """`raise` of a value; `kind` is the kind of error that may have been meant."""
    helps = (f'write `raise {kind}("why")`',)
    return Problem("SGL0240", "`raise` needs an error", value.loc, "not an error", helps=helps)


def unknown_kind(kind: Name) -> Problem:
    """A handler of a kind of error that there is not."""
    listed = ", ".join(f"`{each}`" for each in ERROR_KINDS)
    return Problem(
        "SGL0219",
        f"unknown kind of error `{kind.id}`",
        kind.loc,
        "not a kind of error",
        helps=did_you_mean(kind.id, ERROR_KINDS) or (f"there are {listed}",),
    )


def handles_all(handler: Handler) -> Problem:
    """A handler of everything with handlers after it."""
    message = "`except` without a kind must come last"
    return Problem("SGL0219", message, handler.loc, "handles everything")
