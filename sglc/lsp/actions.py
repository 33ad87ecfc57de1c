"""Quick fixes: what diagnostics suggest, as edits."""

from __future__ import annotations

from lsprotocol import types as lsp

from sglc.diagnostics.fixes import suggestions
from sglc.diagnostics.source import SourceLines
from sglc.lsp import convert
from sglc.lsp.convert import Places
from sglc.lsp.findings import findings
from sglc.lsp.project import Analysis


def quick_fixes(
    analysis: Analysis, places: Places, params: lsp.CodeActionParams
) -> list[lsp.CodeAction]:
    """The suggestions of the findings that a stretch touches."""
    only = params.context.only
    if only is not None and not any(_wants_fixes(kind) for kind in only):
        return []
    source = SourceLines(analysis.buffer.text)
    found: list[lsp.CodeAction] = []
    for finding in findings(analysis):
        shown = convert.diagnostic(finding, places, [])
        if not _touch(shown.range, params.range):
            continue
        for suggestion in suggestions(finding, source):
            if suggestion.span.file != analysis.buffer.name:
                continue
            edit = lsp.TextEdit(places.range(suggestion.span), suggestion.replacement)
            found.append(
                lsp.CodeAction(
                    title=f"Change to `{suggestion.replacement}`",
                    kind=lsp.CodeActionKind.QuickFix,
                    diagnostics=[shown],
                    is_preferred=suggestion.applicability == "machine-applicable" or None,
                    edit=lsp.WorkspaceEdit(changes={params.text_document.uri: [edit]}),
                )
            )
    return found


def _wants_fixes(kind: str) -> bool:
    return kind in ("", lsp.CodeActionKind.QuickFix)


def _touch(first: lsp.Range, second: lsp.Range) -> bool:
    return first.start <= second.end and second.start <= first.end
