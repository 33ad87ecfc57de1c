"""What surrounds a statement while a function's body is checked."""

from __future__ import annotations

from dataclasses import dataclass, field

from sglc.expressions.nodes import Name
from sglc.frontends.script.ast import Assign, Fork, Stmt
from sglc.frontends.script.check_expr import Around
from sglc.frontends.script.check_flow import Fact, Known
from sglc.frontends.script.names import blocks
from sglc.frontends.script.taken import Taken
from sglc.ir.core import Loc

Way = dict[str, Fact] | None
"""What a way through the function changed; None is a way that is never taken."""


@dataclass(slots=True)
class Loop:
    """The innermost loop."""

    before: Known
    breaks: list[Way] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Place:
    """What surrounds a statement."""

    loop: Loop | None = None
    fork: Loc | None = None
    """The fork whose branch this is."""
    loop_outside_fork: bool = False
    role: tuple[str, Loc] | None = None
    handled: bool = False
    """A `try` around handles expressions without value."""
    outer: Taken = field(default_factory=Taken)
    """Names of the function that a branch must not assign, and where they are assigned."""
    nested: Taken = field(default_factory=Taken)
    """The same for branches of forks in this place."""
    hidden: dict[str, Loc] = field(default_factory=dict)
    """Items of the forks around."""
    handling: bool = False
    """Whether there is an error that `raise` can raise again."""
    top: bool = False
    """Whether this is a function's body itself, not a block in it."""

    @property
    def around(self) -> Around:
        """The same for expressions."""
        return Around(self.role, self.handled, self.hidden)


def assign_places(stmts: tuple[Stmt, ...]) -> dict[str, Loc]:
    """Names that assignments outside of fork branches set, and where first."""
    found: dict[str, Loc] = {}
    _collect_places(stmts, found)
    return found


def _collect_places(stmts: tuple[Stmt, ...], found: dict[str, Loc]) -> None:
    for stmt in stmts:
        match stmt:
            case Assign():
                for name in stmt.targets:
                    found.setdefault(name.id, name.loc)
            case Fork(name=Name() as name):
                found.setdefault(name.id, name.loc)
            case Fork():
                pass
            case _:
                for block in blocks(stmt):
                    _collect_places(block, found)
