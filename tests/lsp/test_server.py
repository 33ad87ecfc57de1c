"""The server as an editor meets it: a process of its own, spoken to over stdio."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from lsprotocol import types as lsp

from tests.lsp import client as lsp_client
from tests.lsp.client import Editor, Session, Text, editor


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with lsp_client.session(tmp_path_factory.mktemp("root")) as session:
        yield session


def test_diagnostics_follow_the_text(talk: Session, tmp_path: Path) -> None:
    uri = (tmp_path / "x.sgl").as_uri()

    async def session(client: Editor) -> None:
        client.open(uri, 'def f(name: str):\n    "😀日 ${nam} ${name}"\n    return 1\n    pass\n')
        undefined, unreachable = await client.found(uri)
        assert (undefined.code, undefined.severity) == ("SGL0202", lsp.DiagnosticSeverity.Error)
        # The emoji takes two units of UTF-16, the character after it one.
        assert undefined.range == lsp.Range(lsp.Position(1, 11), lsp.Position(1, 14))
        assert "did you mean `name`?" in undefined.message
        assert list(unreachable.tags or ()) == [lsp.DiagnosticTag.Unnecessary]
        assert unreachable.related_information is not None
        assert unreachable.related_information[0].location.range.start == lsp.Position(2, 4)

        client.change(uri, "def f():\n    x = (1\n", 2)
        (broken,) = await client.found(uri, 2)
        assert broken.code == "SGL0106"
        client.change(uri, "def f():\n    pass\n", 3)
        assert await client.found(uri, 3) == []
        for version in range(4, 30):
            client.change(uri, f"def f():\n    x{version}()\n", version)
        (last,) = await client.found(uri, 29)
        assert "x29" in last.message
        sent = [params.version for params in client.diagnostics[uri]]
        assert len(sent) < 15, "changes close together are looked at once"

    talk(session)


def test_an_editor_session(talk: Session) -> None:
    text = Text(
        "use temperature=0.5\n"
        "# Asks.\n"
        "def ask(what: str) -> str:\n"
        '    "Ask ${what}"\n'
        "    reply = gen(max_tokens=8)\n"
        "    return reply\n"
        "def main():\n"
        '    tool = select(["calc", "search"])\n'
        "    answer = ask(what=tool|)\n"
    )
    uri = "untitled:Untitled-1"

    async def session(client: Editor) -> None:
        client.open(uri, text.text)
        assert await client.found(uri) == []
        at = client.at(uri, text.line, text.character - 1)
        hover = await client.text_document_hover_async(lsp.HoverParams(**at))
        assert hover is not None
        assert isinstance(hover.contents, lsp.MarkupContent)
        assert 'tool: "calc" | "search"' in hover.contents.value
        assert "`lm.select`" in hover.contents.value

        found = await client.text_document_definition_async(lsp.DefinitionParams(**at))
        assert found
        (place,) = found
        assert isinstance(place, lsp.Location)
        assert place.range == lsp.Range(lsp.Position(7, 4), lsp.Position(7, 8))

        symbols = await client.text_document_document_symbol_async(
            lsp.DocumentSymbolParams(lsp.TextDocumentIdentifier(uri))
        )
        assert symbols is not None
        assert [symbol.name for symbol in symbols] == ["ask", "main"]

        items = await client.text_document_completion_async(
            lsp.CompletionParams(**client.at(uri, 8, 17))
        )
        assert isinstance(items, list | tuple)
        assert items[0].label == "what="

        edits = await client.text_document_formatting_async(
            lsp.DocumentFormattingParams(
                lsp.TextDocumentIdentifier(uri), lsp.FormattingOptions(2, False)
            )
        )
        assert edits is not None
        assert edits[0].new_text.count("\n\n\ndef") == 1
        assert "\n\n\n# Asks.\ndef ask" in edits[0].new_text

        rename = await client.text_document_rename_async(lsp.RenameParams(new_name="chosen", **at))
        assert rename is not None
        assert rename.changes is not None
        starts = [edit.range.start for edit in rename.changes[uri]]
        assert sorted(starts) == [lsp.Position(7, 4), lsp.Position(8, 22)]

    talk(session)


def test_a_quick_fix_can_be_applied(talk: Session, tmp_path: Path) -> None:
    uri = (tmp_path / "x.sgl").as_uri()

    async def session(client: Editor) -> None:
        client.open(uri, 'def f():\n    "é😀"; \n'.replace("; ", "") + "    gne(stop='a')\n")
        (finding,) = await client.found(uri)
        actions = await client.text_document_code_action_async(
            lsp.CodeActionParams(
                lsp.TextDocumentIdentifier(uri), finding.range, lsp.CodeActionContext([finding])
            )
        )
        assert actions is not None
        (action,) = actions
        assert isinstance(action, lsp.CodeAction)
        assert action.edit is not None
        assert action.edit.changes is not None
        (edit,) = action.edit.changes[uri]
        assert (edit.new_text, edit.range) == ("gen", finding.range)

    talk(session)


def test_imported_buffers_count_before_they_are_saved(talk: Session, tmp_path: Path) -> None:
    main, lib = tmp_path / "main.sgl", tmp_path / "lib.sgl"
    lib.write_text("def old():\n    pass\n")

    async def session(client: Editor) -> None:
        assert client.registered == [lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES]
        client.open(main.as_uri(), 'import "lib.sgl" as lib\n\ndef f():\n    lib.new(1)\n')
        (missing,) = await client.found(main.as_uri())
        assert missing.code == "SGL0201"

        seen = len(client.diagnostics[main.as_uri()])
        client.open(lib.as_uri(), "def new(x):\n    pass\n")
        assert await client.found(main.as_uri(), after=seen) == []
        assert await client.found(lib.as_uri()) == []
        found = await client.text_document_definition_async(
            lsp.DefinitionParams(**client.at(main.as_uri(), 3, 9))
        )
        assert found
        assert isinstance(found[0], lsp.Location)
        assert (found[0].uri, found[0].range.start) == (lib.as_uri(), lsp.Position(0, 4))

        seen = len(client.diagnostics[main.as_uri()])
        client.change(lib.as_uri(), "def new(x:\n    pass\n", 2)
        (at_import,) = await client.found(main.as_uri(), after=seen)
        assert at_import.range.start == lsp.Position(0, 7)
        assert "`lib.sgl` has errors" in at_import.message
        assert at_import.related_information is not None
        assert at_import.related_information[0].location.uri == lib.as_uri()

        seen = len(client.diagnostics[main.as_uri()])
        closing = lsp.DidCloseTextDocumentParams(lsp.TextDocumentIdentifier(lib.as_uri()))
        client.text_document_did_close(closing)
        (again,) = await client.found(main.as_uri(), after=seen)
        assert again.code == "SGL0201"

        seen = len(client.diagnostics[main.as_uri()])
        lib.write_text("def new(x):\n    pass\n")
        client.workspace_did_change_watched_files(
            lsp.DidChangeWatchedFilesParams(
                [lsp.FileEvent(lib.as_uri(), lsp.FileChangeType.Changed)]
            )
        )
        assert await client.found(main.as_uri(), after=seen) == []

    talk(session)


def test_strange_documents_and_places(talk: Session, tmp_path: Path) -> None:
    uri = (tmp_path / "x.sgl").as_uri()
    texts = [
        "",
        "\x00\u2028",
        "def f():\n    \ud800 'a\udfff'\n",
        "(" * 5000,
        "def f():\n" + "    if x:\n" * 300,
        '"' * 7,
        "#",
    ]

    async def session(client: Editor) -> None:
        for version, text in enumerate(texts, 1):
            if version == 1:
                client.open(uri, text)
            else:
                client.change(uri, text, version)
            await client.found(uri, version)
            for line, character in ((0, 0), (0, 3), (99, 99)):
                at = client.at(uri, line, character)
                await client.text_document_hover_async(lsp.HoverParams(**at))
                await client.text_document_completion_async(lsp.CompletionParams(**at))
                await client.text_document_definition_async(lsp.DefinitionParams(**at))
        nowhere = client.at("file:///none.sgl", 0, 0)
        assert await client.text_document_hover_async(lsp.HoverParams(**nowhere)) is None

    talk(session)


def test_another_encoding(tmp_path: Path) -> None:
    uri = (tmp_path / "x.sgl").as_uri()

    async def main() -> None:
        async with editor(tmp_path, ["utf-8"]) as client:
            client.open(uri, 'def f():\n    "😀日${x}"\n')
            (finding,) = await client.found(uri)
            assert finding.range.start == lsp.Position(1, 14)

    asyncio.run(main())
