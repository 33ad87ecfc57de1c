"""Expressions that only a program's trace has, see `sglc.lang.tracer`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from sglc.language.exprs import SglExpr


class SglArgument(SglExpr):
    """A value that a program gets when it runs; `value` is None where it is not known."""

    __slots__ = ("name", "value")

    def __init__(self, name: str, value: object = None) -> None:
        super().__init__()
        self.name = name
        self.value = value

    def __repr__(self) -> str:
        return f"Argument(name={self.name}, value={self.value!r})"

    def __format__(self, spec: str) -> NoReturn:
        raise TypeError("an argument inside an f-string would become plain text")


class SglVariable(SglExpr):
    """The value of a generation; `source` is what made it."""

    __slots__ = ("name", "source")

    def __init__(self, name: str | None, source: SglExpr) -> None:
        super().__init__()
        self.name = name
        self.source = source

    def __repr__(self) -> str:
        return f"Variable({self.name!r}, source=%{self.source.node_id})"


class SglFork(SglExpr):
    """A prompt is forked."""

    __slots__ = ("number", "position_ids_offset")

    def __init__(self, number: int, position_ids_offset: Sequence[int] | None = None) -> None:
        super().__init__()
        self.number = number
        self.position_ids_offset = position_ids_offset

    def __repr__(self) -> str:
        offset = self.position_ids_offset
        return f"Fork({_before(self)}, number={self.number}, position_ids_offset={offset})"


class SglGetForkItem(SglExpr):
    """A branch of the fork before it."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index

    def __repr__(self) -> str:
        return f"GetForkItem({_before(self)}, index={self.index})"


class SglConcateAndAppend(SglExpr):
    """The texts of branches are appended."""

    __slots__ = ("states",)

    def __init__(self, states: Sequence[object]) -> None:
        super().__init__()
        self.states = list(states)

    def __repr__(self) -> str:
        return f"ConcatenateAndAppend({len(self.states)})"


class SglCommitLazy(SglExpr):
    """The prompt so far is computed before its branches need it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "CommitLazy()"


def _before(node: SglExpr) -> str:
    return "%" + (str(node.prev_node.node_id) if node.prev_node is not None else "?")
