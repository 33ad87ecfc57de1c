"""Comparing all ways to run one random script."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sglc.diagnostics.core import LowerError
from sglc.execution.externs import Externs
from sglc.execution.session import ExecOptions
from sglc.frontends.script import compile_script
from sglc.ir import equal
from sglc.ir.core import Module
from sglc.ir.jsonio import from_data, from_json, to_data, to_json
from sglc.ir.parser import parse_module
from sglc.ir.printer import print_module
from sglc.passes.pipeline import DEFAULT, Pipeline
from tests.differential.fuzzing.comparing import Outcome, fewer
from tests.differential.fuzzing.script import Script
from tests.differential.fuzzing.script_surroundings import LIBRARY
from tests.differential.observing import PLAIN, Observed, differences, observe, recording
from tests.differential.scripts import runner


@contextmanager
def written(script: Script, folder: Path) -> Iterator[Path]:
    """A script's file, beside the one it imports."""
    (folder / "library.sgl").write_text(LIBRARY)
    path = folder / f"{script.name}.sgl"
    path.write_text(script.source)
    try:
        yield path
    finally:
        path.unlink()


def compare_script(script: Script, folder: Path) -> Outcome:
    """
    Run a script as it was lowered, after all passes, after some of them, and from both dumps.

    A script that the checks refuse is not lifted.
    """
    outcome = Outcome()
    order = zlib.crc32(script.name.encode())
    with written(script, folder) as path:
        try:
            plain = compile_script(path)
        except LowerError:
            outcome.lifted = False
            return outcome

        def seen(module: Module, options: ExecOptions) -> Observed:
            return _observed(script, module, str(path), options, order)

        reference = readable(seen(plain, PLAIN))
        outcome.failed = reference.failed
        outcome.raised = bool(reference.error)
        if "try:" in script.source and "fork" in script.source:
            # A branch that fails ends the others in turn before they ask; side by side, after.
            reference = replace(reference, failed=True)
        outcome.generations = sum(map(len, reference.prompts.values()))
        for name, module, options in _ways(plain, order):
            found = differences(reference, readable(seen(module, options)))
            outcome.found += [f"{name}: {d}" for d in found]
    return outcome


def _ways(plain: Module, order: int) -> Iterator[tuple[str, Module, ExecOptions]]:
    """The ways to run a script besides the plain one."""
    passed = from_data(to_data(plain))
    DEFAULT.run(passed)
    yield "all passes", passed, ExecOptions()
    some = from_data(to_data(plain))
    _some_passes(order).run(some)
    yield "some passes", some, fewer(order)
    if order % 4 < 2:
        parsed = parse_module(print_module(passed if order % 4 else some), passed.file)
        assert equal(parsed, passed if order % 4 else some)
        yield "from its text", parsed, ExecOptions()
    else:
        yield "from its JSON", from_json(to_json(passed, indent=None)), ExecOptions()


def _some_passes(order: int) -> Pipeline:
    """A few of the passes, in any order, perhaps twice."""
    rng = random.Random(order)
    return Pipeline(tuple(rng.choice(DEFAULT.passes) for _ in range(rng.choice([1, 2, 3]))))


def _observed(
    script: Script, module: Module, file: str, options: ExecOptions, order: int
) -> Observed:
    q, n, items = script.arguments
    given = {"q": q, "n": n, "items": list(items)}
    externs = Externs(functions=host_functions())
    return observe(
        runner(module, "program", given, externs),
        file,
        compiled=True,
        options=options,
        delays=order % 2 == 0,
        on=recording(order % 2 == 0, order, script.template),
    )


def host_functions() -> dict[str, Callable[..., Any]]:
    """What scripts declare as `extern`; they print, count their calls, raise, return nonsense."""
    calls = [0]

    def note(text: str) -> str:
        calls[0] += 1
        print("note", calls[0], text)
        return f"({calls[0]}: {text[:9]})"

    def count(text: str, by: int = 1) -> int:
        print("count", text, by)
        return len(text) + by

    def refuse(text: str) -> str:
        print("refuse", text)
        raise LookupError(f"refused {text}")

    def wrong(text: str) -> object:
        return [text]

    return {
        "tools:note": note,
        "tools:count": count,
        "tools:refuse": refuse,
        "tools:wrong": wrong,
    }


def readable(seen: Observed) -> Observed:
    """
    Without variables of failed generations: reading them raises whether or not they exist.

    A script that failed may have gone on beside the call that did; nothing of that can be used.
    """
    kept = {n: v for n, v in seen.variables.items() if not v.startswith("raises")}
    return replace(seen, variables={} if seen.error else kept)
