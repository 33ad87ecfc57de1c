"""Both executors of bodies without host code do what the function does as it is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sglc.execution.session import ExecOptions
from tests.differential.observing import differences, load_module, observe
from tests.execution.silent_programs import silent_program

WAYS = {
    "emitted": ExecOptions(),
    "region": ExecOptions(executor="region"),
    "region without deferral": ExecOptions(executor="region", deferred=False),
    "region, branches in turn": ExecOptions(executor="region", parallel=False),
}
ARGUMENTS = ("Who?", 2, ["x", "y"])


def region_of(program: Any) -> object:
    """The region program of a function, None where its body or its IR does not allow one."""
    silence = program._program.compiled().silence
    return None if silence is None else silence.region()


def compare(run: Callable[..., Any], path: Path, *, delays: bool) -> list[str]:
    eager = observe(run, str(path), compiled=False, options=ExecOptions(), delays=delays)
    return [
        f"{name}: {difference}"
        for name, options in WAYS.items()
        for difference in differences(
            eager, observe(run, str(path), compiled=True, options=options, delays=delays)
        )
    ]


@pytest.mark.parametrize("chunk", range(4))
def test_random_programs(chunk: int, tmp_path: Path) -> None:
    kinds: Counter[str] = Counter()
    for seed in range(chunk, 80, 4):
        source = silent_program(seed)
        path = tmp_path / f"silent_{seed}.py"
        path.write_text(source)
        program = load_module(path).program
        kinds["region" if region_of(program) is not None else "other"] += 1

        def run(program: Any = program, **how: Any) -> Any:
            return program.run(*ARGUMENTS, **how)

        found = compare(run, path, delays=seed % 2 == 0)
        assert not found, "\n".join([f"seed {seed}", *found, source])
    assert kinds["region"] >= 10, kinds
