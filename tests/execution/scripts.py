"""Running scripts on the recording backend."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sglc.backends.recording import RecordingBackend
from sglc.diagnostics.core import Diagnostic, SglcError
from sglc.execution.driver import Driver
from sglc.execution.externs import Externs
from sglc.execution.files import Files
from sglc.execution.interpreter import run_function
from sglc.execution.limits import Limits
from sglc.execution.session import Session
from sglc.frontends.script import compile_script, convert_args, entry_function
from sglc.ir.core import Module
from sglc.ir.parser import parse_module
from sglc.ir.printer import print_module
from sglc.ir.verifier import verify
from sglc.passes.pipeline import DEFAULT, Pipeline

PIPELINES = {
    "none": Pipeline(),
    "promote": Pipeline.parse("promote"),
    "parallel": Pipeline.parse("fork-parallel"),
    "default": DEFAULT,
}


@dataclass(slots=True)
class Outcome:
    """What a run did."""

    value: object
    text: str | None
    """The prompt of the function that was run; None when it is poisoned."""
    prompts: dict[str, list[str]]
    """What the model was asked, by state."""
    error: Diagnostic | None
    backend: RecordingBackend
    vars: dict[str | None, Any] = field(default_factory=dict)
    messages: list[Any] = field(default_factory=list)


def run(
    text: str | Module,
    args: Mapping[str, object] | None = None,
    *,
    function: str | None = None,
    rules: Mapping[str, str | Callable[[str], str]] | None = None,
    backend: RecordingBackend | None = None,
    passes: str = "none",
    functions: Mapping[str, Callable[..., Any]] | None = None,
    allow: Collection[str] = (),
    limits: Limits | None = None,
    files: Collection[Path] = (),
    seed: int = 1,
    through_text: bool = False,
) -> Outcome:
    """Compile and run a script."""
    module = compile_script(text, file="x.sgl") if isinstance(text, str) else text
    PIPELINES[passes].run(module)
    if through_text:
        module = parse_module(print_module(module))
        verify(module)
    func = entry_function(module, function)
    backend = backend or RecordingBackend(rules=rules)
    session = Session(backend, seed=seed)
    handle = session.root()
    values = convert_args(func, args or {}, module, text=False)
    externs = Externs(allow, functions=functions)
    value: object = None
    error: Diagnostic | None = None
    strand = run_function(
        module, func, values, session, handle, limits, externs=externs, files=Files(files)
    )
    try:
        value = Driver.get().spawn(strand).result(20)
    except SglcError as raised:
        error = raised.diagnostics[0]
    shown = handle.current_text()
    final = None if handle.error().result(20) is not None else shown.result(20)
    messages = [] if final is None else handle.current_messages().result(20)
    return Outcome(value, final, backend.prompts, error, backend, dict(handle.vars), messages)
