"""Programs of SGLang's own tests, examples and benchmarks mean the same in every mode."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sglc.backends.recording import RecordingBackend
from sglc.execution.session import ExecOptions
from tests.differential.observing import (
    PLAIN,
    Observed,
    attempt,
    differences,
    load_module,
    observe,
    variables_of,
    wait_until_idle,
)
from tests.upstream.case import Case

HERE = Path(__file__).parent
FOLDERS = ("test_programs", "frontend_language", "benchmark")
FILES = [path for folder in FOLDERS for path in sorted((HERE / folder).glob("*.py"))]
MODES = {
    "eager": (False, ExecOptions()),
    "no passes": (True, PLAIN),
    "compiled": (True, ExecOptions()),
    "region programs": (True, ExecOptions(executor="region")),
}
"""The first is what the others are compared with."""


@dataclass(frozen=True)
class Batch:
    """What the rows of a batch gave, in order, and every prompt."""

    rows: list[dict[str, Any]]
    prompts: dict[str, list[str]]
    printed: str


def backend_of(case: Case, delays: bool) -> RecordingBackend:
    return RecordingBackend(
        rules=case.rules,
        seeded=True,
        chat_template=case.template,
        delay=0.0005 if delays else 0.0,
    )


def batch(case: Case, compiled: bool, options: ExecOptions) -> Batch:
    backend = backend_of(case, delays=False)
    how = {"progress_bar": False, **case.options, "options": options, "seed": 7}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        states = case.program.run_batch(
            [dict(row) for row in case.rows], backend=backend, compiled=compiled, **how
        )
    rows = [
        {
            "text": attempt(state.text),
            "messages": attempt(state.messages),
            "result": attempt(lambda state=state: state.ret_value),
            "variables": dict(variables_of(state)),
        }
        for state in states
    ]
    wait_until_idle(backend)
    assert all("raises" not in row["text"] for row in rows)
    return Batch(rows, backend.prompts, printed.getvalue())


def single(case: Case, file: str, compiled: bool, options: ExecOptions) -> Observed:
    promised = []

    def run(**how: Any) -> Any:
        state = case.program.run(**case.arguments, **case.options, **how)
        if case.check is not None:
            promised.append(case.check(state))
        return state

    seen = observe(
        run,
        file,
        compiled=compiled,
        options=options,
        delays=False,
        on=backend_of(case, delays=compiled),
    )
    assert seen.exception == seen.error == "", seen
    assert all(promised), seen
    return seen


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_modes_agree(path: Path) -> None:
    module = load_module(path)
    assert module.CASES
    for case in module.CASES:
        if case.rows:
            batches = {mode: batch(case, *how) for mode, how in MODES.items()}
            assert sum(map(len, batches["eager"].prompts.values())) >= len(case.rows)
            for mode in MODES:
                assert batches[mode] == batches["eager"], mode
        else:
            seen = {mode: single(case, str(path), *how) for mode, how in MODES.items()}
            assert any(seen["eager"].prompts.values())
            for mode in MODES:
                assert differences(seen["eager"], seen[mode]) == [], mode
