"""
Region programs: the IR of a Python function without host code, run as a strand of the driver.

A function's ops are turned into steps once. A run is a generator over them that yields what it
waits for; only reads, and what holds regions, ever wait. A read that only text needs is left open:
the text waits for it in the graph while the program goes on. Open reads are settled in order, as in
emitted functions, before anything could tell that the program went on; when one turns out to have
failed, what was done to prompts since is undone and the failure is raised at the read's line.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sglc.execution.handle import Handle
from sglc.execution.pending import Pending, arrive
from sglc.execution.saved import Saved, restore, save
from sglc.ir.core import Loc, Value

Raiser = Callable[[Pending[Any], int], Any]
"""Gives a Pending's value; a failure is raised through a frame at that line of the program."""
Waiting = Generator[Pending[Any], Any, str | None]
"""A step that may wait; its end says how control leaves the block, None when it does not."""
Step = Callable[["RegionFrame"], None] | Callable[["RegionFrame"], Waiting]
Block = Sequence[tuple[bool, Any]]
"""Steps in order, each with whether it may wait."""


@dataclass(slots=True)
class OpenRead:
    """A read that text waits for, and the prompts touched since as they were."""

    pending: Pending[Any]
    loc: Loc
    saved: list[tuple[Handle, Saved]] = field(default_factory=list)


@dataclass(slots=True)
class RegionFrame:
    """One run of a region program."""

    file: str
    raiser: Raiser
    env: dict[Value, Any]
    variables: dict[str, Any]
    deferred: bool
    open: list[OpenRead] = field(default_factory=list)
    result: Any = None

    def touch(self, handle: Handle) -> None:
        """Before a prompt changes: note how it is, while a read is open."""
        if self.open:
            saved = self.open[-1].saved
            if not any(known is handle for known, _ in saved):
                saved.append((handle, save(handle)))

    def settle(self) -> Waiting:
        """Wait for the open reads, in order."""
        for number, read in enumerate(self.open):
            yield from arrive(read.pending)
            if read.pending.exception() is not None:
                later, self.open = self.open[number:], []
                for entry in reversed(later):
                    for handle, saved in entry.saved:
                        restore(handle, saved)
                self.raiser(read.pending, read.loc.line)
        self.open.clear()
        return None

    def value(self, pending: Pending[Any], loc: Loc) -> Generator[Pending[Any], Any, Any]:
        """Wait for a value that is needed here."""
        if self.open:
            yield from self.settle()
        yield from arrive(pending)
        return self.raiser(pending, loc.line)


@dataclass(frozen=True, slots=True)
class RegionProgram:
    """A function's steps."""

    file: str
    """What places of generations name."""
    raiser: Raiser
    params: Mapping[str, Value]
    block: Block

    def run(
        self, state: str, handle: Handle, variables: dict[str, Any]
    ) -> Generator[Pending[Any], Any, Any]:
        """
        Run on a prompt, as a strand; `variables` are the arguments and what is read outside.

        `state` is the name of the parameter that holds the prompt.
        """
        env = {value: variables[name] for name, value in self.params.items() if name in variables}
        env[self.params[state]] = handle
        deferred = handle.session.options.deferred
        frame = RegionFrame(self.file, self.raiser, env, variables, deferred)
        yield from run_block(frame, self.block)
        if frame.open:
            yield from frame.settle()
        return frame.result


def run_block(frame: RegionFrame, block: Block) -> Waiting:
    """Run steps in order; how control left them."""
    for waits, step in block:
        if waits:
            signal = yield from step(frame)
            if signal is not None:
                return signal  # type: ignore[no-any-return]  # a Waiting's
        else:
            step(frame)
    return None


def raiser(code: types.CodeType) -> Raiser:
    """
    What raises failures as the program's own function would, from a frame with its name and file.

    The function that is made for a line does nothing but ask for the value there.
    """
    made: dict[int, Callable[[Pending[Any]], Any]] = {}

    def read(pending: Pending[Any], line: int) -> Any:
        if pending.exception() is None:
            return pending.value()
        if line not in made:
            made[line] = _asking(code, line)
        return made[line](pending)

    return read


def _asking(code: types.CodeType, line: int) -> Callable[[Pending[Any]], Any]:
    source = "\n" * (line - 1) + "lambda pending: pending.result()"
    inner = next(
        c for c in compile(source, code.co_filename, "eval").co_consts if hasattr(c, "co_code")
    )
    named = inner.replace(co_name=code.co_name, co_qualname=code.co_qualname)
    return types.FunctionType(named, {"__builtins__": {}})
