"""Running a program in one way and noting everything that can be observed."""

from __future__ import annotations

import contextlib
import copy
import importlib.util
import io
import threading
import time
import types
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from sglc.backends.recording import RecordingBackend
from sglc.execution.driver import Driver
from sglc.execution.pending import Pending
from sglc.execution.requests import GenStep
from sglc.execution.session import ExecOptions
from sglc.language.state import ProgramState, ProgramStateGroup
from tests.differential.fuzzing.json_texts import json_text
from tests.differential.fuzzing.shuffling import Shuffling

PLAIN = ExecOptions(hoist=False, parallel=False, deferred=False)
"""Execution with all that passes decide switched off."""


@dataclass(frozen=True)
class Observed:
    """What a run did, as far as anyone can tell."""

    exception: str = ""
    """Of the body, with the lines of the program's frames."""
    error: str = ""
    """What `state.error()` gave."""
    result: str = ""
    text: str = ""
    messages: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    printed: str = ""
    prompts: dict[str, list[str]] = field(default_factory=dict)
    """For each state, by its label, the prompts of its generations in order."""
    failed: bool = False
    """Whether any generation failed, or a prompt was poisoned otherwise."""
    forks: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Text and variables of the states that the program kept."""
    warned: list[str] = field(default_factory=list)
    """Warnings, with their lines."""


def load_module(path: Path) -> ModuleType:
    """Import a file under its own name."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class FailingAnew(RecordingBackend):
    """
    Each failure is an exception of its own, so that its notes are those of one generation.

    Generations with a schema give JSON.
    """

    def _failure(self, prompt: str) -> BaseException | None:
        return copy.copy(super()._failure(prompt))

    def _text(self, prompt: str, step: GenStep, sample: int) -> str:
        if step.params.json_schema is None:
            return super()._text(prompt, step, sample)
        return json_text(step.params.json_schema, prompt, step.key, sample)


class ShufflingAnew(FailingAnew, Shuffling):
    """Both."""


def recording(delays: bool, order: int = 0, template: str = "chatml") -> RecordingBackend:
    """
    A backend whose answers depend on prompt, parameters and seed; `BOOM` fails.

    With `delays` answers come in a random order, drawn from `order`.
    """
    options: dict[str, Any] = {
        "failures": {"BOOM": RuntimeError("the model failed")},
        "seeded": True,
        "chat_template": template,
    }
    return ShufflingAnew(order=order, **options) if delays else FailingAnew(**options)


def wait_until_idle(backend: RecordingBackend, patience: float = 10.0, on: Any = None) -> None:
    """
    Wait until neither the driver nor the backend has anything to do.

    `on` is the backend that programs run on, if it is another. Other tests leave chains behind on
    backends that never answer.
    """
    asked = backend if on is None else on
    deadline = time.monotonic() + patience
    quiet = 0
    while quiet < (3 if isinstance(backend, Shuffling) else 2):
        passed = threading.Event()
        Driver.get().post(passed.set)
        assert passed.wait(patience), "the driver hangs"
        driver = Driver.get()
        busy = backend._flying or (isinstance(backend, Shuffling) and backend.open)
        # What posts wake this thread before the driver hands on what became ready.
        busy = (
            busy
            or driver._readiness.ready
            or any(
                running.session.raw_backend is asked
                for running in list(driver._dispatch._running.values())
            )
        )
        quiet = 0 if busy else quiet + 1
        assert time.monotonic() < deadline, "generations hang"
        if busy:
            time.sleep(0.0005)


def lines_of(error: BaseException, file: str) -> str:
    """Frames of a traceback in the program's file."""
    lines: list[str] = []
    tb: types.TracebackType | None = error.__traceback__
    while tb is not None:
        if tb.tb_frame.f_code.co_filename == file:
            lines.append(f"{tb.tb_frame.f_code.co_name}:{tb.tb_lineno}")
        tb = tb.tb_next
    if isinstance(error, RecursionError):
        return "deep"
    if isinstance(error, UnboundLocalError):
        # Once a function has run often, Python 3.11 may report the line before.
        return f"{len(lines)} frames"
    return " > ".join(lines)


def shown(error: BaseException | None, file: str, later: tuple[int, ...] = ()) -> str:
    """An exception with its notes, where it was raised, and what came before it."""
    if error is None:
        return ""
    if id(error) in later:
        return "itself"
    notes = "|".join(n.replace(file, "FILE") for n in getattr(error, "__notes__", ()))
    text = f"{type(error).__name__}: {error} [{lines_of(error, file)}] {notes}"
    before = error.__cause__
    if before is None and not error.__suppress_context__:
        before = error.__context__
    word = "from" if error.__cause__ is not None else "after"
    return text if before is None else f"{text} {word} ({shown(before, file, (*later, id(error)))})"


def described(value: object) -> str:
    """A value with the texts of the states in it; addresses differ from run to run."""
    if isinstance(value, ProgramState):
        return f"state {attempt(value.text)}"
    if isinstance(value, ProgramStateGroup):
        return f"forks {[described(state) for state in value]}"
    if type(value) in (list, tuple):
        assert isinstance(value, list | tuple)
        return f"{type(value).__name__} {[described(item) for item in value]}"
    return repr(value)


def kept_states(kept: Iterable[object]) -> Iterator[ProgramState]:
    """The states that a program kept, alone or in forks."""
    for item in kept:
        if isinstance(item, ProgramState):
            yield item
        elif isinstance(item, ProgramStateGroup | list):
            yield from kept_states(item)


def observe(
    run: Callable[..., Any],
    file: str,
    *,
    compiled: bool,
    options: ExecOptions,
    delays: bool,
    kept: list[Any] | None = None,
    on: Any = None,
) -> Observed:
    """
    Run a program on a fresh recording backend, or on `on`, whose prompts are not recorded.

    `run(backend=..., compiled=..., ...)` gives the program's state.

    `kept` is where the program leaves forks for inspection.
    """
    kept = [] if kept is None else kept
    kept.clear()
    backend = recording(delays) if on is None else on
    recorded = backend if isinstance(backend, RecordingBackend) else RecordingBackend()
    printed = io.StringIO()
    exception, state = "", None
    with contextlib.redirect_stdout(printed), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            state = run(backend=backend, compiled=compiled, options=options, seed=7)
        except BaseException as raised:
            if isinstance(raised, KeyboardInterrupt):
                raise
            exception = shown(raised, file)
        if state is not None:
            state.sync()
        wait_until_idle(recorded, on=on)
    error = shown(state.error(), file) if state is not None else ""  # reading raises it anew
    failed = any("BOOM" in call.prompt for call in recorded.calls)
    failed = failed or bool(error) or " at FILE:" in exception
    forks = [(attempt(fork.text), dict(variables_of(fork))) for fork in kept_states(kept)]
    warned = [f"{w.message} [{w.lineno if w.filename == file else 'elsewhere'}]" for w in caught]
    if state is None:
        return Observed(
            exception,
            printed=printed.getvalue(),
            prompts=recorded.prompts,
            failed=failed,
            forks=forks,
            warned=warned,
        )
    return Observed(
        exception,
        error=error,
        result=attempt(lambda: described(state.ret_value)),
        text=attempt(state.text),
        messages=attempt(state.messages),
        variables=dict(variables_of(state)),
        printed=printed.getvalue(),
        prompts=recorded.prompts,
        failed=failed,
        forks=forks,
        warned=warned,
    )


def attempt(read: Callable[[], Any]) -> str:
    """What reading gives, or what it raises."""
    try:
        return repr(read())
    except Exception as error:
        return f"raises {type(error).__name__}: {error}"


def variables_of(state: Any) -> Iterator[tuple[str, str]]:
    """Every variable of a state with its value, or its failure."""
    for name, value in sorted(state.handle.vars.items(), key=lambda item: str(item[0])):
        known = value.result if isinstance(value, Pending) else lambda value=value: value
        yield str(name), attempt(known)


_COMPARED = (
    "exception",
    "error",
    "result",
    "text",
    "messages",
    "variables",
    "printed",
    "forks",
    "warned",
)


def differences(eager: Observed, other: Observed) -> list[str]:
    """What differs, in words; prompts issued in vain beside a failed generation are allowed."""
    found = [
        f"{name}: {getattr(eager, name)!r} != {getattr(other, name)!r}"
        for name in _COMPARED
        if getattr(eager, name) != getattr(other, name)
    ]
    if not eager.failed:
        if eager.prompts != other.prompts:
            found.append(f"prompts: {eager.prompts} != {other.prompts}")
        return found
    for label, prompts in eager.prompts.items():
        others = other.prompts.get(label, [])
        if others[: len(prompts)] != prompts:
            found.append(f"prompts of {label}: {prompts} != {others}")
    return found
