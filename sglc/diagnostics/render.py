"""
Diagnostics as text and as JSON.

The text form is rustc's (rustc dev guide, `diagnostics.md`): header, place, source lines with a
caret under the primary span and dashes under secondary ones, notes, helps.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sglc.diagnostics.core import Diagnostic, Span
from sglc.diagnostics.source import SourceFiles, SourceLines, display_width

Sources = Mapping[str, str]
"""Text by file name, for sources that are not (or no longer) on disk."""

_STYLES = {"error": "1;31", "warning": "1;33", "remark": "1;36", "frame": "1;34", "bold": "1"}
_ELISION_GAP = 2
"""Lines between two shown lines up to which the gap is shown instead of elided."""


def render(
    diagnostics: Sequence[Diagnostic] | Diagnostic,
    *,
    color: bool = False,
    sources: Sources | None = None,
) -> str:
    """
    Text of the diagnostics, one blank line between two, ending with a newline.

    Source lines come from `sources`, else from disk; a file that cannot be read is left out of
    the picture, its place is still named. Repeated diagnostics are shown once.
    """
    items = (diagnostics,) if isinstance(diagnostics, Diagnostic) else diagnostics
    painter = _Painter(color, SourceFiles(sources or {}))
    blocks = [painter.block(item) for item in dict.fromkeys(items)]
    return "\n".join(block + "\n" for block in blocks)


@dataclass(frozen=True, slots=True)
class Mark:
    """A place to show, and what to say under it."""

    span: Span
    text: str
    primary: bool = True
    """Carets under it; else dashes."""


def excerpt(marks: Sequence[Mark], files: SourceFiles, *, color: bool = False) -> list[str]:
    """
    The source lines of marks in one file, each with its underline; no header and no place.

    Empty when the file cannot be read.
    """
    painter = _Painter(color, files)
    source = files.of(marks[0].span) if marks else None
    if source is None:
        return []
    width = max(len(str(mark.span.line)) for mark in marks)
    drawn = [(mark.span, mark.text, "^" if mark.primary else "-") for mark in marks]
    return painter.window(source, drawn, width, "remark")[1:]


def render_json(
    diagnostics: Sequence[Diagnostic] | Diagnostic, *, sources: Sources | None = None
) -> str:
    """One JSON object a line, for editors and scripts."""
    items = (diagnostics,) if isinstance(diagnostics, Diagnostic) else diagnostics
    files = SourceFiles(sources or {})
    found = [to_json(item, files) for item in dict.fromkeys(items)]
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in found)


def to_json(diagnostic: Diagnostic, files: SourceFiles | None = None) -> dict[str, Any]:
    """
    Plain data of one diagnostic; positions count characters from 1, ends are exclusive.

    With `files`, helps that correct a word come as suggestions too.
    """
    # Only machine-readable output pays for every page of every code.
    from sglc.diagnostics.fixes import suggestions
    from sglc.diagnostics.links import url

    source = files.of(diagnostic.span) if files is not None else None
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "span": _span_json(diagnostic.span),
        "label": diagnostic.label,
        "labels": [{"span": _span_json(x.span), "text": x.text} for x in diagnostic.labels],
        "notes": list(diagnostic.notes),
        "helps": list(diagnostic.helps),
        "suggestions": [
            {
                "span": _span_json(one.span),
                "replacement": one.replacement,
                "message": one.message,
                "applicability": one.applicability,
            }
            for one in suggestions(diagnostic, source)
        ],
        "url": url(diagnostic.code),
    }


def _span_json(span: Span | None) -> dict[str, Any] | None:
    if span is None:
        return None
    return {
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


class _Painter:
    """Draws diagnostics; holds what all of them share."""

    def __init__(self, color: bool, files: SourceFiles) -> None:
        self.color = color
        self.files = files

    def paint(self, style: str, text: str) -> str:
        if not self.color or not text:
            return text
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m"

    def block(self, item: Diagnostic) -> str:
        head = self.paint(item.severity, f"{item.severity}[{item.code}]")
        out = [head + self.paint("bold", f": {item.message}")]
        width = self._gutter(item)
        if item.span is not None:
            out += self._windows(item, item.span, width)
        bar = self.paint("frame", f"{' ' * width} =")
        for kind, texts in (("note", item.notes), ("help", item.helps)):
            for text in texts:
                first, *rest = text.splitlines() or [""]
                out.append(f"{bar} {self.paint('bold', kind + ':')} {first}")
                out += [f"{' ' * (width + 9)}{line}" for line in rest]
        return "\n".join(out)

    def _gutter(self, item: Diagnostic) -> int:
        spans = [label.span for label in item.labels]
        if item.span is not None:
            spans.append(item.span)
        return max((len(str(span.line)) for span in spans), default=1)

    def _windows(self, item: Diagnostic, primary: Span, width: int) -> list[str]:
        """One window a file, the primary span's first."""
        out = []
        files = dict.fromkeys([primary.file, *(label.span.file for label in item.labels)])
        for file in files:
            marks = [(s.span, s.text, "-") for s in item.labels if s.span.file == file]
            if primary.file == file:
                marks.append((primary, item.label, "^"))
            place = primary if primary.file == file else min(mark[0] for mark in marks)
            arrow = "-->" if primary.file == file else ":::"
            out.append(f"{' ' * width}{self.paint('frame', arrow)} {place}")
            source = self.files.lines(file)
            if source is not None:
                out += self.window(source, marks, width, item.severity)
        return out

    def window(
        self,
        source: SourceLines,
        marks: list[tuple[Span, str, str]],
        width: int,
        severity: str,
    ) -> list[str]:
        bar = self.paint("frame", f"{' ' * width} |")
        by_line: dict[int, list[tuple[Span, str, str]]] = {}
        for mark in marks:
            if 1 <= mark[0].line <= len(source):
                by_line.setdefault(mark[0].line, []).append(mark)
        if not by_line:
            return []
        out = [bar]
        previous: int | None = None
        for number in sorted(by_line):
            if previous is not None and number > previous + 1:
                if number - previous <= _ELISION_GAP:
                    out.append(self._source_line(source, previous + 1, width))
                else:
                    out.append(self.paint("frame", "..."))
            out.append(self._source_line(source, number, width))
            # Right to left, so that a label never covers a later mark's carets.
            for span, text, char in sorted(by_line[number], key=lambda m: -m[0].column):
                style = severity if char == "^" else "frame"
                out.append(f"{bar} {self._underline(source, span, char, text, style)}".rstrip())
            previous = number
        return out

    def _source_line(self, source: SourceLines, number: int, width: int) -> str:
        frame = self.paint("frame", f"{number:>{width}} |")
        return f"{frame} {source.shown(number)}".rstrip()

    def _underline(self, source: SourceLines, span: Span, char: str, text: str, style: str) -> str:
        line = source.raw(span.line)
        start = min(span.column - 1, len(line))
        end = span.end_column - 1 if span.end_line == span.line else len(line.rstrip())
        pad = display_width(line[:start])
        size = max(1, display_width(line[start:end]) or end - start)
        if span.end_line > span.line and char == "^":
            text = f"{text} (to line {span.end_line})" if text else f"to line {span.end_line}"
        return " " * pad + self.paint(style, f"{char * size} {text}".rstrip())
