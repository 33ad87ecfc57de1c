"""
Random programs on the real engine: all ways to run them agree bit for bit, at any temperature.

The reference configuration (fp32) makes a row's result independent of the batch, of where prefill
was cut and of what the cache held, so parallel and sequential execution give the same text. The
checkpoint is tiny and random: its text is noise, which sampling makes differ wherever anything may.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from sglc.backends.local import LocalBackend
from sglc.diagnostics.core import LowerError
from sglc.execution.externs import Externs
from sglc.execution.session import ExecOptions
from sglc.frontends.script import compile_script
from sglc.ir.jsonio import from_data, to_data
from sglc.language.sampling import GenParams
from sglc.passes.pipeline import DEFAULT
from tests.differential.fuzzing.comparing import anew, loaded, run
from tests.differential.fuzzing.comparing_scripts import host_functions, readable, written
from tests.differential.fuzzing.python import PythonProgram, python_program
from tests.differential.fuzzing.script import Script, script
from tests.differential.observing import PLAIN, differences, observe
from tests.differential.scripts import runner
from tests.runtime.tiny_checkpoints import write_checkpoint

TEMPERATURES = (0.0, 0.9)
PYTHON_START = "    s += 'Start. '\n"
SCRIPT_START = '    "Start. "\n'
"""Each program then begins with text: the model has no token to start an empty prompt with."""


@contextmanager
def tiny_engine(folder: Path) -> Iterator[LocalBackend]:
    """The engine on a tiny random checkpoint, on the caller's thread."""
    write_checkpoint(folder, "llama")
    backend = LocalBackend(
        str(folder), inline=True, threads=1, kv_slots=16384, chat_template="chatml"
    )
    try:
        yield backend
    finally:
        backend.shutdown()


def starting(program: PythonProgram) -> PythonProgram:
    """The program, with text at its start and few tokens."""
    lines = program.source.splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if "def program(" in line) + 1
    depth = len(lines[at - 1]) - len(lines[at - 1].lstrip())
    lines.insert(at, " " * depth + PYTHON_START)
    options = {**program.options, "max_new_tokens": 5}
    return replace(program, source="".join(lines), options=options)


def compare_on_engine(engine: LocalBackend, seed: int, folder: Path) -> list[str]:
    """What differs between the ways to run a Python program, or every third time a script."""
    temperature = TEMPERATURES[seed % 2]
    if seed % 3 == 2:
        return compare_script_on_engine(engine, script(seed), temperature, folder)
    program = python_program(seed)
    program = replace(program, options={**program.options, "temperature": temperature})
    return compare_python_on_engine(engine, starting(program), folder)


def compare_python_on_engine(
    engine: LocalBackend, program: PythonProgram, folder: Path
) -> list[str]:
    """What differs between a program as it is written, and compiled."""
    with loaded(program.name, program.source, folder) as module:
        see = partial(
            observe,
            partial(run, module, program, awaited="async def program" in program.source),
            module.__file__ or "",
            delays=False,
            kept=module.KEPT,
            on=engine,
        )
        eager = anew(module, partial(see, compiled=False, options=PLAIN))
        found = []
        for name, options in (("all passes", ExecOptions()), ("no passes", PLAIN)):
            other = anew(module, partial(see, compiled=True, options=options))
            found += [f"{name}: {d}" for d in differences(eager, other)]
        return found


def compare_script_on_engine(
    engine: LocalBackend, drawn: Script, temperature: float, folder: Path
) -> list[str]:
    """What differs between a script as it was lowered, and after all passes."""
    head, body = drawn.source.split("def program(", 1)
    line, rest = body.split("\n", 1)
    source = f"{head}def program({line}\n{SCRIPT_START}{rest}"
    with written(replace(drawn, source=source), folder) as path:
        try:
            plain = compile_script(path)
        except LowerError:
            return []
        passed = from_data(to_data(plain))
        DEFAULT.run(passed)
        q, n, items = drawn.arguments
        seen = [
            readable(
                observe(
                    runner(
                        module,
                        "program",
                        {"q": q, "n": n, "items": list(items)},
                        Externs(functions=host_functions()),
                        GenParams(max_new_tokens=5, temperature=temperature),
                    ),
                    str(path),
                    compiled=True,
                    options=options,
                    delays=False,
                    on=engine,
                )
            )
            for module, options in ((plain, PLAIN), (passed, ExecOptions()))
        ]
    return differences(*seen)
