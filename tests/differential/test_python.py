"""Random Python programs mean the same eager, compiled, and compiled without what passes decide."""

from __future__ import annotations

from pathlib import Path

import pytest

from sglc.execution.session import ExecOptions
from tests.differential.observing import PLAIN, differences, load_module, observe
from tests.differential.python_programs import python_program

FIRST_SEED = 0
CHUNKS = 10
ARGUMENTS = ("Who?", 2, ["x", "y"])


def compare(seed: int, folder: Path) -> list[str]:
    """What differs for the program with this seed, with its source when anything does."""
    source = python_program(seed)
    path = folder / f"program_{seed}.py"
    path.write_text(source)
    module = load_module(path)
    assert module.program._program.compiled().module is not None, "the program runs live"

    def observed(compiled: bool, options: ExecOptions):
        return observe(
            lambda **how: module.program.run(*ARGUMENTS, **how),
            str(path),
            compiled=compiled,
            options=options,
            delays=seed % 2 == 0,
            kept=module.KEPT,
        )

    eager = observed(False, ExecOptions())
    found = []
    for name, options in (("all", ExecOptions()), ("none", PLAIN)):
        found += [f"passes {name}: {d}" for d in differences(eager, observed(True, options))]
    return [f"seed {seed}", *found, source] if found else []


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_programs(chunk: int, programs: int, tmp_path: Path) -> None:
    for seed in range(FIRST_SEED + chunk, FIRST_SEED + programs, CHUNKS):
        found = compare(seed, tmp_path)
        assert not found, "\n".join(found)
