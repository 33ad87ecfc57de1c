"""The server: which request is answered by what, and when diagnostics are published."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pygls import uris
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, default_converter

from sglc.diagnostics.core import ParseError
from sglc.formatting.script import format_script
from sglc.lsp import convert, navigate
from sglc.lsp.actions import quick_fixes
from sglc.lsp.complete import complete
from sglc.lsp.convert import Places
from sglc.lsp.findings import findings
from sglc.lsp.hover import hover
from sglc.lsp.navigate import Place, RenameError
from sglc.lsp.outline import outline
from sglc.lsp.project import Analysis, Project

DELAY = 0.15
"""Seconds after the last change until diagnostics are published."""
log = logging.getLogger("sglc.lsp")


class Protocol(LanguageServerProtocol):
    """The protocol, with an answer to requests whose parameters cannot be read."""

    def structure_message(self, data: dict[str, Any]) -> Any:
        """The message as an object; pygls only logs what it cannot read, and the client waits."""
        try:
            return super().structure_message(data)
        except JsonRpcException as error:
            if "id" in data and "method" in data:
                self._send_response(data["id"], None, error.to_response_error())
            raise


class Server(LanguageServer):
    """A language server with the open scripts."""

    def __init__(self, version: str) -> None:
        # Whole texts: pygls' lines also end at characters that end no line of a script.
        kind = lsp.TextDocumentSyncKind.Full
        super().__init__(
            "sglc",
            version,
            text_document_sync_kind=kind,
            protocol_cls=Protocol,
            converter_factory=default_converter,
        )
        self.project = Project()
        self.pending: asyncio.TimerHandle | None = None
        self.published: dict[str, Analysis] = {}
        """What the diagnostics that the client has are from, by URI."""

    def report_server_error(self, error: Exception, source: object) -> None:
        """Log what the client did wrong instead of showing it to the user."""
        log.error("%s", error)

    def analysis(self, uri: str) -> tuple[Analysis, Places] | None:
        """What is known about an open script, and its places."""
        found = self.project.analysis(uri)
        return (found, self.places(found.lines)) if found is not None else None

    def places(self, lines: list[str]) -> Places:
        """Places of a text in the client's units."""
        return Places(lines, str(self.workspace.position_encoding or "utf-16"))

    def put(self, document: lsp.TextDocumentItem | lsp.VersionedTextDocumentIdentifier) -> None:
        """Take over the text that the workspace has of a script."""
        path = uris.to_fs_path(document.uri)
        text = self.workspace.get_text_document(document.uri).source
        is_file = document.uri.startswith("file:") and path is not None
        self.project.put(
            document.uri, Path(path) if is_file and path else None, text, document.version
        )

    def schedule(self, delay: float = DELAY) -> None:
        """Publish the diagnostics of every open script soon, once for changes close together."""
        if self.pending is not None:
            self.pending.cancel()
        self.pending = asyncio.get_running_loop().call_later(delay, self.publish)

    def publish(self) -> None:
        """Publish the diagnostics of the scripts that have changed, or what they import."""
        self.pending = None
        for uri, buffer in list(self.project.buffers.items()):
            analysis = self.project.analysis(uri)
            if analysis is None or self.published.get(uri) is analysis:
                continue
            self.published[uri] = analysis
            try:
                found = self._diagnostics(uri)
            except Exception:
                log.exception("diagnostics of %s", uri)
                continue
            self.text_document_publish_diagnostics(
                lsp.PublishDiagnosticsParams(uri, found, version=buffer.version)
            )

    def _diagnostics(self, uri: str) -> list[lsp.Diagnostic]:
        known = self.analysis(uri)
        assert known is not None
        analysis, places = known
        return [
            convert.diagnostic(finding, places, self._related(analysis, finding))
            for finding in findings(analysis)
        ]

    def _related(self, analysis: Analysis, finding: Any) -> list[lsp.DiagnosticRelatedInformation]:
        return [
            lsp.DiagnosticRelatedInformation(
                lsp.Location(
                    convert.file_uri(label.span.file),
                    self.places(analysis.text_of(label.span.file)).range(label.span),
                ),
                label.text,
            )
            for label in finding.labels
        ]

    def location(self, place: Place) -> lsp.Location:
        """A place of a file."""
        lines = place.unit.text.replace("\r\n", "\n").split("\n")
        return lsp.Location(convert.file_uri(place.unit.file), self.places(lines).range(place.loc))


def create(version: str) -> Server:
    """A server that is not started yet."""
    server = Server(version)
    _documents(server)
    _queries(server)
    _edits(server)
    return server


def _documents(server: Server) -> None:
    @server.feature(lsp.INITIALIZED)
    async def initialized(params: lsp.InitializedParams) -> None:
        workspace = server.client_capabilities.workspace
        watched = workspace.did_change_watched_files if workspace is not None else None
        if watched is not None and watched.dynamic_registration:
            watcher = lsp.FileSystemWatcher("**/*.sgl")
            options = lsp.DidChangeWatchedFilesRegistrationOptions([watcher])
            wanted = lsp.Registration("files", lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
            await server.client_register_capability_async(lsp.RegistrationParams([wanted]))

    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    async def opened(params: lsp.DidOpenTextDocumentParams) -> None:
        server.put(params.text_document)
        server.schedule(0)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(params: lsp.DidChangeTextDocumentParams) -> None:
        server.put(params.text_document)
        server.schedule()

    @server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    async def saved(params: lsp.DidSaveTextDocumentParams) -> None:
        server.project.forget()
        server.schedule(0)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    async def closed(params: lsp.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        server.project.close(uri)
        server.published.pop(uri, None)
        server.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, []))
        server.schedule()

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def files_changed(params: lsp.DidChangeWatchedFilesParams) -> None:
        server.project.forget()
        server.schedule()


def _queries(server: Server) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    def on_hover(params: lsp.HoverParams) -> lsp.Hover | None:
        known = server.analysis(params.text_document.uri)
        if known is None:
            return None
        analysis, places = known
        found = hover(analysis, *places.place(params.position))
        if found is None:
            return None
        text, loc = found
        return lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, text), places.range(loc))

    @server.feature(lsp.TEXT_DOCUMENT_DEFINITION)
    def on_definition(params: lsp.DefinitionParams) -> list[lsp.Location]:
        known = server.analysis(params.text_document.uri)
        if known is None:
            return []
        analysis, places = known
        found = navigate.definition(analysis, *places.place(params.position))
        return [server.location(place) for place in found]

    @server.feature(lsp.TEXT_DOCUMENT_REFERENCES)
    def on_references(params: lsp.ReferenceParams) -> list[lsp.Location]:
        known = server.analysis(params.text_document.uri)
        if known is None:
            return []
        analysis, places = known
        others = server.project.analyses()
        found = navigate.references(analysis, *places.place(params.position), others)
        return [server.location(place) for place in found]

    @server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def on_symbols(params: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol]:
        known = server.analysis(params.text_document.uri)
        if known is None:
            return []
        analysis, places = known
        return [convert.symbol(node, places) for node in outline(analysis)]

    @server.feature(
        lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=[".", "(", "="])
    )
    def on_completion(params: lsp.CompletionParams) -> list[lsp.CompletionItem]:
        known = server.analysis(params.text_document.uri)
        if known is None:
            return []
        analysis, places = known
        line, column = places.place(params.position)
        start = column - len(analysis.cursor(line, column).prefix)
        edit = lsp.Range(places.position(line, start), places.position(line, column))
        found = complete(analysis, line, column)
        return [convert.completion(each, number, edit) for number, each in enumerate(found)]


def _edits(server: Server) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_FORMATTING)
    def on_formatting(params: lsp.DocumentFormattingParams) -> list[lsp.TextEdit] | None:
        known = server.analysis(params.text_document.uri)
        if known is None:
            return None
        analysis, places = known
        try:
            text = format_script(analysis.buffer.text, analysis.buffer.name)
        except ParseError:  # its diagnostics are on the screen
            return None
        if text == analysis.buffer.text:
            return []
        return [lsp.TextEdit(places.whole(), text)]

    @server.feature(
        lsp.TEXT_DOCUMENT_CODE_ACTION,
        lsp.CodeActionOptions(code_action_kinds=[lsp.CodeActionKind.QuickFix]),
    )
    def on_actions(params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        known = server.analysis(params.text_document.uri)
        if known is None:
            return []
        analysis, places = known
        return quick_fixes(analysis, places, params)

    @server.feature(lsp.TEXT_DOCUMENT_RENAME, lsp.RenameOptions(prepare_provider=True))
    def on_rename(params: lsp.RenameParams) -> lsp.WorkspaceEdit | None:
        known = server.analysis(params.text_document.uri)
        if known is None:
            return None
        analysis, places = known
        try:
            line, column = places.place(params.position)
            others = server.project.analyses()
            found = navigate.rename(analysis, line, column, params.new_name, others)
        except RenameError as error:
            raise JsonRpcInvalidParams(message=str(error)) from None
        changes: dict[str, list[lsp.TextEdit]] = {}
        for place in found:
            where = server.location(place)
            changes.setdefault(where.uri, []).append(lsp.TextEdit(where.range, params.new_name))
        return lsp.WorkspaceEdit(changes=changes)

    @server.feature(lsp.TEXT_DOCUMENT_PREPARE_RENAME)
    def on_prepare_rename(params: lsp.PrepareRenameParams) -> lsp.Range | None:
        known = server.analysis(params.text_document.uri)
        if known is None:
            return None
        analysis, places = known
        found = navigate.renamable(analysis, *places.place(params.position))
        return places.range(found[1]) if found is not None else None


def serve() -> bool:
    """Serve one client on stdin and stdout until it exits or is gone; whether it said goodbye."""
    from importlib.metadata import PackageNotFoundError, version

    logging.basicConfig(level=logging.CRITICAL, format="%(name)s: %(message)s")
    log.setLevel(logging.WARNING)
    try:
        number = version("sglc")
    except PackageNotFoundError:
        number = "0"
    server = create(number)
    # The protocol gets descriptors of its own: it closes them, and nothing else may write there.
    stdin, stdout = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    server.start_io(stdin, stdout)
    return server.protocol._shutdown
