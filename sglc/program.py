"""
Programs that can be run: scripts, dumps and Python functions behind one interface.

    from sglc.program import load

    program = load("agent.sgl", allow_extern=["tools"])
    state = program.run(question="What is 12 * 7?")
    print(state.text(), state.ret_value)

`load` imports a `.py` file, as running it needs; `sglc.target` reads without importing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sglc.diagnostics.core import SglcError
from sglc.target import Param, Target, choose, load_module, parse_target

if TYPE_CHECKING:
    from sglc.language.state import ProgramState
    from sglc.passes.pipeline import Pipeline
    from sglc.running import Running


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How to run a program; nothing here changes what the program means."""

    backend: Any = None
    """A backend object; None: the default backend, else the embedded model."""
    seed: int | None = None
    """None draws one."""
    sampling: Mapping[str, Any] = field(default_factory=dict)
    """`temperature` and the like, for what the program leaves open."""
    pipeline: Pipeline | None = None
    """None: the default passes."""
    eager: bool = False
    """Run the reference interpreter: nothing deferred, hoisted or parallel."""
    stream: bool = False
    """Keep what is needed to follow the text while it grows."""
    max_running: int = 64
    """Rows of a batch under way at the same time."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A row of a batch that has finished: a run, or why there is none."""

    row: int
    running: Running | None = None
    error: SglcError | None = None


class Program(ABC):
    """A function of a file, ready to run."""

    target: Target
    name: str
    params: tuple[Param, ...]

    @abstractmethod
    def start(self, args: Mapping[str, Any], how: RunOptions, *, row: int | None = None) -> Running:
        """Begin a run; `row` is its number in a batch, which its seed depends on."""

    @abstractmethod
    def run_rows(self, rows: Mapping[int, Mapping[str, Any]], how: RunOptions) -> Iterator[Outcome]:
        """Run rows at the same time; outcomes come as they finish. Never raises for a row."""

    def run(self, how: RunOptions | None = None, /, **args: Any) -> ProgramState:
        """Run once and wait; raises what the program raises."""
        running = self.start(args, how or RunOptions())
        running.wait()
        return running.state

    def run_batch(
        self, rows: Sequence[Mapping[str, Any]], how: RunOptions | None = None
    ) -> list[ProgramState]:
        """Run every row; raises the first row's error, in input order, after all have finished."""
        outcomes = {o.row: o for o in self.run_rows(dict(enumerate(rows)), how or RunOptions())}
        states = []
        for index in range(len(rows)):
            outcome = outcomes[index]
            if outcome.error is not None:
                raise outcome.error
            assert outcome.running is not None
            states.append(outcome.running.state)
        return states


def load(
    path: str, *, allow_extern: Sequence[str] = (), allow_module: Sequence[str] = ()
) -> Program:
    """
    The program `FILE[:function]`, runnable.

    Raises UsageError for what does not exist or is not allowed, ParseError and LowerError for
    what is wrong in the program.
    """
    from sglc.running import PythonProgram, ScriptProgram, python_program

    target = parse_target(path)
    if target.kind == "py":
        return python_program(target)
    module = load_module(target)
    func = choose(module, target)
    if module.attrs.get("language") == "python":
        return PythonProgram.from_dump(target, module, func, frozenset(allow_module))
    return ScriptProgram(target, module, func, frozenset(allow_extern))
