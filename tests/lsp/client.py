"""A real client: it starts the server as an editor does and talks to it over stdio."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient

from tests.cli.programs import environment

TIMEOUT = 60


class Editor(LanguageClient):
    """A client with the documents it has opened and the diagnostics it was sent."""

    def __init__(self) -> None:
        super().__init__("tests", "1")
        self.diagnostics: dict[str, list[lsp.PublishDiagnosticsParams]] = {}
        self.registered: list[str] = []
        self.news = asyncio.Event()

        @self.feature(lsp.CLIENT_REGISTER_CAPABILITY)
        def registered(params: lsp.RegistrationParams) -> None:
            self.registered += [each.method for each in params.registrations]

        @self.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def published(params: lsp.PublishDiagnosticsParams) -> None:
            self.diagnostics.setdefault(params.uri, []).append(params)
            self.news.set()

    def open(self, uri: str, text: str, version: int = 1) -> None:
        item = lsp.TextDocumentItem(uri, "sgl", version, text)
        self.text_document_did_open(lsp.DidOpenTextDocumentParams(item))

    def change(self, uri: str, text: str, version: int) -> None:
        self.text_document_did_change(
            lsp.DidChangeTextDocumentParams(
                lsp.VersionedTextDocumentIdentifier(version, uri),
                [lsp.TextDocumentContentChangeWholeDocument(text)],
            )
        )

    async def found(self, uri: str, version: int = 1, after: int = 0) -> list[lsp.Diagnostic]:
        """The first diagnostics of a version of a document, after so many of any version."""

        def ready() -> list[lsp.PublishDiagnosticsParams]:
            sent = self.diagnostics.get(uri, [])[after:]
            return [params for params in sent if params.version in (version, None)]

        async with asyncio.timeout(TIMEOUT):
            while not ready():
                self.news.clear()
                await self.news.wait()
        return list(ready()[0].diagnostics)

    def at(self, uri: str, line: int, character: int) -> dict[str, Any]:
        """The arguments of a request about a place, counted from 0."""
        return {
            "text_document": lsp.TextDocumentIdentifier(uri),
            "position": lsp.Position(line, character),
        }


@contextlib.asynccontextmanager
async def editor(root: Path, encodings: list[str] | None = None) -> AsyncIterator[Editor]:
    """A client with an initialized server, which is shut down at the end."""
    client = Editor()
    await client.start_io(
        sys.executable, "-m", "sglc", "lsp", "--stdio", env=environment(), cwd=str(root)
    )
    process = client._server
    assert process is not None
    try:
        general = lsp.GeneralClientCapabilities(position_encodings=encodings)
        watched = lsp.DidChangeWatchedFilesClientCapabilities(dynamic_registration=True)
        async with asyncio.timeout(TIMEOUT):
            await client.initialize_async(
                lsp.InitializeParams(
                    capabilities=lsp.ClientCapabilities(
                        general=general if encodings else None,
                        workspace=lsp.WorkspaceClientCapabilities(did_change_watched_files=watched),
                    ),
                    root_uri=root.as_uri(),
                )
            )
            client.initialized(lsp.InitializedParams())
        yield client
        async with asyncio.timeout(TIMEOUT):
            await client.shutdown_async(None)
            client.exit(None)
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
        await client.stop()


class Session:
    """One server for many tests: each hands in what to do with the client."""

    def __init__(self, runner: asyncio.Runner, client: Editor) -> None:
        self.runner = runner
        self.client = client

    def __call__(self, session: Callable[[Editor], Coroutine[Any, Any, None]]) -> None:
        self.runner.run(session(self.client))


@contextlib.contextmanager
def session(root: Path) -> Iterator[Session]:
    """A server that several tests talk to."""
    with asyncio.Runner() as runner:
        context = editor(root)
        client = runner.run(_enter(context))
        yield Session(runner, client)
        runner.run(_leave(context))


async def _enter(context: contextlib.AbstractAsyncContextManager[Editor]) -> Editor:
    return await context.__aenter__()


async def _leave(context: contextlib.AbstractAsyncContextManager[Editor]) -> None:
    await context.__aexit__(None, None, None)


class Text:
    """A script with a cursor, written `|`."""

    def __init__(self, marked: str) -> None:
        before, _, after = marked.partition("|")
        self.text = before + after
        self.line = before.count("\n")
        self.character = len(before.rpartition("\n")[2].encode("utf-16-le")) // 2
