"""Comparing a program written in both languages."""

from __future__ import annotations

from pathlib import Path

from sglc.execution.session import ExecOptions
from sglc.frontends.script import compile_script
from sglc.passes.pipeline import DEFAULT
from tests.differential.fuzzing.comparing import loaded
from tests.differential.observing import observe
from tests.differential.scripts import runner
from tests.differential.twin_programs import twin_program

ARGUMENTS = {"q": "Who?", "n": 2}
COMPARED = ("text", "messages", "prompts", "result", "failed")


def compare_twins(seed: int, folder: Path) -> tuple[list[str], str, str]:
    """What differs between the languages, and both sources."""
    twin = twin_program(seed)
    delays = seed % 2 == 0
    path = folder / f"twin_{seed}.sgl"
    path.write_text(twin.script)
    module = compile_script(path)
    DEFAULT.run(module)
    path.unlink()
    script = observe(
        runner(module, "program", ARGUMENTS),
        str(path),
        compiled=True,
        options=ExecOptions(),
        delays=delays,
    )
    with loaded(f"twin_{seed}", twin.python, folder) as python:
        live = observe(
            lambda **how: python.program.run(*ARGUMENTS.values(), **how),  # `n` is an option
            python.__file__ or "",
            compiled=False,
            options=ExecOptions(),
            delays=delays,
        )
    found = [
        f"{name}: {getattr(live, name)!r} != {getattr(script, name)!r}"
        for name in COMPARED
        if not (live.failed and script.failed) and getattr(live, name) != getattr(script, name)
    ]
    return found, twin.python, twin.script
