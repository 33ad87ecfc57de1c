"""What the parts of a generator share: one seeded source of choices, lines, and names in scope."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class Style:
    """What kind of program is drawn."""

    failures: float
    """Share of words that make the model fail."""
    raising: float
    """Share of statements that raise."""
    quiet: bool
    """Without host code, so that the body may be silent."""
    leaks: float
    """Share of blocks whose names are used after them, bound or not."""
    reuse: float = 0.0
    """Share of new local names that are old ones, bound anew."""
    plain: bool = False
    """Whether texts are mostly what the compiler can let wait in the graph."""
    asynchronous: bool = False
    """Whether the program is `async def`."""
    left_out: frozenset[str] = frozenset()
    """Statements this program has none of: fewer kinds together go deeper."""


@dataclass(slots=True)
class Prompt:
    """A prompt in scope, and variables it probably has."""

    source: str
    variables: list[str] = field(default_factory=list)
    role: bool = False
    """Whether a role is probably open."""


@dataclass(slots=True)
class Group:
    """A fork in scope."""

    name: str
    size: str
    variables: list[str] = field(default_factory=list)
    source: str = "s"
    """The prompt that was forked."""

    def index(self, rng: random.Random) -> str:
        """A branch that probably exists."""
        if self.size.isdigit():
            size = int(self.size)
            return str(rng.choice([rng.randrange(size), rng.randrange(size), -1]))
        return rng.choice(["0", "0", "-1", "n - 1"])


@dataclass(slots=True)
class Names:
    """Local names of the program by what they hold."""

    prompts: list[Prompt] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    strings: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    lists: list[str] = field(default_factory=list)
    """Lists of strings."""
    runs: list[tuple[str, str]] = field(default_factory=list)
    """Finished or running other programs, each with a variable."""
    calls: list[Callable[[], str]] = field(default_factory=list)
    """Local functions, each as what draws a call of it."""
    records: list[tuple[str, list[str]]] = field(default_factory=list)
    """Forks of a script, each with fields that its branches probably have."""


class Drawing:
    """One seeded source of choices, the lines so far, and what is in scope."""

    def __init__(self, rng: random.Random, style: Style, budget: int) -> None:
        self.rng = rng
        self.style = style
        self.budget = budget
        self.lines: list[str] = []
        self.names = Names()
        self.depth = 0
        self.serial = 0
        self.loops = 0
        """How many loops of the function being drawn are around."""
        self.functions = 0
        """How many local functions are around."""
        self.forks = 0
        """How many forks are around."""
        self.quiet = style.quiet
        self.used: dict[str, list[str]] = {}
        """Names by stem."""

    def chance(self, probability: float) -> bool:
        """True with a probability."""
        return self.rng.random() < probability

    def pick(self, options: Sequence[T]) -> T:
        """One of several."""
        return self.rng.choice(options)

    def weighted(self, options: Sequence[tuple[float, T]]) -> T:
        """One of several, by weight."""
        return self.rng.choices([o for _, o in options], [w for w, _ in options])[0]

    def new(self, stem: str, *, fresh: bool = False) -> str:
        """A name, mostly one that is not used yet."""
        used = self.used.setdefault(stem, [])
        if used and not fresh and self.chance(self.style.reuse):
            return self.pick(used)
        self.serial += 1
        used.append(f"{stem}{self.serial}")
        return used[-1]

    def emit(self, line: str) -> None:
        """Write one line."""
        self.lines.append("    " * self.depth + line)

    @contextmanager
    def indented(self, *, keep: bool = False, leaks: bool = True) -> Iterator[None]:
        """A block: names bound in it are seldom used after it, unless `keep`."""
        saved: Any = copy.deepcopy(self.names)
        start = len(self.lines)
        self.depth += 1
        yield
        if len(self.lines) == start:
            self.emit("pass")
        self.depth -= 1
        if not keep and not (leaks and self.chance(self.style.leaks)):
            self.names = saved

    @contextmanager
    def loop(self) -> Iterator[None]:
        """The body of a loop."""
        self.loops += 1
        with self.indented():
            yield
        self.loops -= 1

    @contextmanager
    def function(self) -> Iterator[None]:
        """The body of a local function: a scope of its own over what is around."""
        saved: Any = copy.deepcopy(self.names)
        loops, self.loops = self.loops, 0
        self.functions += 1
        with self.indented():
            yield
        self.functions -= 1
        self.loops = loops
        self.names = saved
