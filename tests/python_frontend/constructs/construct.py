"""The table of Python's constructs: programs that use one each, registered by a decorator."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

How = Literal["lifted", "python", "live"]
"""
`lifted`: operations of the IR. `python`: a host piece of a compiled program, run by Python in its
place. `live`: the whole program runs as it is written, and `strict` refuses it.
"""
QUESTIONS = ("q", "BOOM")
"""What every program is asked; the second makes its generations fail."""


@dataclass(frozen=True)
class Construct:
    """One row: a program `(s, q, ...)` whose line marked `# here` has the construct."""

    title: str
    how: How
    program: Any
    arguments: tuple[tuple[Any, ...], ...]
    """What comes after the question, for each run."""

    @property
    def name(self) -> str:
        return self.program.func.__qualname__

    @property
    def marked(self) -> int:
        """The line of the construct in its file."""
        lines, first = inspect.getsourcelines(self.program.func)
        at = [first + i for i, line in enumerate(lines) if line.rstrip().endswith("# here")]
        assert len(at) == 1, f"{self.name} marks {len(at)} lines"
        return at[0]


@dataclass
class Table:
    """The rows of one kind of construct."""

    title: str
    rows: list[Construct]

    def __call__(
        self, title: str, how: How = "lifted", *arguments: tuple[Any, ...]
    ) -> Callable[[Any], Any]:
        """Register the program below; `arguments` are one tuple a run."""

        def register(program: Any) -> Any:
            self.rows.append(Construct(title, how, program, arguments or ((),)))
            return program

        return register
