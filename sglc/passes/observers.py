"""Observers of phases: printing IR, numbered dumps, the table of times."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sglc.diagnostics.core import Diagnostic, UsageError
from sglc.passes.instrumentation import PhaseRun, Report

RULER = "// ----- after {} -----"


@dataclass(frozen=True, slots=True)
class Print:
    """Print what chosen phases made, each under a comment that names the phase."""

    write: Callable[[str], None]
    """Takes one text for each phase, without final newline."""
    phases: frozenset[str] | None = None
    """Names of phases to print; None: all."""
    only_changes: bool = False
    """Print a phase only when its text differs from the one before, unchanged ones as a line."""
    needs_text: bool = True

    def __call__(self, run: PhaseRun) -> None:
        if self.phases is not None and run.name not in self.phases:
            return
        head = RULER.format(run.name)
        if self.only_changes and not run.differs:
            self.write(f"{head}\n// no change")
            return
        assert run.text is not None
        self.write(f"{head}\n{run.text.rstrip()}")


@dataclass(frozen=True, slots=True)
class Dump:
    """Write what each phase made to `NN.phase.sglir` in a folder that exists; or UsageError."""

    folder: Path
    needs_text: bool = True

    def __call__(self, run: PhaseRun) -> None:
        assert run.text is not None
        text = run.text if run.text.endswith("\n") else run.text + "\n"
        path = self.folder / dump_name(run)
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            message = f"cannot write `{path}`: {(error.strerror or str(error)).lower()}"
            raise UsageError(Diagnostic(code="SGL0606", message=message)) from None


def dump_name(run: PhaseRun) -> str:
    """The file name of a phase's dump; syntax trees are `.txt`."""
    return f"{run.number:02d}.{run.name}.{'sglir' if run.module else 'txt'}"


@dataclass(frozen=True, slots=True)
class KeepTexts:
    """Ask for texts and do nothing with them: they stay in the report."""

    needs_text: bool = True

    def __call__(self, run: PhaseRun) -> None:
        pass


def times_table(report: Report) -> str:
    """Wall times by phase, the verifier's together in a row of its own."""
    rows = [(run.name, run.seconds, _note(run)) for run in report.runs]
    verifying = [run.verifying for run in report.runs if run.verifying is not None]
    verifying += [report.verified] if report.verified is not None else []
    times = "time" if len(verifying) == 1 else "times"
    rows.append(("verify", sum(verifying), f"{len(verifying)} {times}"))
    total = sum(seconds for _, seconds, _ in rows)
    rows.append(("total", total, ""))
    width = max(len(name) for name, _, _ in rows)
    return "\n".join(_lines(rows, width, total))


def _lines(rows: Iterable[tuple[str, float, str]], width: int, total: float) -> Iterator[str]:
    yield f"{'phase':<{width}}  {'ms':>9}  {'share':>5}"
    for name, seconds, note in rows:
        share = f"{seconds / total:.0%}" if total else "-"
        yield f"{name:<{width}}  {seconds * 1000:9.3f}  {share:>5}  {note}".rstrip()


def _note(run: PhaseRun) -> str:
    return "" if run.changed else "no change"
