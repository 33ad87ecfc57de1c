"""Running scripts for comparison, from their IR."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sglc.execution.externs import Externs
from sglc.execution.interpreter import run_function
from sglc.execution.session import ExecOptions, Session
from sglc.ir.core import Module
from sglc.language.program import run_strand
from sglc.language.sampling import GenParams
from sglc.language.state import ProgramState


def runner(
    module: Module,
    function: str,
    args: Mapping[str, Any],
    externs: Externs | None = None,
    params: GenParams | None = None,
) -> Callable[..., ProgramState]:
    """A function that runs `function` of a module as `observe` wants it."""

    def run(*, backend: Any, compiled: bool, options: ExecOptions, seed: int) -> ProgramState:
        session = Session(
            backend,
            params or GenParams(),
            seed,
            options=options,
            file=module.file,
            compiled=compiled,
        )
        state = ProgramState(session.root())
        func = module.funcs[function]
        run_strand(
            state, run_function(module, func, dict(args), session, state.handle, externs=externs)
        )
        return state

    return run
