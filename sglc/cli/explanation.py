"""What `sglc explain FILE` prints: for each function a summary line and sections with excerpts."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sglc.diagnostics.core import Diagnostic, Span
from sglc.diagnostics.render import Mark, excerpt, to_json
from sglc.diagnostics.source import SourceFiles
from sglc.ir.core import Loc
from sglc.passes.explain import FunctionReport, Parallel, Prefix
from sglc.programs.explanation import ExplainedFunction, Explanation

LONGEST = 60
SECTIONS = ("waits", "parallel", "live", "host", "remarks")


def describe(explanation: Explanation, *, color: bool = False) -> str:
    """The explanation as text, one block a function."""
    writer = _Writer(SourceFiles({}), color)
    blocks = [writer.function(function) for function in explanation.functions]
    blocks += [writer.refused(remark) for remark in explanation.refused]
    if explanation.remarks:
        blocks.append(writer.section("remarks", explanation.remarks))
    texts = ["\n".join(block) for block in blocks]
    return "\n\n".join(texts or [f"{explanation.file}: no programs"]) + "\n"


def as_data(explanation: Explanation) -> dict[str, Any]:
    """The explanation as JSON data; findings are as in `--output-format json` of other commands."""
    return {
        "file": explanation.file,
        "functions": [_function_data(function) for function in explanation.functions],
        "refused": [to_json(remark) for remark in explanation.refused],
        "remarks": [to_json(remark) for remark in explanation.remarks],
    }


def summary(function: ExplainedFunction) -> str:
    """One line: how much is lifted, how often it waits, what forks do, how much is host code."""
    report = function.report
    return "; ".join(
        [
            f"{_count(report.lifted, 'model operation')} lifted, {len(function.live)} live",
            _count(len(function.waits), "wait"),
            *_forks(report.parallel),
            *([f"{_count(len(function.host), 'piece')} of host code"] if function.host else []),
        ]
    )


@dataclass(frozen=True, slots=True)
class _Writer:
    files: SourceFiles
    color: bool

    def function(self, function: ExplainedFunction) -> Iterator[str]:
        report = function.report
        line = f":{report.loc.line}" if report.loc is not None and report.loc.line else ""
        yield f"{function.file}{line} {report.kind} {report.name}: {summary(function)}"
        yield f"  prefix: {_prefix(report.prefix)}"
        for title in SECTIONS:
            found: Sequence[Diagnostic] = getattr(function, title)
            yield from self.section("host code" if title == "host" else title, found)
        yield from _values(report)

    def section(self, title: str, found: Sequence[Diagnostic]) -> Iterator[str]:
        if found:
            yield f"  {title}:"
        for one in found:
            yield from (f"    {line}" for line in self.item(one))

    def item(self, found: Diagnostic) -> list[str]:
        """The source with what is said under it; where there is no source, a line of text."""
        code = f" [{found.code}]" if found.code < "SGL0361" else ""
        said = f"{found.message}{code}" + (f": {found.label}" if found.label else "")
        marks = [] if found.span is None else [Mark(_first_line(found.span), said)]
        marks += [Mark(_first_line(one.span), one.text, primary=False) for one in found.labels]
        own = [mark for mark in marks if found.span and mark.span.file == found.span.file]
        return excerpt(own, self.files, color=self.color) or [_plain(found, said)]

    def refused(self, remark: Diagnostic) -> Iterator[str]:
        at = f"{remark.span.file}:{remark.span.line} " if remark.span is not None else ""
        yield f"{at}{remark.message} [{remark.code}]"
        marks = [] if remark.span is None else [Mark(remark.span, remark.label)]
        yield from (f"    {line}" for line in excerpt(marks, self.files, color=self.color))
        yield from (f"  note: {note}" for note in remark.notes)


def _plain(found: Diagnostic, said: str) -> str:
    at = f"{found.span.line}:{found.span.column} " if found.span is not None else ""
    labels = ", ".join(f"{x.text} at {x.span.line}:{x.span.column}" for x in found.labels)
    return "; ".join([f"{at}{said}" + (f" ({labels})" if labels else ""), *found.notes])


def _prefix(prefix: Prefix | None) -> str:
    if prefix is None:
        return "nothing constant; runs share what their arguments have in common"
    text = "".join(s if isinstance(s, str) else " " for s in prefix.segments).strip()
    if not text:
        return "the mark of a role, the same in every run"
    size = f"about {_count(prefix.tokens, 'token')}"
    return f"{_code(text)}, {size}, the same in every run: computed once"


def _values(report: FunctionReport) -> Iterator[str]:
    pieces = [piece for piece in report.host if piece.kind == "value"]
    if pieces:
        listed = ", ".join(f"{_at(piece.loc)} {_code(piece.text)}" for piece in pieces)
        yield f"  values, by built-in operators and functions alone: {listed}"


def _forks(found: Sequence[Parallel]) -> Iterator[str]:
    for fork in (one for one in found if one.kind == "fork"):
        size = f"{fork.branches} " if fork.branches is not None else ""
        yield (
            f"1 fork of {size}independent branches"
            if fork.parallel
            else f"1 fork of {size}branches in order"
        )


def _function_data(function: ExplainedFunction) -> dict[str, Any]:
    report = function.report
    place = None if report.loc is None else {"line": report.loc.line, "column": report.loc.column}
    return {
        "name": report.name,
        "kind": report.kind,
        "file": function.file,
        "place": place,
        "summary": summary(function),
        "lifted": report.lifted,
        "generations": report.generations,
        "handles": list(report.handles),
        "prefix": None if report.prefix is None else _prefix_data(report.prefix),
        "values": [
            {"place": _at(piece.loc), "source": piece.text.strip("`")}
            for piece in report.host
            if piece.kind == "value"
        ],
    } | {title: [to_json(one) for one in getattr(function, title)] for title in SECTIONS}


def _prefix_data(prefix: Prefix) -> dict[str, Any]:
    segments = list(prefix.segments)
    return {"segments": segments, "chars": prefix.chars, "estimated_tokens": prefix.tokens}


def _first_line(span: Span) -> Span:
    """What is underlined of a place with several lines, without saying how far it goes."""
    if span.end_line == span.line:
        return span
    return Span(span.file, span.line, span.column, span.line, sys.maxsize)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"


def _at(loc: Loc | None) -> str:
    return f"{loc.line}:{loc.column}" if loc is not None and loc.line else "unknown place"


def _code(text: str) -> str:
    """Text in back-ticks, on one line and not too long."""
    flat = " ".join(text.strip("`").split())
    return f"`{flat if len(flat) <= LONGEST else flat[: LONGEST - 3] + '...'}`"
