"""Diagnostics in the form a reader asks for: people, scripts, code hosts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum

from sglc.diagnostics.core import Diagnostic


class OutputFormat(StrEnum):
    """How findings are written."""

    TEXT = "text"
    CONCISE = "concise"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


def formatted(
    diagnostics: Sequence[Diagnostic],
    form: OutputFormat,
    *,
    version: str = "0",
    color: bool = False,
    sources: Mapping[str, str] | None = None,
) -> str:
    """
    All diagnostics as text that ends with a newline, or empty text for none (SARIF is never empty).

    Repeated ones are written once. `version` is that of sglc, for SARIF; `sources` is text by name
    of what is in no file.
    """
    from sglc.diagnostics import render

    once = list(dict.fromkeys(diagnostics))
    match form:
        case OutputFormat.TEXT:
            return render.render(once, color=color, sources=sources)
        case OutputFormat.CONCISE:
            return "".join(f"{concise(one)}\n" for one in once)
        case OutputFormat.JSON:
            return render.render_json(once, sources=sources)
        case OutputFormat.GITHUB:
            from sglc.diagnostics.github import github_command

            return "".join(f"{github_command(one)}\n" for one in once)
        case OutputFormat.SARIF:
            from sglc.diagnostics.sarif import sarif_log

            log = sarif_log(once, version, sources)
            return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def concise(diagnostic: Diagnostic) -> str:
    """One line: place, severity, code, message."""
    place = f"{diagnostic.span}: " if diagnostic.span is not None else ""
    return f"{place}{diagnostic.severity}[{diagnostic.code}]: {diagnostic.message}"
