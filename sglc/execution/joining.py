"""What a state takes over from the states that were forked from it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from sglc.execution.pending import Pending, gather
from sglc.execution.requests import Piece
from sglc.execution.versions import DeferredVersion, Version, pieces_of

if TYPE_CHECKING:
    from sglc.execution.handle import Handle


def join_children(parent: Handle, children: Sequence[Handle], mode: str) -> None:
    """
    Take over what the children made; ValueError for an unknown mode.

    `gather_variable`: each variable that some child has and the parent had not becomes the list of
    the children's values, in order. `concate_and_append`: the children's texts since the fork are
    appended in order.
    """
    if mode == "gather_variable":
        _gather_variables(parent, children)
    elif mode == "concate_and_append":
        for child in children:
            watched = parent.session.driver.watch(child.tip, parent.session)
            parent.push(DeferredVersion((watched,), partial(_suffix, child.fork_version)))
    else:
        raise ValueError(f"Invalid join mode: {mode}")
    for child in children:
        child.finish()


def _gather_variables(parent: Handle, children: Sequence[Handle]) -> None:
    before = set(parent.vars)
    for child in children:
        for name in child.vars:
            if name not in before and name not in parent.vars:
                values = [c.vars[name] for c in children if name in c.vars]
                waits = any(isinstance(value, Pending) for value in values)
                parent.vars[name] = gather(values, parent.session) if waits else values


def _suffix(start: Version | None, ends: list[Any]) -> tuple[Piece, ...]:
    return pieces_of(ends[0], start)
