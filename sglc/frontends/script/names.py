"""Which names statements assign, read, and certainly set. Pure functions over the syntax tree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from sglc.expressions.nodes import Expr, Name, names
from sglc.frontends.script.ast import (
    Assign,
    Emit,
    ExprStmt,
    For,
    Fork,
    Function,
    If,
    Leave,
    Raise,
    Return,
    Role,
    Stmt,
    Try,
    While,
)


def expressions(stmt: Stmt) -> Iterator[Expr]:
    """Expressions of a statement itself, not of the blocks in it."""
    match stmt:
        case Emit():
            yield stmt.text
        case ExprStmt() | Assign():
            yield stmt.value
        case Return() | Raise():
            if stmt.value is not None:
                yield stmt.value
        case If() | While():
            yield stmt.condition
        case For():
            yield stmt.iterable
        case Fork():
            yield stmt.items


def blocks(stmt: Stmt) -> Iterator[tuple[Stmt, ...]]:
    """Blocks of a statement that run in its function."""
    match stmt:
        case Role() | Fork():
            yield stmt.body
        case If() | While() | For():
            yield stmt.body
            yield stmt.orelse
        case Try():
            yield stmt.body
            for handler in stmt.handlers:
                yield handler.body
            yield stmt.orelse
            yield stmt.final


def local_functions(function: Function) -> Iterator[Function]:
    """Functions that stand in the function's body, misplaced ones in its blocks included."""
    return (stmt for stmt in walk_statements(function.body) if isinstance(stmt, Function))


def walk_statements(stmts: Sequence[Stmt]) -> Iterator[Stmt]:
    """Every statement, those in blocks included."""
    for stmt in stmts:
        yield stmt
        for block in blocks(stmt):
            yield from walk_statements(block)


def reads(stmts: Sequence[Stmt]) -> Counter[str]:
    """How often each name is read, without reads of what a loop, branch or handler itself sets."""
    found: Counter[str] = Counter()
    for stmt in stmts:
        found.update(name.id for expr in expressions(stmt) for name in names(expr))
        for block, bound in _scopes(stmt):
            inner = reads(block)
            for name in bound:
                inner.pop(name, None)
            found.update(inner)
    return found


def _scopes(stmt: Stmt) -> Iterator[tuple[tuple[Stmt, ...], list[str]]]:
    """Blocks of a statement, with the names that it sets at the start of each."""
    match stmt:
        case For():
            yield stmt.body, [name.id for name in stmt.targets]
            yield stmt.orelse, []
        case Fork():
            yield stmt.body, [name.id for name in stmt.targets]
        case Try():
            yield stmt.body, []
            for handler in stmt.handlers:
                yield handler.body, [handler.name.id] if handler.name is not None else []
            yield stmt.orelse, []
            yield stmt.final, []
        case _:
            for block in blocks(stmt):
                yield block, []


def own_targets(stmt: Stmt) -> tuple[Name, ...]:
    """Names that the statement itself assigns in its scope."""
    match stmt:
        case Assign() | For():
            return stmt.targets
        case Fork(name=Name() as name):
            return (name,)
    return ()


def assigned(stmts: Sequence[Stmt]) -> list[str]:
    """Names that the statements may assign, in order; what fork branches assign is theirs."""
    found: dict[str, None] = {}
    for stmt in stmts:
        found.update(dict.fromkeys(name.id for name in own_targets(stmt)))
        if isinstance(stmt, Try):
            found.update(dict.fromkeys(h.name.id for h in stmt.handlers if h.name is not None))
        if not isinstance(stmt, Fork):
            for block in blocks(stmt):
                found.update(dict.fromkeys(assigned(block)))
    return list(found)


def leaves(stmts: Sequence[Stmt]) -> bool:
    """Whether control never reaches the end of the block."""
    return any(_leaves(stmt) for stmt in stmts)


def _leaves(stmt: Stmt) -> bool:
    match stmt:
        case Return() | Leave() | Raise():
            return True
        case If():
            return leaves(stmt.body) and leaves(stmt.orelse)
        case Role():
            return leaves(stmt.body)
        case Try():
            done = leaves(stmt.body) or leaves(stmt.orelse)
            return leaves(stmt.final) or (done and all(leaves(h.body) for h in stmt.handlers))
    return False


def exposed(stmts: Sequence[Stmt]) -> set[str]:
    """Names that may be read before the block has certainly set them."""
    found: set[str] = set()
    certain: set[str] = set()
    for stmt in stmts:
        for expr in expressions(stmt):
            found |= {name.id for name in names(expr)} - certain
        inner: set[str] = set()
        for block, bound in _scopes(stmt):
            inner |= exposed(block).difference(bound)
        found |= inner - certain
        certain |= _certain(stmt)
    return found


def _certain(stmt: Stmt) -> set[str]:
    """Names that are set whenever control goes on after the statement."""
    match stmt:
        case Assign():
            return {name.id for name in stmt.targets}
        case Fork(name=Name() as name):
            return {name.id}
        case Role():
            return _certain_block(stmt.body)
        case If():
            arms = [b for b in (stmt.body, stmt.orelse) if not leaves(b)]
            return set.intersection(*map(_certain_block, arms)) if arms else set()
        case Try():
            return _certain_try(stmt)
    return set()


def _certain_try(stmt: Try) -> set[str]:
    arms = [(*stmt.body, *stmt.orelse), *(handler.body for handler in stmt.handlers)]
    arms = [arm for arm in arms if not leaves(arm)]
    found = set.intersection(*map(_certain_block, arms)) if arms else set[str]()
    return found | _certain_block(stmt.final)


def _certain_block(stmts: Sequence[Stmt]) -> set[str]:
    return set().union(*map(_certain, stmts))
