"""
`finally` in terms of what the IR's loops and handlers already mean.

`try: B finally: F` becomes a loop of one turn around B, whose jumps leave that loop with a note of
where they go. F stands once, after the loop, and then the jump goes on:

    jump = 0; value = none
    for once in [0]:
        try: B, where `break` is `jump = 1; break` and `return v` is `value = v; jump = 3; break`
        except as error: jump = 4
    F
    if jump == 1: break          # and so on, for the jumps that B has
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sglc.expressions.nodes import Compare, Expr, ListExpr, Literal, Name
from sglc.frontends.script.ast import (
    Assign,
    For,
    Fork,
    Function,
    Handler,
    If,
    Leave,
    Raise,
    Return,
    Role,
    Stmt,
    Try,
    While,
)
from sglc.frontends.script.names import assigned, blocks, reads, walk_statements
from sglc.ir.core import Loc

_BREAK, _CONTINUE, _RETURN, _RAISE = 1, 2, 3, 4


def without_finally(function: Function) -> tuple[Function, frozenset[str]]:
    """The function with no `finally`, and the names of the variables that this takes."""
    if not any(isinstance(s, Try) and s.final for s in walk_statements(function.body)):
        return function, frozenset()
    taken = {param.name for param in function.params} | {*function.captured}
    taken |= {*assigned(function.body), *reads(function.body)}
    for stmt in walk_statements(function.body):
        if isinstance(stmt, Fork):
            taken |= {*assigned(stmt.body), *(name.id for name in stmt.targets)}
    rewriter = _Rewriter(taken)
    return replace(function, body=rewriter.block(function.body)), frozenset(rewriter.added)


class _Rewriter:
    def __init__(self, taken: set[str]) -> None:
        self.taken = taken
        self.added: list[str] = []

    def block(self, stmts: Sequence[Stmt]) -> tuple[Stmt, ...]:
        return tuple(new for stmt in stmts for new in self.stmt(stmt))

    def stmt(self, stmt: Stmt) -> Iterator[Stmt]:
        match stmt:
            case Role() | Fork():
                yield replace(stmt, body=self.block(stmt.body))
            case If() | While() | For():
                yield replace(stmt, body=self.block(stmt.body), orelse=self.block(stmt.orelse))
            case Try():
                yield from self._try(stmt)
            case _:
                yield stmt

    def _try(self, stmt: Try) -> Iterator[Stmt]:
        body = self.block(stmt.body)
        handlers = tuple(replace(h, body=self.block(h.body)) for h in stmt.handlers)
        plain = replace(stmt, body=body, handlers=handlers, orelse=self.block(stmt.orelse))
        if not stmt.final:
            yield plain
            return
        inner: tuple[Stmt, ...] = (replace(plain, final=()),) if handlers else body
        yield from self._finally(inner, self.block(stmt.final), stmt.loc)

    def _fresh(self, stem: str) -> str:
        name, number = stem, 1
        while name in self.taken:
            number += 1
            name = f"{stem}{number}"
        self.taken.add(name)
        self.added.append(name)
        return name

    def _finally(self, body: tuple[Stmt, ...], final: tuple[Stmt, ...], loc: Loc) -> Iterator[Stmt]:
        jump, value, error, once = (
            Name(self._fresh(stem), loc=loc) for stem in ("_jump", "_value", "_error", "_once")
        )
        marked = _Jumps(jump, value)
        guarded = marked.block(body, in_loop=False)
        caught = Handler((), error, (_set(jump, _RAISE, loc),), loc=loc)
        yield _set(jump, 0, loc)
        if _RETURN in marked.found:
            yield _set(value, None, loc)
        yield For(
            (once,),
            ListExpr((Literal(0, loc=loc),), loc=loc),
            (Try(guarded, (caught,), loc=loc),),
            loc=loc,
        )
        yield from final
        ends: dict[int, Stmt] = {
            _BREAK: Leave("break", loc=loc),
            _CONTINUE: Leave("continue", loc=loc),
            _RETURN: Return(value, loc=loc),
            _RAISE: Raise(error, loc=loc),
        }
        for kind in sorted(marked.found | {_RAISE}):
            yield If(_equals(jump, kind, loc), (ends[kind],), (), loc=loc)


class _Jumps:
    """Turns jumps out of a block into notes and a `break` of the loop around."""

    def __init__(self, jump: Name, value: Name) -> None:
        self.jump = jump
        self.value = value
        self.found: set[int] = set()

    def block(self, stmts: Sequence[Stmt], in_loop: bool) -> tuple[Stmt, ...]:
        return tuple(new for stmt in stmts for new in self.stmt(stmt, in_loop))

    def stmt(self, stmt: Stmt, in_loop: bool) -> Iterator[Stmt]:
        match stmt:
            case Leave() if not in_loop:
                yield from self._note(_BREAK if stmt.kind == "break" else _CONTINUE, stmt.loc)
            case Return():
                if stmt.value is not None:
                    yield Assign((self.value,), stmt.value, loc=stmt.loc)
                yield from self._note(_RETURN, stmt.loc)
            case While() | For():
                yield replace(
                    stmt,
                    body=self.block(stmt.body, in_loop=True),
                    orelse=self.block(stmt.orelse, in_loop),
                )
                if any(isinstance(inner, Return) for inner in walk_statements(stmt.body)):
                    leave = (Leave("break", loc=stmt.loc),)
                    yield If(_equals(self.jump, _RETURN, stmt.loc), leave, (), loc=stmt.loc)
            case Role():
                yield replace(stmt, body=self.block(stmt.body, in_loop))
            case If():
                body, orelse = (self.block(block, in_loop) for block in blocks(stmt))
                yield replace(stmt, body=body, orelse=orelse)
            case Try():
                yield replace(
                    stmt,
                    body=self.block(stmt.body, in_loop),
                    handlers=tuple(
                        replace(h, body=self.block(h.body, in_loop)) for h in stmt.handlers
                    ),
                    orelse=self.block(stmt.orelse, in_loop),
                )
            case _:
                yield stmt

    def _note(self, kind: int, loc: Loc) -> Iterator[Stmt]:
        self.found.add(kind)
        yield _set(self.jump, kind, loc)
        yield Leave("break", loc=loc)


def _set(name: Name, value: int | None, loc: Loc) -> Assign:
    return Assign((name,), Literal(value, loc=loc), loc=loc)


def _equals(name: Name, value: int, loc: Loc) -> Expr:
    return Compare(replace(name, loc=loc), (("==", Literal(value, loc=loc)),), loc=loc)
