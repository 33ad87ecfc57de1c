"""What must hold for any input of the IR's readers: a diagnostic, or a module that is sound."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

from sglc.backends.recording import RecordingBackend
from sglc.diagnostics.core import SglcError, VerifyError
from sglc.diagnostics.render import render
from sglc.execution.driver import Driver
from sglc.execution.errors import GenerationError
from sglc.execution.externs import Externs
from sglc.execution.interpreter import run_function
from sglc.execution.limits import Limits
from sglc.execution.session import Session
from sglc.expressions.values import ValueLimits
from sglc.frontends.script import convert_args
from sglc.ir import equal, jsonio
from sglc.ir.core import Func, Module
from sglc.ir.parser import parse_module
from sglc.ir.printer import print_module
from sglc.ir.verifier import verify
from sglc.passes.pipeline import DEFAULT
from sglc.programs.target import is_program, params_of

LIMITS = Limits(
    steps=20_000,
    depth=50,
    iterations=200,
    branches=50,
    states=200,
    generations=500,
    prompt=100_000,
    memory=10_000_000,
    values=ValueLimits(characters=10_000, items=1_000, bits=10_000),
)
SECONDS = 20
"""After so long a run counts as hanging."""
GIVEN = {"str": "tea", "int": 3, "bool": True, "float": 1.5, "list[str]": ["a", "b"]}


@dataclass(slots=True)
class Tally:
    """How far inputs came."""

    refused: int = 0
    unsound: int = 0
    """Read, and refused by the verifier."""
    sound: int = 0
    ran: int = 0
    failed: int = 0
    """Ran, and ended in a diagnostic."""
    codes: set[str] = field(default_factory=set)


def check_text(text: str, tally: Tally) -> None:
    """Read IR text and follow it as far as it goes; raises what a reader or pass must not raise."""
    try:
        module = parse_module(text, "fuzz.sglir")
    except SglcError as error:
        _check_diagnostics(error, text)
        tally.refused += 1
        tally.codes |= {d.code for d in error.diagnostics}
        return
    check_module(module, tally)


def check_json(text: str, tally: Tally) -> None:
    """The same for JSON."""
    try:
        module = jsonio.from_json(text)
    except SglcError as error:
        render(list(error.diagnostics), color=False)
        tally.refused += 1
        tally.codes |= {d.code for d in error.diagnostics}
        return
    check_module(module, tally)


def check_module(module: Module, tally: Tally) -> None:
    """Print and read again, verify, optimise, run."""
    text = print_module(module)
    again = parse_module(text)
    assert equal(again, module), "reading what was printed gave another module"
    assert print_module(again) == text, "printing what was read gave another text"
    with contextlib.suppress(UnicodeEncodeError):
        text.encode()
    data = jsonio.to_json(module, indent=None)
    assert equal(jsonio.from_json(data), module) or r"\ud" in data, "JSON gave another module"
    try:
        verify(module)
    except VerifyError as error:
        render(list(error.diagnostics), color=False)
        tally.unsound += 1
        tally.codes |= {d.code for d in error.diagnostics}
        return
    verify(again)
    tally.sound += 1
    if module.attrs.get("language") == "sgl":
        for name, func in module.funcs.items():
            if is_program(func):
                run(module, func, tally)
                DEFAULT.run(again)
                run(again, again.funcs[name], tally)
                return
    DEFAULT.run(again)


def run(module: Module, func: Func, tally: Tally) -> None:
    """Run a function on a model that answers at once, under small bounds."""
    session = Session(RecordingBackend(), seed=1)
    given = {p.name: GIVEN.get(p.type or "str", "x") for p in params_of(func) if p.required}
    try:
        values = convert_args(func, given, module, text=False)
        strand = run_function(
            module, func, values, session, session.root(), LIMITS, externs=Externs(())
        )
        Driver.get().spawn(strand).result(SECONDS)
        tally.ran += 1
    except (SglcError, GenerationError) as error:
        tally.failed += 1
        if isinstance(error, SglcError):
            render(list(error.diagnostics), color=False)
            tally.codes |= {d.code for d in error.diagnostics}


def _check_diagnostics(error: SglcError, text: str) -> None:
    lines = text.split("\n")
    for found in error.diagnostics:
        assert found.span is not None, found
        assert 1 <= found.span.line <= len(lines), found
        assert 1 <= found.span.column <= len(lines[found.span.line - 1]) + 1, found
    render(list(error.diagnostics), color=False)
