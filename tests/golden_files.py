"""
Golden files: programs with what is expected of them in comments at their end.

A golden file is a `.sgl`, `.py` or `.sglir` program, then blocks of comment lines (`#`, or `//` in
IR text), each under a heading that says what it holds:

    # PASSES: promote,prefix-hoist      the pipeline of the file; the default one without it
    # CHECK-DIAGNOSTICS:                errors, warnings and remarks of the front end
    # CHECK-REMARKS:                    remarks of the passes
    # CHECK-IR: promote                 the IR after a phase
    # CHECK-IR-WITH-PLACES: lower       the same with locations
    # CHECK-EXPLAIN:                    what `sglc explain` prints

The program does not see the blocks. `SGLC_UPDATE_GOLDEN=1` rewrites every block that a file has; to
add one, write its heading and update.
"""

from __future__ import annotations

import difflib
import functools
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sglc.cli.explanation import describe
from sglc.diagnostics.core import Diagnostic, SglcError
from sglc.ir.core import Module
from sglc.ir.printer import print_module
from sglc.passes.instrumentation import PhaseRun, Report
from sglc.passes.pipeline import DEFAULT, Pipeline
from sglc.programs.compilation import Plan, compile_target
from sglc.programs.explanation import explain_target
from sglc.programs.front_end import LOWER, PARSE
from sglc.programs.target import Target

FOLDER = Path(__file__).parent / "golden"
HEADING = re.compile(r"(?:#|//) (PASSES|CHECK-[A-Z-]+):(?: (.*))?\Z")
SETTING = "SGLC_UPDATE_GOLDEN"
_HASH = re.compile(r',? ?\n? *source_sha256 = "[0-9a-f]{64}"')


def updating() -> bool:
    """Whether expectations are to be rewritten instead of checked."""
    return bool(os.environ.get(SETTING))


@dataclass(frozen=True)
class Block:
    """One expectation: its heading, and the lines under it."""

    kind: str
    argument: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class GoldenFile:
    """A program, split from what is expected of it."""

    path: Path
    program: str
    blocks: tuple[Block, ...]

    @staticmethod
    def read(path: Path) -> GoldenFile:
        """Split a file at its first heading."""
        lines = path.read_text(encoding="utf-8").split("\n")
        at = next((i for i, line in enumerate(lines) if HEADING.match(line)), len(lines))
        program = "\n".join(lines[:at]).rstrip("\n") + "\n"
        return GoldenFile(path, program, tuple(_blocks(lines[at:])))

    @property
    def lead(self) -> str:
        """What a comment starts with."""
        return "//" if self.path.suffix == ".sglir" else "#"

    @property
    def pipeline(self) -> Pipeline:
        """The passes that the file names."""
        named = [b.argument for b in self.blocks if b.kind == "PASSES"]
        return Pipeline.parse(named[0]) if named else DEFAULT

    def text(self, blocks: tuple[Block, ...]) -> str:
        """The whole file with these blocks."""
        out = [self.program, ""]  # two empty lines, as `sglc fmt` has it
        for block in blocks:
            out.append(f"{self.lead} {block.kind}: {block.argument}".rstrip())
            out += [f"{self.lead} {line}".rstrip() for line in block.lines]
        return "\n".join(out) + "\n"

    def actual(self) -> str:
        """The whole file as it should be today. The working directory must be the file's."""
        run = Run(self.path.name, self.program, self.pipeline)
        return self.text(tuple(_answered(run, block) for block in self.blocks))


def check(path: Path) -> None:
    """Compare a file with what comes of its program, or rewrite it; fails with a diff."""
    golden = GoldenFile.read(path)
    wanted, found = path.read_text(encoding="utf-8"), golden.actual()
    if updating():
        path.write_text(found, encoding="utf-8")
    else:
        assert_same(wanted, found, path)


def assert_same(wanted: str, found: str, path: Path) -> None:
    """Fail with a readable difference, and with how to accept it."""
    if wanted == found:
        return
    name = path.relative_to(FOLDER.parent.parent)
    lines = difflib.unified_diff(
        wanted.splitlines(), found.splitlines(), f"{name} (expected)", f"{name} (found)",
        lineterm="",
    )  # fmt: skip
    diff = "\n".join(lines)
    raise AssertionError(
        f"{diff}\n\nif this is right, {SETTING}=1 pytest {name.parts[0]} accepts it"
    )


@dataclass(frozen=True)
class Run:
    """A golden program, compiled at most once for all of its blocks."""

    name: str
    program: str
    pipeline: Pipeline

    @property
    def target(self) -> Target:
        return Target(Path(self.name), None, self.program, stdin=True)

    @functools.cached_property
    def outcome(self) -> Report | SglcError:
        try:
            return compile_target(self.target, Plan(self.pipeline))
        except SglcError as error:
            return error

    @functools.cached_property
    def runs(self) -> tuple[PhaseRun, ...]:
        assert isinstance(self.outcome, Report), self.outcome
        return self.outcome.runs

    def diagnostics(self) -> list[Diagnostic]:
        """What the front end said, error or not."""
        if isinstance(self.outcome, SglcError):
            return list(self.outcome.diagnostics)
        return [d for run in self.runs if run.name in (PARSE, LOWER) for d in run.remarks]

    def remarks(self) -> list[Diagnostic]:
        """What the passes said."""
        return [d for run in self.runs if run.name not in (PARSE, LOWER) for d in run.remarks]

    def ir(self, phase: str, *, locations: bool) -> str:
        """The module after a phase, without hashes, which every change would change."""
        module = compile_target(self.target, Plan(self.pipeline, stop=phase)).value
        assert isinstance(module, Module)
        printed = print_module(module, locations=locations)
        return _HASH.sub("", printed).removeprefix("sglir 1\n")

    def explanation(self) -> str:
        """What `sglc explain` prints."""
        return describe(explain_target(self.target, self.pipeline))


def _blocks(lines: list[str]) -> Iterator[Block]:
    kind, argument, under = "", "", list[str]()
    for line in [*lines, "# CHECK-END:"]:
        heading = HEADING.match(line)
        if heading is None:
            under.append(line)
            continue
        if kind:
            yield Block(kind, argument, tuple(under))
        kind, argument, under = heading[1], heading[2] or "", []


def _answered(run: Run, block: Block) -> Block:
    match block.kind:
        case "PASSES":
            lines: list[str] = []
        case "CHECK-DIAGNOSTICS":
            lines = [line for one in run.diagnostics() for line in _said(one)]
        case "CHECK-REMARKS":
            lines = [line for one in run.remarks() for line in _said(one)]
        case "CHECK-IR" | "CHECK-IR-WITH-PLACES":
            places = block.kind == "CHECK-IR-WITH-PLACES"
            lines = run.ir(block.argument, locations=places).rstrip("\n").split("\n")
        case "CHECK-EXPLAIN":
            lines = run.explanation().rstrip("\n").split("\n")
        case other:
            raise AssertionError(f"no expectation is called `{other}`")
    return Block(block.kind, block.argument, tuple(lines))


def _said(one: Diagnostic) -> Iterator[str]:
    """A finding in lines: what and where, then labels, notes and helps indented."""
    span = one.span
    place = f" {_place(one)}" if span is not None else ""
    label = f": {one.label}" if one.label else ""
    yield f"{one.severity}[{one.code}]{place}: {one.message}{label}"
    for other in one.labels:
        yield f"  label {other.span.line}:{other.span.column}: {other.text}"
    yield from (f"  note: {line}" for note in one.notes for line in note.splitlines())
    yield from (f"  help: {line}" for text in one.helps for line in text.splitlines())


def _place(one: Diagnostic) -> str:
    span = one.span
    assert span is not None
    return f"{span.line}:{span.column}-{span.end_line}:{span.end_column}"
