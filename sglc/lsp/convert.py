"""Places, findings and proposals as the protocol has them."""

from __future__ import annotations

from pathlib import Path

from lsprotocol import types as lsp

from sglc.diagnostics.codes import CODES
from sglc.diagnostics.core import Diagnostic, Span
from sglc.diagnostics.links import url
from sglc.ir.core import Loc
from sglc.lsp.complete import Completion
from sglc.lsp.outline import Node

_SEVERITIES = {
    "error": lsp.DiagnosticSeverity.Error,
    "warning": lsp.DiagnosticSeverity.Warning,
    "remark": lsp.DiagnosticSeverity.Information,
}
_COMPLETIONS = {
    "keyword": lsp.CompletionItemKind.Keyword,
    "variable": lsp.CompletionItemKind.Variable,
    "function": lsp.CompletionItemKind.Function,
    "schema": lsp.CompletionItemKind.Struct,
    "module": lsp.CompletionItemKind.Module,
    "field": lsp.CompletionItemKind.Field,
    "method": lsp.CompletionItemKind.Method,
    "parameter": lsp.CompletionItemKind.Property,
    "type": lsp.CompletionItemKind.TypeParameter,
    "constant": lsp.CompletionItemKind.Constant,
}
_SYMBOLS = {
    "function": lsp.SymbolKind.Function,
    "extern": lsp.SymbolKind.Interface,
    "schema": lsp.SymbolKind.Struct,
    "field": lsp.SymbolKind.Field,
    "import": lsp.SymbolKind.Module,
}
_UNNECESSARY = ("never reached", "never used", "unused", "no effect")


class Places:
    """Positions of one text: ours count characters from 1, the client's units from 0."""

    def __init__(self, lines: list[str], encoding: str) -> None:
        self.lines = lines
        self.encoding = encoding

    def position(self, line: int, column: int) -> lsp.Position:
        """A place for the client; places behind a line's or the text's end are cut."""
        if line > len(self.lines):
            line, column = len(self.lines), len(self.lines[-1]) + 1
        text = self.lines[line - 1][: max(0, column - 1)]
        return lsp.Position(line - 1, self._units(text))

    def range(self, loc: Loc | Span) -> lsp.Range:
        """A stretch for the client."""
        start = self.position(loc.line, loc.column)
        end = self.position(loc.end_line, loc.end_column)
        return lsp.Range(start, max(start, end))

    def whole(self) -> lsp.Range:
        """The whole text."""
        return lsp.Range(
            lsp.Position(0, 0), self.position(len(self.lines), len(self.lines[-1]) + 1)
        )

    def place(self, position: lsp.Position) -> tuple[int, int]:
        """Line and column of a client's position; positions outside of the text are cut."""
        line = min(position.line, len(self.lines) - 1)
        text, left, column = self.lines[line], position.character, 1
        for char in text:
            left -= self._units(char)
            if left < 0:
                break
            column += 1
        return line + 1, column

    def _units(self, text: str) -> int:
        match self.encoding:
            case "utf-8":
                return len(text.encode("utf-8", "surrogatepass"))
            case "utf-32":
                return len(text)
        return len(text) + sum(ord(char) > 0xFFFF for char in text)


def diagnostic(
    finding: Diagnostic, places: Places, related: list[lsp.DiagnosticRelatedInformation]
) -> lsp.Diagnostic:
    """A finding in the text of `places`; one without a place is shown at the start."""
    span = finding.span or Span("", 1, 1, 1, 1)
    address = url(finding.code)
    parts = [finding.message]
    parts += [f"help: {text}" for text in finding.helps]
    parts += [f"note: {text}" for text in finding.notes]
    page = CODES.get(finding.code)
    faded = page is not None and any(word in page.title for word in _UNNECESSARY)
    return lsp.Diagnostic(
        range=places.range(span),
        message="\n".join(parts),
        severity=_SEVERITIES[finding.severity],
        code=finding.code,
        code_description=lsp.CodeDescription(address) if address else None,
        source="sglc",
        tags=[lsp.DiagnosticTag.Unnecessary] if faded else None,
        related_information=related or None,
    )


def completion(found: Completion, number: int, edit: lsp.Range) -> lsp.CompletionItem:
    """A proposal; `number` keeps our order, `edit` is what it replaces."""
    return lsp.CompletionItem(
        label=found.label,
        kind=_COMPLETIONS[found.what],
        detail=found.detail or None,
        documentation=lsp.MarkupContent(lsp.MarkupKind.Markdown, found.text)
        if found.text
        else None,
        sort_text=f"{number:04}",
        text_edit=lsp.TextEdit(edit, found.insert or found.label),
    )


def symbol(node: Node, places: Places) -> lsp.DocumentSymbol:
    """A definition and what is in it."""
    return lsp.DocumentSymbol(
        name=node.name,
        detail=node.detail or None,
        kind=_SYMBOLS[node.what],
        range=places.range(node.whole),
        selection_range=places.range(node.name_loc),
        children=[symbol(child, places) for child in node.children],
    )


def file_uri(name: str) -> str:
    """The URI of a file as `Unit.file` names it."""
    return name if "://" in name or name.startswith("untitled:") else Path(name).as_uri()
