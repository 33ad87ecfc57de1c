"""Entries of a function's report as remarks with a code and a place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sglc.diagnostics.core import Diagnostic, Label
from sglc.ir.core import Func, Loc, Module
from sglc.passes.base import span_of
from sglc.passes.explain import HostPiece, Parallel, Wait
from sglc.passes.fork_parallel import NOT_PARALLEL, PARALLEL

if TYPE_CHECKING:
    from sglc.programs.live import LiveOperation

WAITS, RUNS_LIVE, HOST_CODE = "SGL0371", "SGL0372", "SGL0373"


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes remarks of one function."""

    module: Module
    func: Func

    def wait(self, wait: Wait) -> Diagnostic:
        """A place where the program waits; labels are the generations it waits for."""
        sources = tuple(dict.fromkeys(wait.sources))
        names = ", ".join(dict.fromkeys(source.what for source in sources))
        labels = [(s.loc, s.what) for s in sources if s.loc != wait.loc]
        return self._remark(WAITS, f"waits for {names}: {wait.what}", wait.loc, labels)

    def parallel(self, found: Parallel) -> Diagnostic:
        """A fork, loop or call; the label is what keeps it in order."""
        if found.parallel:
            return self._remark(PARALLEL, f"{found.what} side by side", found.loc)
        labels = [(found.because, "because of this")] if found.because != found.loc else []
        message = f"{found.what} one after the other: {found.reason}"
        return self._remark(NOT_PARALLEL, message, found.loc, labels)

    def host(self, piece: HostPiece) -> Diagnostic:
        """Code with unknown effects."""
        return self._remark(HOST_CODE, piece.why, piece.loc)

    def _remark(
        self,
        code: str,
        message: str,
        loc: Loc | None,
        labels: Iterable[tuple[Loc | None, str]] = (),
    ) -> Diagnostic:
        placed = [(span_of(self.module, self.func, at), text) for at, text in labels]
        return Diagnostic(
            code=code,
            message=message,
            severity="remark",
            span=span_of(self.module, self.func, loc),
            labels=tuple(Label(span, text) for span, text in placed if span is not None),
        )


def live(one: LiveOperation) -> Diagnostic:
    """A call of the language in host code."""
    message = f"this `{one.name}` runs live, as part of the Python code around it"
    return Diagnostic(code=RUNS_LIVE, message=message, severity="remark", span=one.span)
