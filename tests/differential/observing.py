"""Running a program in one way and noting everything that can be observed."""

from __future__ import annotations

import contextlib
import copy
import importlib.util
import io
import threading
import time
import traceback
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from sglc.backends.recording import RecordingBackend
from sglc.execution.driver import Driver
from sglc.execution.pending import Pending
from sglc.execution.session import ExecOptions

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
    """Whether any generation failed."""
    forks: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Text and variables of the forks that the program kept."""


def load_module(path: Path) -> ModuleType:
    """Import a file under its own name."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class FailingAnew(RecordingBackend):
    """Each failure is an exception of its own, so that its notes are those of one generation."""

    def _failure(self, prompt: str) -> BaseException | None:
        return copy.copy(super()._failure(prompt))


def recording(delays: bool) -> RecordingBackend:
    """A backend whose answers depend on prompt, parameters and seed; `BOOM` fails."""

    def delay(prompt: str) -> float:
        return (zlib.crc32(prompt.encode()) % 4) / 2000

    return FailingAnew(
        failures={"BOOM": RuntimeError("the model failed")},
        delay=delay if delays else 0.0,
        seeded=True,
        chat_template="chatml",
    )


def wait_until_idle(backend: RecordingBackend, patience: float = 10.0) -> None:
    """Wait until neither the driver nor the backend has anything to do."""
    deadline = time.monotonic() + patience
    quiet = 0
    while quiet < 2:
        passed = threading.Event()
        Driver.get().post(passed.set)
        assert passed.wait(patience), "the driver hangs"
        quiet = 0 if backend._flying else quiet + 1
        assert time.monotonic() < deadline, "generations hang"
        if backend._flying:
            time.sleep(0.0005)


def lines_of(error: BaseException, file: str) -> str:
    """Frames of a traceback in the program's file."""
    frames = traceback.extract_tb(error.__traceback__)
    return " > ".join(f"{f.name}:{f.lineno}" for f in frames if f.filename == file)


def shown(error: BaseException | None, file: str) -> str:
    """An exception with its notes and where it was raised."""
    if error is None:
        return ""
    notes = "|".join(n.replace(file, "FILE") for n in getattr(error, "__notes__", ()))
    return f"{type(error).__name__}: {error} [{lines_of(error, file)}] {notes}"


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
    with contextlib.redirect_stdout(printed):
        try:
            state = run(backend=backend, compiled=compiled, options=options, seed=7)
        except Exception as raised:
            exception = shown(raised, file)
    if state is not None:
        state.sync()
    wait_until_idle(recorded)
    failed = any("BOOM" in call.prompt for call in recorded.calls)
    error = shown(state.error(), file) if state is not None else ""  # reading raises it anew
    forks = [
        (attempt(fork.text), dict(variables_of(fork))) for group in kept for fork in group.states
    ]
    if state is None:
        return Observed(
            exception,
            printed=printed.getvalue(),
            prompts=recorded.prompts,
            failed=failed,
            forks=forks,
        )
    return Observed(
        exception,
        error=error,
        result=attempt(lambda: state.ret_value),
        text=attempt(state.text),
        messages=attempt(state.messages),
        variables=dict(variables_of(state)),
        printed=printed.getvalue(),
        prompts=recorded.prompts,
        failed=failed,
        forks=forks,
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
