"""The kinds of random programs, each with how one is drawn, compared and made small."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from sglc.backends.local import LocalBackend
from tests.differential.fuzzing.apart import apart
from tests.differential.fuzzing.comparing import compare
from tests.differential.fuzzing.comparing_scripts import compare_script
from tests.differential.fuzzing.on_engine import compare_on_engine, tiny_engine
from tests.differential.fuzzing.python import python_program
from tests.differential.fuzzing.script import script
from tests.differential.fuzzing.shrinking import shrink
from tests.differential.fuzzing.twins import compare_twins

EVERY = 8
"""One program of so many is also run in batches and as a stream, which takes longer."""


@dataclass(slots=True)
class Found:
    """What comparing one program came to."""

    source: str
    differences: list[str]
    counts: Counter[str] = field(default_factory=Counter)


class Kind(Protocol):
    """A kind of random programs."""

    def compare(self, seed: int, folder: Path) -> Found:
        """Draw the program of a seed and compare its runs."""

    def shrunk(self, seed: int, found: Found, folder: Path) -> str:
        """A smaller program that differs in the same way."""


class PythonKind:
    """Python programs on the recording backend."""

    def compare(self, seed: int, folder: Path) -> Found:
        program = python_program(seed)
        outcome = compare(program, folder, batches=seed % EVERY == 0)
        counts = Counter(
            live=not outcome.lifted,
            failed=outcome.failed,
            raised=outcome.raised,
            generations=outcome.generations,
        )
        return Found(program.source, outcome.found, counts)

    def shrunk(self, seed: int, found: Found, folder: Path) -> str:
        program = python_program(seed)
        wanted = _ways(found.differences)
        batches = bool(wanted & {"batch", "stream"})

        def differs(source: str) -> bool:
            try:
                compile(source, "<shrunk>", "exec")
            except SyntaxError:
                return False
            smaller = replace(program, source=source)
            return apart(
                lambda: bool(wanted & _ways(compare(smaller, folder, batches=batches).found))
            )

        return shrink(program.source, differs)


def _ways(differences: list[str]) -> set[str]:
    """The ways to run, and what differs in them: `all passes: text`."""
    return {
        d.split(",")[0] if d.startswith(("batch", "stream")) else ":".join(d.split(":")[:2])
        for d in differences
    }


class ScriptKind:
    """Scripts on the recording backend."""

    def compare(self, seed: int, folder: Path) -> Found:
        drawn = script(seed)
        outcome = compare_script(drawn, folder)
        counts = Counter(
            refused=not outcome.lifted,
            failed=outcome.failed,
            raised=outcome.raised,
            generations=outcome.generations,
        )
        return Found(drawn.source, outcome.found, counts)

    def shrunk(self, seed: int, found: Found, folder: Path) -> str:
        drawn = script(seed)
        wanted = _ways(found.differences)

        def differs(source: str) -> bool:
            smaller = replace(drawn, source=source)
            return apart(lambda: bool(wanted & _ways(compare_script(smaller, folder).found)))

        return shrink(drawn.source, differs)


@dataclass(slots=True)
class EngineKind:
    """Python programs and scripts on the engine, with a tiny random checkpoint."""

    engine: LocalBackend

    def compare(self, seed: int, folder: Path) -> Found:
        found = compare_on_engine(self.engine, seed, folder)
        return Found(f"# seed {seed}", found, Counter(scripts=seed % 3 == 2))

    def shrunk(self, seed: int, found: Found, folder: Path) -> str:
        """Not made small: the engine's threads do not survive in a child process."""
        return script(seed).source if seed % 3 == 2 else python_program(seed).source


class TwinKind:
    """Programs in both languages, on the recording backend."""

    def compare(self, seed: int, folder: Path) -> Found:
        found, python, script = compare_twins(seed, folder)
        return Found(f"{python}\n\n{script}", found)

    def shrunk(self, seed: int, found: Found, folder: Path) -> str:
        """Not made small: both would have to become smaller in the same way."""
        return found.source


@contextmanager
def twin_kind() -> Iterator[Kind]:
    """Programs in both languages."""
    yield TwinKind()


@contextmanager
def engine_kind() -> Iterator[Kind]:
    """Programs on the engine."""
    with TemporaryDirectory() as folder, tiny_engine(Path(folder)) as engine:
        yield EngineKind(engine)


@contextmanager
def script_kind() -> Iterator[Kind]:
    """Scripts on the recording backend."""
    yield ScriptKind()


@contextmanager
def python_kind() -> Iterator[Kind]:
    """Python programs on the recording backend."""
    yield PythonKind()


KINDS: Mapping[str, Callable[[], AbstractContextManager[Kind]]] = {
    "python": python_kind,
    "script": script_kind,
    "engine": engine_kind,
    "twins": twin_kind,
}
