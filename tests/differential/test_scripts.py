"""
Random programs in both languages: the same prompts; and scripts mean the same after every pass.

Python's calling path of a nested run is the run, a script's is the branch, so branches call only
fragments. After a failed generation the languages differ in where they notice it, so what follows
is not compared between them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sglc.execution.session import ExecOptions
from sglc.frontends.script import compile_script
from sglc.ir import equal
from sglc.ir.parser import parse_module
from sglc.ir.printer import print_module
from sglc.passes.pipeline import DEFAULT, Pipeline
from tests.differential.observing import PLAIN, Observed, differences, load_module, observe
from tests.differential.scripts import runner
from tests.differential.twin_programs import twin_program

CHUNKS = 10
ARGUMENTS = {"q": "Who?", "n": 2}
PIPELINES = (DEFAULT, *(Pipeline((one,)) for one in DEFAULT.passes))


def readable(seen: Observed) -> Observed:
    """Without variables of failed generations: reading them raises whether or not they exist."""
    kept = {n: v for n, v in seen.variables.items() if not v.startswith("raises")}
    return replace(seen, variables=kept)


def compare(seed: int, folder: Path) -> list[str]:
    """What differs between languages and between pipelines, with both sources."""
    twin = twin_program(seed)
    python, script = folder / f"twin_{seed}.py", folder / f"twin_{seed}.sgl"
    python.write_text(twin.python)
    script.write_text(twin.script)
    program = load_module(python).program
    delays = seed % 2 == 0

    def scripted(pipeline: Pipeline, options: ExecOptions) -> Observed:
        module = compile_script(script)
        pipeline.run(module)
        printed = print_module(module)
        assert equal(parse_module(printed, module.file), module)
        run = runner(module, "program", ARGUMENTS)
        return observe(run, str(script), compiled=True, options=options, delays=delays)

    eager = scripted(Pipeline(), PLAIN)
    found = []
    pipeline = PIPELINES[seed % len(PIPELINES)]
    for passed in (pipeline, DEFAULT):
        other = scripted(passed, ExecOptions())
        found += [f"`{passed}`: {d}" for d in differences(readable(eager), readable(other))]
    live = observe(
        lambda **how: program.run(*ARGUMENTS.values(), **how),  # `n` is an option of `run`
        str(python),
        compiled=False,
        options=ExecOptions(),
        delays=delays,
    )
    if not live.failed:
        found += [
            f"languages, {name}: {getattr(live, name)!r} != {getattr(eager, name)!r}"
            for name in ("text", "messages", "prompts", "result")
            if getattr(live, name) != getattr(eager, name)
        ]
    return [f"seed {seed}", *found, twin.python, twin.script] if found else []


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_twins(chunk: int, programs: int, tmp_path: Path) -> None:
    for seed in range(chunk, programs // 2, CHUNKS):
        found = compare(seed, tmp_path)
        assert not found, "\n".join(found)
