"""What runs: a program of any kind, its rows, and how each of them is run."""

from __future__ import annotations

import queue
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sglc.diagnostics.core import SglcError
from sglc.execution.seeds import draw_seed, row_seed
from sglc.language.state import ProgramState
from sglc.programs.failures import diagnose_any
from sglc.programs.running import Running
from sglc.programs.target import Param, choose, load_module, parse_target

if TYPE_CHECKING:
    from sglc.execution.limits import Limits
    from sglc.passes.pipeline import Pipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How to run a program; nothing here changes what the program means."""

    backend: Any = None
    """A backend object; None: the default backend, else the embedded model."""
    seed: int | None = None
    """None draws one."""
    sampling: Mapping[str, Any] = field(default_factory=dict)
    """`temperature`, `max_tokens` and the like, for what the program leaves open."""
    pipeline: Pipeline | None = None
    """None: the default passes."""
    eager: bool = False
    """Run the reference interpreter: nothing deferred, hoisted or parallel."""
    stream: bool = False
    """Keep what is needed to follow the text while it grows."""
    limits: Limits | None = None
    """Bounds on what a script may do; None: the defaults."""
    max_running: int = 64
    """Rows of a batch under way at the same time."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A row of a batch that has finished: a run, or why there is none."""

    row: int
    running: Running
    error: SglcError | None = None


class Program(ABC):
    """A function of a file, ready to run."""

    params: tuple[Param, ...]

    @abstractmethod
    def convert(self, given: Mapping[str, object], *, text: bool) -> dict[str, Any]:
        """
        Arguments from what was given: texts to convert by annotation, or values to check.

        Raises UsageError or LowerError for an unknown name, a missing one, an unfitting value.
        """

    @abstractmethod
    def start(self, args: Mapping[str, Any], how: RunOptions) -> Running:
        """Begin a run. Returns at once; what the body raises is raised by `Running.wait`."""

    def run(self, how: RunOptions | None = None, /, **args: Any) -> ProgramState:
        """Run once and wait; raises what the program raises."""
        running = self.start(args, how or RunOptions())
        running.wait()
        return running.state

    def run_rows(self, rows: Mapping[int, Mapping[str, Any]], how: RunOptions) -> Iterator[Outcome]:
        """
        Run rows at the same time, at most `how.max_running`; outcomes come as they finish.

        Row k has the seed of place k in the batch, whichever rows run beside it. Closing the
        iterator, or Ctrl-C, cancels what is under way; after Ctrl-C, outcomes that are already
        there still come before KeyboardInterrupt is raised.
        """
        seed = draw_seed(how.backend) if how.seed is None else how.seed
        waiting = deque(rows.items())
        under_way: dict[int, Running] = {}
        ended: queue.SimpleQueue[int] = queue.SimpleQueue()
        try:
            while waiting or under_way:
                while waiting and len(under_way) < how.max_running:
                    row, args = waiting.popleft()
                    running = self.start(args, replace(how, seed=row_seed(seed, row)))
                    under_way[row] = running
                    running.when_ended(lambda row=row: ended.put(row))  # type: ignore[misc]
                row = ended.get()
                yield _outcome(row, under_way.pop(row))
        except KeyboardInterrupt:
            while not ended.empty():
                row = ended.get()
                yield _outcome(row, under_way.pop(row))
            raise
        finally:
            for running in under_way.values():
                running.cancel()

    def run_batch(
        self, rows: Sequence[Mapping[str, Any]], how: RunOptions | None = None
    ) -> list[ProgramState]:
        """Run every row; raises the first row's error, in input order, after all have finished."""
        outcomes = {o.row: o for o in self.run_rows(dict(enumerate(rows)), how or RunOptions())}
        for index in range(len(rows)):
            error = outcomes[index].error
            if error is not None:
                raise error
        return [outcomes[index].running.state for index in range(len(rows))]


def _outcome(row: int, running: Running) -> Outcome:
    try:
        running.wait()
    except Exception as error:
        return Outcome(row, running, diagnose_any(error))
    return Outcome(row, running)


def load(
    path: str,
    *,
    allow_extern: Sequence[str] = (),
    allow_module: Sequence[str] = (),
    allow_files: Sequence[str] = (),
) -> Program:
    """
    The program `FILE[:function]`, runnable.

    Raises UsageError for what does not exist or is not allowed, ParseError and LowerError for
    what is wrong in the program.
    """
    from sglc.programs import permissions, python, script

    target = parse_target(path)
    if target.kind == "py":
        return python.from_file(target)
    module = load_module(target)
    func = choose(module, target)
    if module.attrs.get("language") == "python":
        return python.from_dump(target, module, func, frozenset(allow_module))
    permissions.require(module, func, allow_extern)
    return script.ScriptProgram(target, module, func, allow_extern, allow_files)
