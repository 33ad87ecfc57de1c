"""
Random Python programs, drawn widely: valid code, and now and then code that raises.

Everything is drawn from one seeded generator, so a seed names a program. Most programs leave out
many kinds of statements (swarm testing), so that the others meet more often.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.differential.fuzzing.drawing import Prompt, Style
from tests.differential.fuzzing.hosting import Hosting
from tests.differential.fuzzing.surroundings import surroundings

QUIET = (
    (5, "append_text"),
    (6, "append_sample"),
    (2, "append_role"),
    (2, "take"),
    (1, "bind"),
    (0.7, "rebind"),
    (1, "compute"),
    (2, "branch"),
    (3, "fork"),
    (2, "branching"),
    (2, "for_loop"),
    (1, "while_loop"),
    (1, "role_scope"),
    (0.5, "leaving"),
)
HOST = (
    (3, "printing"),
    (3, "calling"),
    (2, "running"),
    (1, "storing"),
    (1.5, "comprehending"),
    (0.5, "forgetting"),
    (1, "grouped"),
    (2, "attempt"),
    (1.5, "managed"),
    (1, "matching"),
    (1.5, "local_function"),
    (0.7, "var_scope"),
    (0.7, "copying"),
)
BLOCKS = frozenset(
    {
        *("fork", "branching", "for_loop", "while_loop", "role_scope", "attempt", "managed"),
        *("matching", "local_function", "var_scope", "copying", "grouped"),
    }
)
ARGUMENTS = (
    ("Who?", 2, ["x", "y"]),
    ("Who?", 2, ["x", "y"]),
    ("Why", 1, []),
    ("beta", 3, ["e"]),
    ("alpha", 2, ("t",)),
    ("BOOM", 1, ["x"]),
    ("", True, ["y", "z"]),
)
TEMPLATES = ("chatml", "chatml", "default", "llama-2-chat", "vicuna_v1.1")
OPTIONS: tuple[Mapping[str, Any], ...] = (
    {},
    {},
    {"temperature": 0.3, "max_new_tokens": 9},
    {"stop": ["e", "z"]},
)
SIGNATURES = (
    "s, q, n, items",
    "s, q, n, items",
    "s, q, n=2, items=()",
    "s, q, n, *, items",
    "s, q, n, items, *rest, **more",
)


@dataclass(frozen=True, slots=True)
class PythonProgram:
    """A module with `program` in it, and the arguments that it runs with."""

    name: str
    source: str
    arguments: tuple[str, int, list[str] | tuple[str, ...]]
    template: str = "chatml"
    """The model's chat template."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of `run`."""


class Generator(Hosting):
    """Draws one program."""

    def statements(self, count: int) -> None:
        for _ in range(count):
            if self.budget <= 0:
                return
            self.budget -= 1
            self.statement()

    def statement(self) -> None:
        if self.chance(self.style.raising):
            self.raises()
            return
        deep = self.depth >= 5 or self.loops + self.functions > 2
        host = (*HOST, (4, "awaiting")) if self.style.asynchronous else HOST
        options = [
            (weight, name)
            for weight, name in (QUIET if self.quiet else (*QUIET, *host))
            if name not in self.style.left_out and not (deep and name in BLOCKS)
        ]
        if self.forks > 1 or self.loops > 1:
            options = [(w, n) for w, n in options if n != "fork"]
        getattr(self, self.weighted(options))()

    def program(self) -> None:
        self.depth = 1
        self.names.prompts.append(Prompt("s"))
        self.names.strings.append("q")
        self.names.numbers.append("n")
        quiet_end = not self.style.quiet and self.chance(0.3)
        self.statements(self.pick([2, 4, 6] if quiet_end else [4, 7, 12]))
        if quiet_end:
            self.printing()
            self.quiet, self.style.raising = True, 0.0
            self.budget += 6
            self.append_sample()
            self.statements(self.pick([3, 5, 7]))
        if self.chance(0.5):
            self.emit(self.returning())


def _style(rng: random.Random) -> Style:
    optional = [n for _, n in (*QUIET, *HOST) if n not in ("append_text", "append_sample")]
    share = rng.choice([0.0, 0.3, 0.6, 0.8])
    return Style(
        failures=rng.choice([0.0, 0.0, 0.05, 0.15]),
        raising=rng.choice([0.0, 0.0, 0.0, 0.08]),
        quiet=rng.random() < 0.35,
        plain=rng.random() < 0.5,
        asynchronous=rng.random() < 0.1,
        leaks=rng.choice([0.0, 0.0, 0.3]),
        reuse=rng.choice([0.0, 0.2, 0.5]),
        left_out=frozenset(n for n in optional if rng.random() < share),
    )


def python_program(seed: int) -> PythonProgram:
    """The program with this seed."""
    rng = random.Random(f"python {seed}")
    generator = Generator(rng, _style(rng), budget=rng.choice([8, 14, 22, 35]))
    generator.program()
    signature = rng.choice(SIGNATURES)
    decorator = rng.choice(["@sgl.function", "@sgl.function", "@sgl.function()"])
    define = "async def" if generator.style.asynchronous else "def"
    lines = [decorator, f"{define} program({signature}):", *generator.lines]
    if rng.random() < 0.12:
        lines = _inside(rng, lines)
    body = "\n".join(lines) + "\n"
    if generator.style.asynchronous:
        body = body.replace("raise GeneratorExit", "raise ValueError")  # asyncio uses it itself
    title = f"python {seed}"
    return PythonProgram(
        f"fuzzed_{seed}",
        surroundings(title, body) + body,
        rng.choice(ARGUMENTS),
        rng.choice(TEMPLATES),
        rng.choice(OPTIONS),
    )


def _inside(rng: random.Random, lines: list[str]) -> list[str]:
    """The program as a local function or in a class."""
    inner = ["    " + line for line in lines]
    if rng.random() < 0.5:
        return ["def make(LIMIT=2):", *inner, "", "    return program", "", "", "program = make()"]
    return ["class Programs:", *inner, "", "", "program = Programs.program"]
