"""Comparing all ways to run one random Python program."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import io
import linecache
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from sglc.execution.session import ExecOptions
from tests.differential.fuzzing.python import PythonProgram
from tests.differential.observing import (
    PLAIN,
    attempt,
    described,
    differences,
    load_module,
    observe,
    recording,
    shown,
    variables_of,
    wait_until_idle,
)

T = TypeVar("T")


@dataclass(slots=True)
class Outcome:
    """What comparing one program came to."""

    found: list[str] = field(default_factory=list)
    """What differs, in words."""
    lifted: bool = True
    """Whether the program was compiled at all."""
    failed: bool = False
    """Whether a generation failed."""
    raised: bool = False
    """Whether the body raised."""
    generations: int = 0


@contextmanager
def loaded(name: str, source: str, folder: Path) -> Iterator[ModuleType]:
    """A module with this source, in a file of that folder."""
    path = folder / f"{name}.py"
    path.write_text(source)
    try:
        yield load_module(path)
    finally:
        linecache.cache.pop(str(path), None)
        path.unlink()


def compare(program: PythonProgram, folder: Path, *, batches: bool = False) -> Outcome:
    """Run a program eagerly, compiled, and compiled without what passes decide."""
    outcome = Outcome()
    order = zlib.crc32(program.name.encode())
    with loaded(program.name, program.source, folder) as module:
        form = module.program._program.compiled()
        outcome.lifted = form is not None and form.module is not None

        asynchronous = "async def program" in program.source

        def observed(compiled: bool, options: ExecOptions, awaited: bool = asynchronous) -> Any:
            backend = recording(order % 2 == 0, order, program.template)
            return anew(
                module,
                lambda: observe(
                    lambda **how: run(module, program, awaited=awaited, **how),
                    module.__file__ or "",
                    compiled=compiled,
                    options=options,
                    delays=order % 2 == 0,
                    kept=module.KEPT,
                    on=backend,
                ),
            )

        eager = observed(False, ExecOptions())
        outcome.failed, outcome.raised = eager.failed, bool(eager.exception)
        outcome.generations = sum(map(len, eager.prompts.values()))
        for name, options in (("all passes", ExecOptions()), ("fewer passes", fewer(order))):
            outcome.found += [f"{name}: {d}" for d in differences(eager, observed(True, options))]
        # What awaits cancels the model where something else than an Exception leaves the body.
        if order % 8 == 3 and not any(e in program.source for e in ("GeneratorExit", "Stop(")):
            other = observed(True, ExecOptions(), awaited=not asynchronous)
            outcome.found += [f"awaited or not: {d}" for d in differences(eager, other)]
        if batches:
            outcome.found += _batches(module, program)
            outcome.found += _streams(module, program)
    return outcome


def anew(module: ModuleType, see: Callable[[], T]) -> T:
    """Look at a run that finds nothing left by earlier ones."""
    module.__dict__.get("COUNT", {}).clear()
    module.KEPT.clear()
    return contextvars.copy_context().run(see)


def fewer(order: int) -> ExecOptions:
    """Options that switch off some of what passes decide, mostly all."""
    if order % 3:
        return PLAIN
    return ExecOptions(hoist=bool(order & 8), parallel=bool(order & 16), deferred=bool(order & 32))


def run(module: ModuleType, program: PythonProgram, *, awaited: bool = False, **how: Any) -> Any:
    """Run a program with its arguments; `n` is an option of `run`, so it goes by position."""
    q, n, items = arguments(program)
    if awaited:
        return asyncio.run(
            module.program.arun(
                q,
                n,
                *_items(program, items),
                **_named(program, items),
                **program.options,
                **how,
            )
        )
    return module.program.run(
        q, n, *_items(program, items), **_named(program, items), **program.options, **how
    )


def arguments(program: PythonProgram) -> tuple[str, int, Any]:
    """A program's arguments; a list is a new one, for programs change it."""
    q, n, items = program.arguments
    return q, n, list(items) if isinstance(items, list) else items


def _items(program: PythonProgram, items: Any) -> tuple[Any, ...]:
    return () if "*, items" in program.source else (items,)


def _named(program: PythonProgram, items: Any) -> dict[str, Any]:
    return {"items": items} if "*, items" in program.source else {}


def _rows(program: PythonProgram) -> list[dict[str, Any]]:
    q, n, items = arguments(program)
    rows = [
        {"q": q, "n": n, "items": items},
        {"q": "Why", "n": 1, "items": []},
        {"q": "beta", "n": 3, "items": ["e"]},
    ]
    if zlib.crc32(program.name.encode()) % 64 < 2:
        rows += [{"q": f"row {i}", "n": 1 + i % 3, "items": ["r"]} for i in range(150)]
    return rows


def _batches(module: ModuleType, program: PythonProgram) -> list[str]:
    """What differs between batches: eager, in threads, as strands, one after another."""
    if any(name in program.source.split("KEPT = []")[1] for name in ("KEPT", "COUNT")):
        return []  # rows would share it
    found = []
    for threads in ("auto", 1, 2):
        eager, other = (
            anew(module, partial(_batch, module, program, how, threads)) for how in (False, True)
        )
        if other != eager:
            found.append(f"batch, num_threads={threads}: {eager!r} != {other!r}")
    return found


def _batch(module: ModuleType, program: PythonProgram, compiled: bool, threads: Any) -> Any:
    backend = recording(delays=True)
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            states = module.program.run_batch(
                _rows(program), backend=backend, compiled=compiled, seed=5, num_threads=threads
            )
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            wait_until_idle(backend)
            return "raised", shown(error, module.__file__ or "")
    rows = [
        (
            repr(state.error()),
            attempt(state.text),
            attempt(state.messages),
            attempt(lambda state=state: described(state.ret_value)),
            dict(variables_of(state)),
        )
        for state in states
    ]
    wait_until_idle(backend)
    failed = any("BOOM" in call.prompt for call in backend.calls)
    return "ended", rows, None if failed else backend.prompts


def _streams(module: ModuleType, program: PythonProgram) -> list[str]:
    eager, other = (anew(module, partial(_stream, module, program, how)) for how in (False, True))
    return [] if eager == other else [f"stream: {eager!r} != {other!r}"]


def _stream(module: ModuleType, program: PythonProgram, compiled: bool) -> Any:
    """All text of a run as a follower saw it, with what ended it, and what was printed."""
    backend = recording(delays=True)
    printed, seen, ended = io.StringIO(), "", ""
    with contextlib.redirect_stdout(printed):
        state = run(module, program, backend=backend, compiled=compiled, seed=5, stream=True)
        try:
            for piece in state.text_iter():
                seen += piece
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            # Who comes first, the follower or the body, decides about the traceback.
            ended = repr(error) + repr(getattr(error, "__notes__", ""))
        state.sync()
    wait_until_idle(backend)
    return seen, ended, printed.getvalue()
