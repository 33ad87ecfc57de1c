"""What the editor has open, and what sglc knows about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sglc.diagnostics.core import Diagnostic
from sglc.diagnostics.source import normalize_newlines
from sglc.frontends.script.check import check_program
from sglc.frontends.script.files import Loaded, load
from sglc.frontends.script.scan import scan
from sglc.frontends.script.symbols import Unit
from sglc.ir.core import Loc
from sglc.lsp.cursor import Cursor, cursor_at
from sglc.lsp.index import build_index
from sglc.lsp.infer import Inference
from sglc.lsp.recover import recover
from sglc.lsp.symbols import Index

_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(slots=True)
class Buffer:
    """An open script."""

    name: str
    """What messages and `Unit.file` call it: its path, or its URI if it has none."""
    path: Path | None
    text: str
    """With `\\n` as its only line end."""
    version: int | None = None


class Analysis:
    """Everything about one open script, computed when it is asked for."""

    def __init__(self, buffer: Buffer, opened: Mapping[Path, str]) -> None:
        self.buffer = buffer
        self.opened = dict(opened)
        self.lines = buffer.text.split("\n")

    @cached_property
    def loaded(self) -> Loaded:
        """The script and its imports, as they are."""
        return self._load(self.buffer.text, self.opened)

    @cached_property
    def diagnostics(self) -> list[Diagnostic]:
        """Everything that `sglc check` says of the script, its imports included."""
        if self.loaded.diagnostics:
            return list(self.loaded.diagnostics)
        return check_program(self.loaded)

    @cached_property
    def index(self) -> Index:
        """Names of the script, with half-written lines left out."""
        loaded = self.loaded
        if loaded.diagnostics:
            name = self.buffer.name
            opened = {path: recover(text, name) for path, text in self.opened.items()}
            loaded = self._load(recover(self.buffer.text, name), opened)
        return build_index(loaded.root)

    @cached_property
    def inference(self) -> Inference:
        """Kinds of its values."""
        return Inference(self.index)

    @property
    def broken(self) -> bool:
        """Whether the script or one it imports cannot be parsed as it is."""
        return bool(self.loaded.diagnostics)

    def depends_on(self, path: Path | None) -> bool:
        """Whether a file that is opened, changed or closed can change what is known here."""
        if "loaded" not in self.__dict__ or path is None:
            return False
        if any(unit.import_items.keys() - unit.imports.keys() for unit in self.units):
            return True  # an import that failed may succeed now
        return path.resolve() in {Path(unit.file).resolve() for unit in self.units}

    @property
    def units(self) -> list[Unit]:
        """The script and what it imports."""
        return self.loaded.units

    def text_of(self, file: str) -> list[str]:
        """The lines of the script, or of one that it imports, by the name it has there."""
        text = next((unit.text for unit in self.units if unit.file == file), "")
        return normalize_newlines(text).split("\n")

    def line(self, number: int) -> str:
        """A line, counted from 1; empty behind the end."""
        return self.lines[number - 1] if 1 <= number <= len(self.lines) else ""

    def word(self, line: int, column: int) -> tuple[str, Loc]:
        """The word at a place, or the one that ends there, and where it is."""
        for match in _WORD.finditer(self.line(line)):
            if match.start() < column <= match.end() + 1:
                return match.group(), Loc(line, match.start() + 1, line, match.end() + 1)
        return "", Loc(line, column, line, column)

    def cursor(self, line: int, column: int) -> Cursor:
        """What the code before a place is."""
        before = self.lines[: line - 1]
        offset = sum(len(each) + 1 for each in before) + column - 1
        return cursor_at(self.buffer.text, offset, self._definition_start(offset))

    def _definition_start(self, offset: int) -> int:
        """Where the definition begins that an offset is in: a place outside of strings."""
        starts = [chunk.start for chunk in scan(self.buffer.text) if chunk.start <= offset]
        return starts[-1] if starts else 0

    def _load(self, text: str, opened: Mapping[Path, str]) -> Loaded:
        return load(text, self.buffer.name, self.buffer.path, None, opened)


@dataclass(slots=True)
class Project:
    """The open scripts, by URI."""

    buffers: dict[str, Buffer] = field(default_factory=dict)
    _analyses: dict[str, Analysis] = field(default_factory=dict)

    def put(self, uri: str, path: Path | None, text: str, version: int | None) -> None:
        """Enter the text that a script has now."""
        name = str(path) if path is not None else uri
        self.buffers[uri] = Buffer(name, path, normalize_newlines(text), version)
        self._changed(uri, path)

    def close(self, uri: str) -> None:
        """From now on the script is what the disk has."""
        buffer = self.buffers.pop(uri, None)
        self._changed(uri, buffer.path if buffer is not None else None)

    def _changed(self, uri: str, path: Path | None) -> None:
        self._analyses = {
            other: analysis
            for other, analysis in self._analyses.items()
            if other != uri and not analysis.depends_on(path)
        }

    def forget(self) -> None:
        """Files on disk have changed: everything is computed anew when it is asked for."""
        self._analyses.clear()

    def analysis(self, uri: str) -> Analysis | None:
        """What is known about an open script."""
        buffer = self.buffers.get(uri)
        if buffer is None:
            return None
        if uri not in self._analyses:
            self._analyses[uri] = Analysis(buffer, self._opened())
        return self._analyses[uri]

    def analyses(self) -> list[Analysis]:
        """What is known about every open script."""
        return [found for uri in self.buffers if (found := self.analysis(uri)) is not None]

    def _opened(self) -> dict[Path, str]:
        found = (b for b in self.buffers.values() if b.path is not None)
        return {b.path.resolve(): b.text for b in found if b.path is not None}
