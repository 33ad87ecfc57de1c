"""Random Python programs in batches, with threads and without, and followed as streams."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.differential.observing import (
    attempt,
    load_module,
    recording,
    variables_of,
    wait_until_idle,
)
from tests.differential.python_programs import python_program

CHUNKS = 5
ROWS = [("Who?", 2, ["x", "y"]), ("Why", 1, []), ("beta", 3, ["e"])]


def batch(module: ModuleType, compiled: bool, threads: Any) -> Any:
    """What each row of a batch came to, or the exception of the batch."""
    backend = recording(delays=True)
    module.KEPT.clear()
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            states = module.program.run_batch(
                ROWS, backend=backend, compiled=compiled, seed=5, num_threads=threads
            )
        except Exception as error:
            wait_until_idle(backend)
            return type(error), str(error)
    rows = [
        (
            repr(state.error()),
            attempt(state.text),
            attempt(state.messages),
            attempt(lambda state=state: state.ret_value),
            dict(variables_of(state)),
        )
        for state in states
    ]
    wait_until_idle(backend)
    failed = any("BOOM" in call.prompt for call in backend.calls)
    return rows, None if failed else backend.prompts


def stream(module: ModuleType, compiled: bool) -> Any:
    """All text of a run as a follower saw it, with what ended it, and what was printed."""
    backend = recording(delays=True)
    module.KEPT.clear()
    printed, seen, ended = io.StringIO(), "", ""
    with contextlib.redirect_stdout(printed):
        state = module.program.run(
            *ROWS[0], backend=backend, compiled=compiled, seed=5, stream=True
        )
        try:
            for piece in state.text_iter():
                seen += piece
        except Exception as error:
            ended = repr(error)
        state.sync()
    wait_until_idle(backend)
    return seen, ended, printed.getvalue()


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_programs(chunk: int, programs: int, tmp_path: Path) -> None:
    for seed in range(chunk, programs // 4, CHUNKS):
        path = tmp_path / f"program_{seed}.py"
        path.write_text(python_program(seed))
        module = load_module(path)
        eager = batch(module, False, "auto")
        assert batch(module, True, "auto") == eager, path.read_text()
        assert batch(module, True, 1) == eager, path.read_text()
        assert stream(module, True) == stream(module, False), path.read_text()
