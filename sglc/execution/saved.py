"""States as they were, to go back to: what deferred reads need that turn out to have failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sglc.execution.versions import StepVersion, Version

if TYPE_CHECKING:
    from sglc.execution.handle import Handle


class Saved(NamedTuple):
    """What appending, forking and binding change, as it was."""

    tip: Version
    open_role: str | None
    role_version: Version | None
    gens: int
    forks: int
    finished: bool
    shares_tip: bool
    vars: dict[str | None, Any]
    meta: dict[str | None, StepVersion]
    scopes: tuple[tuple[str, Version], ...]
    closed_roles: tuple[str, ...]
    log: tuple[Version, ...]
    started: int


def save(handle: Handle) -> Saved:
    """What appending, forking and binding change."""
    return Saved(
        handle.tip,
        handle.open_role,
        handle.role_version,
        handle.gens,
        handle.forks,
        handle.finished,
        handle.shares_tip,
        handle.vars.copy(),
        handle.meta.copy(),
        handle.scopes,
        handle.closed_roles,
        tuple(handle.log or ()),
        0 if handle.counted_runs is None else handle.counted_runs.started,
    )


def restore(handle: Handle, saved: Saved) -> None:
    """Be as when `saved` was made; containers stay the same objects."""
    handle.tip, handle.open_role, handle.role_version = (
        saved.tip,
        saved.open_role,
        saved.role_version,
    )
    handle.gens, handle.forks, handle.finished = saved.gens, saved.forks, saved.finished
    handle.shares_tip = saved.shares_tip
    handle.vars.clear()
    handle.vars.update(saved.vars)
    handle.meta.clear()
    handle.meta.update(saved.meta)
    handle.scopes = saved.scopes
    handle.closed_roles = saved.closed_roles
    if handle.log is not None:
        handle.log[:] = saved.log
    if handle.counted_runs is not None:
        handle.counted_runs.started = saved.started
