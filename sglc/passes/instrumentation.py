"""
What happens between phases: time, print, dump, verify. One object, asked after every phase.

The shape is xDSL's (`xdsl_opt_main.py`, `setup_pipeline`): the pipeline knows nothing of printing
or timing, and a command chooses observers instead of writing a loop of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from sglc.diagnostics.core import Diagnostic, VerifyError
from sglc.ir.core import Module
from sglc.ir.printer import print_module
from sglc.ir.verifier import verify

Remark = Diagnostic
"""A diagnostic with severity `remark`."""


@dataclass(frozen=True, slots=True)
class Product:
    """What a phase makes: a module, or a syntax tree with a way to show it."""

    value: Any
    changed: bool = True
    """Whether it differs from what the phase was given."""
    remarks: tuple[Remark, ...] = ()
    show: Callable[[], str] | None = None
    """Text of what is no module."""

    def text(self) -> str:
        """The product for readers; a module in the text form that parses back."""
        if self.show is not None:
            return self.show()
        assert isinstance(self.value, Module)
        return print_module(self.value)


@dataclass(frozen=True, slots=True)
class Phase:
    """A named step of a compilation."""

    name: str
    number: int
    """Place among all phases of the program, 0 for parsing; dumps are numbered by it."""
    work: Callable[[Any], Product]
    """From the product of the phase before to this one's."""


@dataclass(frozen=True, slots=True)
class PhaseRun:
    """A phase that has ended."""

    name: str
    number: int
    seconds: float
    """Wall time of the phase alone."""
    changed: bool
    remarks: tuple[Remark, ...]
    module: bool
    """Whether it made a module; else a syntax tree."""
    text: str | None = None
    """The product as text, when an observer asked for texts."""
    before: str | None = None
    """The same of the phase before; None for the first."""
    verifying: float | None = None
    """Wall time of the verifier; None where it did not run."""

    @property
    def differs(self) -> bool:
        """Whether the text is another one than before."""
        return self.text != self.before


class Observer(Protocol):
    """Looks at what a phase made, before it is verified, so that broken IR can be seen."""

    @property
    def needs_text(self) -> bool:
        """Whether it reads the texts of phases, which take time to make."""

    def __call__(self, run: PhaseRun) -> None:
        """Called once for each phase, in order."""


@dataclass(frozen=True, slots=True)
class Report:
    """A finished sequence of phases."""

    product: Product
    """What the last phase made."""
    runs: tuple[PhaseRun, ...] = ()
    verified: float | None = None
    """Wall time of verification before the first phase; None where there was none."""

    @property
    def value(self) -> Any:
        """The module or syntax tree that the last phase made."""
        return self.product.value

    @property
    def remarks(self) -> list[Remark]:
        """Remarks of all phases, in order."""
        return [remark for run in self.runs for remark in run.remarks]


@dataclass(frozen=True, slots=True)
class Instrumentation:
    """What to do between phases."""

    verify: bool = True
    """Verify every module that a phase made or changed."""
    observers: tuple[Observer, ...] = ()
    clock: Callable[[], float] = field(default=time.perf_counter)

    def run(self, phases: Iterable[Phase], given: Product | None = None) -> Report:
        """
        Run phases in order, each on what the one before made, the first on `given`.

        Raises what the phases raise, and `VerifyError` with a note that names the phase.
        """
        texts = any(observer.needs_text for observer in self.observers)
        last = Product(None) if given is None else given
        before = last.text() if texts and given is not None else None
        verified = self._verified(last.value, "the input")
        runs: list[PhaseRun] = []
        for phase in phases:
            run, last = self._one(phase, last.value, texts, before)
            before = run.text
            runs.append(run)
        return Report(last, tuple(runs), verified)

    def _one(
        self, phase: Phase, given: Any, texts: bool, before: str | None
    ) -> tuple[PhaseRun, Product]:
        start = self.clock()
        product = phase.work(given)
        seconds = self.clock() - start
        run = PhaseRun(
            name=phase.name,
            number=phase.number,
            seconds=seconds,
            changed=product.changed,
            remarks=product.remarks,
            module=isinstance(product.value, Module),
            text=product.text() if texts else None,
            before=before,
        )
        for observer in self.observers:
            observer(run)
        # A declaration that is wrong would leave changes unverified.
        assert run.changed or not run.differs, f"`{phase.name}` says that it changed nothing"
        if run.changed:
            run = replace(run, verifying=self._verified(product.value, f"`{phase.name}`"))
        return run, product

    def _verified(self, value: Any, after: str) -> float | None:
        """Seconds that the verifier took; None when it is switched off, or no module is there."""
        if not self.verify or not isinstance(value, Module):
            return None
        start = self.clock()
        try:
            verify(value)
        except VerifyError as error:
            note = f"found after {after}"
            raise VerifyError(
                [replace(d, notes=(*d.notes, note)) for d in error.diagnostics]
            ) from None
        return self.clock() - start
