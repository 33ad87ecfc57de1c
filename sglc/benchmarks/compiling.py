"""
Time per operation of every phase of compiling, for programs of growing size.

Times are of this process's CPU, so that others on the machine disturb less. Every sample compiles a
program through all phases once; sizes take turns, small ones several times in each turn.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import TypeVar

from sglc.benchmarks.generated import LANGUAGES, SHAPES, Generated, Language, Shape, generate
from sglc.ir.core import Module

T = TypeVar("T")
Timed = Callable[[str, Callable[[], object]], object]
"""Runs the work of a phase and notes its time."""
MOST_INNER = 20
"""Samples of the smallest size for each of the largest, at most."""


@dataclass(slots=True)
class Size:
    """What was measured of programs of one size."""

    statements: int
    ops: int = 0
    """Operations after lowering; what times are divided by."""
    samples: dict[str, list[float]] = field(default_factory=dict)
    """CPU seconds by phase, in the order in which phases run."""

    def per_op(self, phase: str) -> float:
        """Median CPU microseconds for each operation."""
        return median(self.samples[phase]) / self.ops * 1e6


@dataclass(slots=True)
class Case:
    """One language and shape at all sizes, smallest first."""

    language: Language
    shape: Shape
    sizes: list[Size]

    @property
    def phases(self) -> list[str]:
        """Names of the phases, in order."""
        return list(self.sizes[0].samples)

    def growth(self, phase: str) -> float:
        """How much dearer an operation of the largest program is than one of the smallest."""
        return self.sizes[-1].per_op(phase) / self.sizes[0].per_op(phase)


def measure(
    sizes: Sequence[int], repeats: int, report: Callable[[str], None] = lambda _: None
) -> list[Case]:
    """
    Measure every language and shape at every size.

    Args:
        sizes: numbers of statements, ascending.
        repeats: how often the largest is compiled; medians are over all samples.
        report: told what is being measured.
    """
    cases = []
    for language in LANGUAGES:
        for shape in SHAPES:
            report(f"{language}, {'one function' if shape == 'one' else 'many functions'}")
            programs = [generate(language, shape, size) for size in sizes]
            cases.append(Case(language, shape, _sizes(programs, repeats)))
    return cases


def _sizes(programs: list[Generated], repeats: int) -> list[Size]:
    found = [Size(program.statements) for program in programs]
    largest = programs[-1].statements
    for program in programs[:1]:
        _compile(program, Size(0))  # imports, tables, first-time costs
    for _ in range(repeats):
        for program, size in zip(programs, found, strict=True):
            for _ in range(max(1, min(MOST_INNER, largest // program.statements))):
                gc.collect()
                _compile(program, size)
    return found


def _compile(program: Generated, size: Size) -> None:
    """Run every phase once and add its time to the samples."""

    def timed(phase: str, work: Callable[[], T]) -> T:
        start = time.process_time()
        result = work()
        size.samples.setdefault(phase, []).append(time.process_time() - start)
        return result

    module = (_script if program.language == "sgl" else _python)(program.text, timed)
    size.ops = sum(1 for func in module.funcs.values() for _ in func.walk())
    _shared(module, timed)


def _script(text: str, timed: Timed) -> Module:
    from sglc.frontends.script.check import check_program
    from sglc.frontends.script.files import Loaded, load
    from sglc.frontends.script.lower import lower

    loaded = timed("parse", lambda: load(text, "bench.sgl", None, None))
    assert isinstance(loaded, Loaded)
    assert not loaded.diagnostics, loaded.diagnostics[0]
    found = timed("check", lambda: check_program(loaded))
    assert isinstance(found, list)
    assert not any(d.severity == "error" for d in found), found
    module = timed("lower", lambda: lower(loaded))
    assert isinstance(module, Module)
    return module


def _python(text: str, timed: Timed) -> Module:
    from sglc.frontends.python import lower_parsed, parse_file
    from sglc.frontends.python.source import SourceFile

    file = timed("parse", lambda: parse_file("bench.py", text))
    assert isinstance(file, SourceFile)
    lowered = timed("lower", lambda: lower_parsed(file)[0])
    assert isinstance(lowered, Module)
    return lowered


def _shared(module: Module, timed: Timed) -> None:
    """The phases that both languages share; the module ends up with all passes applied."""
    from sglc.ir import jsonio
    from sglc.ir.parser import parse_module
    from sglc.ir.printer import print_module
    from sglc.ir.verifier import verify
    from sglc.passes.pipeline import DEFAULT

    timed("verify", lambda: verify(module))
    text = timed("print", lambda: print_module(module))
    assert isinstance(text, str)
    timed("parse IR", lambda: parse_module(text))
    data = timed("to JSON", lambda: jsonio.to_json(module, indent=None))
    assert isinstance(data, str)
    timed("from JSON", lambda: jsonio.from_json(data))
    for one in DEFAULT.passes:
        timed(one.name, _applying(one.apply, module))
    timed("verify promoted", lambda: verify(module))


def _applying(apply: Callable[[Module], object], module: Module) -> Callable[[], object]:
    return lambda: apply(module)


def worst(cases: Iterable[Case]) -> tuple[float, Case, str]:
    """The largest growth, and where."""
    found = [(case.growth(phase), case, phase) for case in cases for phase in case.phases]
    return max(found, key=lambda entry: entry[0])
