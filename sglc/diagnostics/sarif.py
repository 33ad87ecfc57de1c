"""
Diagnostics as SARIF 2.1.0, the exchange format of static analysis (OASIS, 2020).

Columns count UTF-16 code units from 1 and ends are exclusive, as the standard's default has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from sglc.diagnostics.codes import CODES
from sglc.diagnostics.core import Diagnostic, Span, Suggestion
from sglc.diagnostics.fixes import suggestions
from sglc.diagnostics.links import url
from sglc.diagnostics.source import SourceFiles, SourceLines

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "remark": "note"}


def sarif_log(
    diagnostics: Sequence[Diagnostic], version: str, sources: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A log with one run of sglc `version`; rules are the codes that occur, in order."""
    writer = _Writer(diagnostics, sources or {})
    driver = {
        "name": "sglc",
        "semanticVersion": version,
        "rules": [writer.rule(code) for code in writer.codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "utf16CodeUnits",
        "originalUriBaseIds": {"SRCROOT": {"description": {"text": "the working directory"}}},
        "results": [writer.result(item) for item in diagnostics],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


class _Writer:
    def __init__(self, diagnostics: Sequence[Diagnostic], sources: Mapping[str, str]) -> None:
        self.codes = sorted({item.code for item in diagnostics})
        self.files = SourceFiles(sources)

    def rule(self, code: str) -> dict[str, Any]:
        page, where = CODES.get(code), url(code)
        link = {"helpUri": where} if where is not None else {}
        if page is None:
            return {"id": code} | link
        return {
            "id": code,
            "shortDescription": {"text": page.title},
            "fullDescription": {"text": " ".join(page.meaning.split())},
            "help": {"text": page.text(), "markdown": page.markdown()},
        } | link

    def result(self, item: Diagnostic) -> dict[str, Any]:
        labelled = f"{item.message}: {item.label}" if item.label else item.message
        helps = [f"help: {text}" for text in item.helps]
        found: dict[str, Any] = {
            "ruleId": item.code,
            "ruleIndex": self.codes.index(item.code),
            "level": _LEVELS[item.severity],
            "message": {"text": "\n".join([labelled, *item.notes, *helps])},
            "locations": [] if item.span is None else [self.location(item.span)],
        }
        related = [
            self.location(label.span) | {"id": number, "message": {"text": label.text}}
            for number, label in enumerate(item.labels)
        ]
        if related:
            found["relatedLocations"] = related
        fixes = [self.fix(one) for one in suggestions(item, self.files.of(item.span))]
        return found | ({"fixes": fixes} if fixes else {})

    def location(self, span: Span) -> dict[str, Any]:
        physical = {"artifactLocation": artifact(span.file), "region": self.region(span)}
        return {"physicalLocation": physical}

    def region(self, span: Span) -> dict[str, int]:
        lines = self.files.of(span)
        return {
            "startLine": max(span.line, 1),
            "startColumn": _utf16(lines, span.line, span.column),
            "endLine": max(span.end_line, 1),
            "endColumn": _utf16(lines, span.end_line, span.end_column),
        }

    def fix(self, one: Suggestion) -> dict[str, Any]:
        change = {
            "artifactLocation": artifact(one.span.file),
            "replacements": [
                {
                    "deletedRegion": self.region(one.span),
                    "insertedContent": {"text": one.replacement},
                }
            ],
        }
        return {
            "description": {"text": one.message},
            "artifactChanges": [change],
            "properties": {"applicability": one.applicability},
        }


def artifact(file: str) -> dict[str, str]:
    """A file as SARIF names it: a URI, relative ones to the working directory."""
    path = PurePath(file)
    if path.is_absolute():
        return {"uri": path.as_uri()}
    return {"uri": quote(path.as_posix()), "uriBaseId": "SRCROOT"}


def _utf16(lines: SourceLines | None, line: int, column: int) -> int:
    """A column in UTF-16 code units; characters where the line is not at hand."""
    if lines is None or not 1 <= line <= len(lines):
        return max(column, 1)
    before = lines.raw(line)[: column - 1]
    return max(column, 1) + _beyond_first_plane(before)


def _beyond_first_plane(text: Iterable[str]) -> int:
    return sum(ord(char) > 0xFFFF for char in text)
