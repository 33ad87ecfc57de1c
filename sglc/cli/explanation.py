"""What `sglc explain FILE` prints: one block a function, then the compiler's remarks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sglc.diagnostics.core import Diagnostic
from sglc.ir.core import Func, Loc, Module
from sglc.passes.explain import FunctionReport, Parallel, Prefix, Wait, explain_function

WIDTH = 9
LONGEST = 60


def describe(module: Module, functions: Iterable[Func], remarks: Sequence[Diagnostic]) -> str:
    """Reports on functions of a module, and the remarks of the front end and of the passes."""
    blocks = ["\n".join(_block(explain_function(module, f), module.file)) for f in functions]
    if remarks:
        blocks.append("\n".join(_remark(remark) for remark in dict.fromkeys(remarks)))
    return "\n\n".join(blocks) + "\n"


def _block(report: FunctionReport, file: str) -> Iterator[str]:
    line = f":{report.loc.line}" if report.loc is not None and report.loc.line else ""
    count = f"{report.generations} generation{'s' if report.generations != 1 else ''}"
    yield f"{file}{line} {report.kind} {report.name}, {count}"
    yield from _section("prefix", [_prefix(report.prefix)])
    yield from _section("parallel", map(_parallel, report.parallel))
    yield from _section("waits", map(_wait, report.waits))
    yield from _section("host", (f"{_place(h.loc)}{_code(h.text)}: {h.why}" for h in report.host))
    if report.handles:
        names = ", ".join(f"`{name}`" for name in dict.fromkeys(report.handles))
        yield from _section("live", [f"{names}: followed at run time, not promoted"])


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines) or ["none"]
    for index, line in enumerate(found):
        yield f"  {title if index == 0 else '':<{WIDTH}}{line}"


def _prefix(prefix: Prefix | None) -> str:
    if prefix is None:
        return "nothing constant: runs share what their arguments have in common"
    text = "".join(s if isinstance(s, str) else " " for s in prefix.segments).strip()
    return f"{_code(text)}, about {prefix.tokens} tokens: the same in every run, computed once"


def _parallel(found: Parallel) -> str:
    if found.parallel:
        return f"{_place(found.loc)}{found.what} side by side"
    at = f" ({_at(found.because)})" if found.because is not None else ""
    return f"{_place(found.loc)}{found.what} one after the other: {found.reason}{at}"


def _wait(wait: Wait) -> str:
    sources = ", ".join(dict.fromkeys(f"{s.what} ({_at(s.loc)})" for s in wait.sources))
    return f"{_place(wait.loc)}{wait.what} waits for {sources}"


def _remark(remark: Diagnostic) -> str:
    span = remark.span
    place = f"{span.line}:{span.column}: " if span is not None else ""
    notes = "".join(f"; {note}" for note in remark.notes)
    return f"remark[{remark.code}]: {place}{remark.message}{notes}"


def _place(loc: Loc | None) -> str:
    return f"{_at(loc) + ' ':<8}" if loc is not None and loc.line else ""


def _at(loc: Loc | None) -> str:
    return f"{loc.line}:{loc.column}" if loc is not None and loc.line else "unknown place"


def _code(text: str) -> str:
    """Text in back-ticks, on one line and not too long."""
    flat = " ".join(text.strip("`").split())
    return f"`{flat if len(flat) <= LONGEST else flat[: LONGEST - 3] + '...'}`"
