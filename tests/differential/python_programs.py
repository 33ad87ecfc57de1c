"""
Random Python programs over the language: valid code, and now and then code that raises.

A program is a module with helpers, a nested program and `program` itself. Everything is drawn from
one seeded generator, so a seed names a program. Indentation is part of the lines.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

HEADER = '''\
"""Random program, seed {seed}."""
import contextlib

import sglc as sgl

GREETING = "Hello"
LIMIT = 2
KEPT = []  # forks that outlive the run, so that what happened to them can be seen


def log(value):
    print("log", repr(value))
    return value


def helper(s, n):
    s += f"[helper {{n}}]" + sgl.gen("helped", max_tokens=4)
    return n + 1


def asks(s, question):
    with s.user():
        s += question
    with s.assistant():
        s += sgl.gen("asked", max_tokens=5)
    return s["asked"]


@sgl.function
def nested(s, q, k=1):
    s += "N:" + q
    for i in range(k):
        s += f"<{{i}}>" + sgl.gen("inner", max_tokens=3)
    return s["inner"] + "!"


class Bag:
    def __init__(self, value):
        self.value = value

    def __format__(self, spec):
        print("formatting", spec)
        return f"bag({{self.value}})"

    def __radd__(self, other):
        print("radd")
        return other + "bag"


'''

WORDS = ("alpha", "beta", "gamma", "delta")
NAMES = ("a", "b", "c", "d")


@dataclass(slots=True)
class Style:
    """What kind of program is drawn."""

    host: float
    """Share of statements with host code; 0 gives bodies that may be silent."""
    failures: float
    """Share of statements that put the failing word into a prompt."""
    raising: float
    """Share of statements that raise."""
    kept: float
    """Share of forks that are kept for inspection, which is host code."""
    tail: bool
    """Whether host code comes first, and the rest may be silent."""


@dataclass(slots=True)
class Prompt:
    """A prompt in scope, and variables it probably has."""

    source: str
    variables: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Generator:
    """Draws the body of one program."""

    rng: random.Random
    style: Style
    lines: list[str] = field(default_factory=list)
    strings: list[str] = field(default_factory=lambda: ["q"])
    numbers: list[str] = field(default_factory=lambda: ["n"])
    groups: list[tuple[str, str, list[str]]] = field(default_factory=list)
    serial: int = 0
    loops: int = 0
    budget: int = 0

    def new(self, stem: str) -> str:
        self.serial += 1
        return f"{stem}{self.serial}"

    def emit(self, depth: int, line: str) -> None:
        self.lines.append("    " * depth + line)

    # Expressions

    def word(self) -> str:
        return self.rng.choice(WORDS)

    def constant(self) -> str:
        text = self.word() + self.rng.choice(["", " ", ": ", "\\n", ". "])
        if self.rng.random() < self.style.failures:
            text = "BOOM " + text
        return f'"{text}"'

    def read(self, prompt: Prompt) -> str:
        known = prompt.variables or ["missing"]
        name = self.rng.choice(known)
        if not prompt.variables or self.rng.random() < self.style.raising / 2:
            name = self.rng.choice(["missing", *known])
        return f'{prompt.source}["{name}"]'

    def any_read(self, prompt: Prompt) -> str | None:
        """A read that probably succeeds: of the prompt, or of a fork's branch."""
        options = [self.read(prompt)] if prompt.variables else []
        for group, size, variables in self.groups:
            if variables:
                name = self.rng.choice(variables)
                index = (
                    "0"
                    if self.rng.random() < 0.5 or not size.isdigit()
                    else str(self.rng.randrange(int(size)))
                )
                options.append(f'{group}[{index}]["{name}"]')
        return self.rng.choice(options) if options else None

    def piece(self, prompt: Prompt, reading: float) -> str:
        """One operand of a text."""
        kind = self.rng.random()
        read = self.any_read(prompt) if self.rng.random() < reading else None
        if read is not None and kind < 0.7:
            return read
        if read is not None:
            quoted = read.replace('"', "'")
            return f'f"{self.word()} {{{quoted}}} {{{self.rng.choice(self.numbers)}}}"'
        if kind < 0.5:
            return self.constant()
        if kind < 0.7:
            number = self.rng.choice(self.numbers)
            return f'f"{self.word()} {{{number} + 1}} "'
        if kind < 0.85:
            return self.rng.choice(self.strings)
        if kind < 0.92:
            return "GREETING"
        if self.rng.random() < self.style.host:
            return self.rng.choice(["str(Bag(1))[:3]", 'f"{Bag(2)}"', '"{}".format(Bag(3))'])
        return 'f"x"'

    def text(self, prompt: Prompt, reading: float = 0.4) -> str:
        count = self.rng.choice([1, 1, 2, 3])
        return " + ".join(self.piece(prompt, reading) for _ in range(count))

    def sample(self, prompt: Prompt) -> str:
        name = self.rng.choice(NAMES)
        if name not in prompt.variables:
            prompt.variables.append(name)
        kind = self.rng.random()
        if kind < 0.15:
            return f'sgl.select("{name}", choices=["yes", "no", "{self.word()}"])'
        if kind < 0.25:
            return f'sgl.gen("{name}", choices=["left", "right"])'
        options = self.rng.choice(
            ["", ", max_tokens=4", ', stop="e"', ", max_tokens=n + 3", ", temperature=0.5"]
        )
        if kind < 0.27:
            return f'sgl.gen("{name}", n=2)'
        return f'sgl.gen("{name}"{options})'

    def condition(self, prompt: Prompt) -> str:
        read = self.any_read(prompt)
        options = [f"{self.rng.choice(self.numbers)} > 1", f'q == "{self.word()}"']
        if read:
            options += [f'"e" in {read}', f"len({read}) > 12", f'{read} == "yes"', f'{read} != ""']
        return self.rng.choice(options)

    # Statements

    def block(self, depth: int, prompt: Prompt, size: int) -> None:
        for _ in range(size):
            if self.budget <= 0:
                break
            self.budget -= 1
            self.statement(depth, prompt)
        if not self.lines[-1].startswith("    " * depth):
            self.emit(depth, "pass")

    def statement(self, depth: int, prompt: Prompt) -> None:
        if self.rng.random() < self.style.raising:
            self.raising(depth, prompt)
            return
        if self.rng.random() < self.style.host:
            self.host(depth, prompt)
            return
        draw = self.rng.random()
        s = prompt.source
        if draw < 0.22:
            self.emit(depth, f"{s} += {self.text(prompt)}")
        elif draw < 0.45:
            text, sample = self.text(prompt), self.sample(prompt)
            shape = self.rng.choice(["{t} + {g}", "{t} + {g}", "{g}", '{g} + "." + {t}'])
            self.emit(depth, f"{s} += " + shape.format(t=text, g=sample))
        elif draw < 0.55:
            self.emit(depth, f"{s} += sgl.user({self.text(prompt)})")
            self.emit(depth, f"{s} += sgl.assistant({self.sample(prompt)})")
        elif draw < 0.59 and self.groups:
            self.branch(depth, prompt)
        elif draw < 0.7 and depth < 4:
            self.fork(depth, prompt)
        elif draw < 0.78 and depth < 4:
            self.emit(depth, f"if {self.condition(prompt)}:")
            self.nested(depth + 1, prompt)
            if self.rng.random() < 0.5:
                self.emit(depth, "else:")
                self.nested(depth + 1, prompt)
        elif draw < 0.86 and depth < 4:
            self.loop(depth, prompt)
        elif draw < 0.9 and depth < 4 and s == "s":
            role = self.rng.choice(["user", "assistant", "system"])
            self.emit(depth, f"with {s}.{role}():")
            self.emit(depth + 1, f"{s} += {self.text(prompt, 0.3)}")
            if self.rng.random() < 0.5:
                self.emit(depth + 1, f"{s} += {self.sample(prompt)}")
        elif draw < 0.96 and prompt.variables:
            name = self.new("t")
            self.emit(depth, f"{name} = {self.read(prompt)}")
            if depth == 1 and not self.loops:
                self.strings.append(name)
        else:
            name = self.rng.choice(NAMES)
            self.emit(depth, f'{s}["set"] = {self.rng.choice(self.strings)}')
            if "set" not in prompt.variables and depth == 1:
                prompt.variables.append("set")
            del name

    def nested(self, depth: int, prompt: Prompt) -> None:
        """A block whose variables may not exist after it."""
        inner = Prompt(prompt.source, list(prompt.variables))
        groups, strings = list(self.groups), list(self.strings)
        self.block(depth, inner, self.rng.choice([1, 2, 2]))
        self.groups, self.strings = groups, strings

    def loop(self, depth: int, prompt: Prompt) -> None:
        counter = self.new("k")
        self.loops += 1
        kind = self.rng.random()
        if kind < 0.6:
            over = self.rng.choice(["range(2)", "range(n)", "range(LIMIT)"])
            self.emit(depth, f"for {counter} in {over}:")
        elif kind < 0.8:
            self.emit(depth, f"for {counter}, w in enumerate(items):")
            self.emit(depth + 1, f'{prompt.source} += w + " "')
        else:
            self.emit(depth, f"{counter} = 0")
            self.emit(depth, f"while {counter} < 2:")
            self.emit(depth + 1, f"{counter} += 1")
        self.numbers.append(counter)
        self.nested(depth + 1, prompt)
        if self.rng.random() < 0.3:
            self.emit(depth + 1, f"if {self.condition(prompt)}:")
            self.emit(depth + 2, self.rng.choice(["break", "continue"]))
        self.numbers.remove(counter)
        self.loops -= 1

    def fork(self, depth: int, prompt: Prompt) -> None:
        group, size = self.new("forks"), self.rng.choice(["2", "3", "n"])
        self.emit(depth, f"{group} = {prompt.source}.fork({size})")
        if self.rng.random() < self.style.kept:
            self.emit(depth, f"KEPT.append({group})")
        child, index = self.new("f"), self.new("i")
        kind = self.rng.random()
        if kind < 0.4:
            self.emit(depth, f"for {index}, {child} in enumerate({group}):")
            inner = Prompt(child, list(prompt.variables))
        elif kind < 0.7:
            self.emit(depth, f"for {child} in {group}:")
            inner = Prompt(child, list(prompt.variables))
            index = "n"
        else:
            self.emit(depth, f"for {index} in range({size}):")
            inner = Prompt(f"{group}[{index}]", list(prompt.variables))
        self.numbers.append(index)
        self.loops += 1
        self.emit(depth + 1, f"{inner.source} += {self.text(inner, 0.2)} + {self.sample(inner)}")
        if self.rng.random() < 0.6 and depth < 3:
            self.block(depth + 1, inner, self.rng.choice([1, 2]))
        self.loops -= 1
        self.numbers.remove(index)
        made = [v for v in inner.variables if v not in prompt.variables]
        if self.rng.random() < 0.35:
            mode = self.rng.choice(["", '"gather_variable"', '"concate_and_append"'])
            self.emit(depth, f"{group}.join({mode})")
        self.groups.append((group, size, made[:1] or inner.variables[:1]))
        if self.rng.random() < 0.7:
            self.emit(depth, f"for {index}x in range({size}):")
            name = inner.variables[0]
            self.emit(depth + 1, f'{prompt.source} += "r:" + {group}[{index}x]["{name}"] + "\\n"')

    def branch(self, depth: int, prompt: Prompt) -> None:
        """Something on one branch of a fork, which the others do not have."""
        group, size, variables = self.rng.choice(self.groups)
        index = self.rng.randrange(int(size)) if size.isdigit() else 0
        only = Prompt(f"{group}[{index}]", list(variables))
        text = self.text(only if variables else prompt, 0.3)
        self.emit(depth, f"{only.source} += {text} + {self.sample(only)}")
        if self.rng.random() < 0.3:
            variables.append(only.variables[-1])

    def host(self, depth: int, prompt: Prompt) -> None:
        s = prompt.source
        read = self.any_read(prompt) or "q"
        options = [
            lambda: self.emit(depth, f"print({read})"),
            lambda: self.emit(depth, f"log({self.condition(prompt)})"),
            lambda: self.emit(depth, f"{s} += log({self.text(prompt)})"),
            lambda: self.emit(depth, f"helper({s}, {self.rng.choice(self.numbers)})"),
            lambda: self.emit(depth, f'print("in", "{self.rng.choice(NAMES)}" in {s})'),
            lambda: self.emit(depth, f"print(len({s}.text()), {s}.error())"),
            lambda: self.emit(depth, f"print({s}.messages())"),
            lambda: self.emit(depth, f"{s}.sync()"),
            lambda: self.emit(depth, f'{s} += nested.run({read}, k=n)["inner"]'),
            lambda: self.emit(depth, f"{s} += nested.run(q={self.text(prompt)}).ret_value"),
            lambda: self.emit(depth, f'{s} += f"{{Bag(n)}}" + {read}'),
            lambda: self.emit(depth, f"{s} += {read} + Bag(1)"),
            lambda: self.attempt(depth, prompt),
            lambda: (self.host if self.style.tail else self.closure)(depth, prompt),
            lambda: self.matching(depth, read, prompt),
            lambda: self.scoped(depth, prompt),
        ]
        if s == "s":
            options.append(lambda: self.emit(depth, f"print(asks({s}, {self.text(prompt)}))"))
        self.rng.choice(options)()

    def attempt(self, depth: int, prompt: Prompt) -> None:
        self.emit(depth, "try:")
        self.nested(depth + 1, prompt)
        if self.rng.random() < 0.5:
            self.raising(depth + 1, prompt)
        self.emit(depth, f"except {self.rng.choice(['Exception', 'KeyError', 'ValueError'])} as e:")
        self.emit(depth + 1, "print(type(e).__name__, str(e))")
        if self.rng.random() < 0.4:
            self.emit(depth, "finally:")
            self.emit(depth + 1, 'print("finally")')

    def closure(self, depth: int, prompt: Prompt) -> None:
        name = self.new("g")
        self.emit(depth, f"def {name}(m):")
        self.emit(depth + 1, f'{prompt.source}["noted"] = f"{{m}}{{n}}"')
        self.emit(depth + 1, f'return {prompt.source}["noted"]')
        self.emit(depth, f"print({name}({self.rng.choice(self.numbers)}))")

    def matching(self, depth: int, read: str, prompt: Prompt) -> None:
        self.emit(depth, f"match {read}.split():")
        self.emit(depth + 1, "case [first, *rest]:")
        self.emit(depth + 2, f"{prompt.source} += first + str(len(rest))")
        self.emit(depth + 1, "case _:")
        self.emit(depth + 2, 'print("nothing")')

    def scoped(self, depth: int, prompt: Prompt) -> None:
        self.emit(depth, f'with {prompt.source}.var_scope("scope"):')
        self.emit(depth + 1, f"{prompt.source} += {self.text(prompt, 0.2)}")
        self.emit(depth, f'print({prompt.source}["scope"])')

    def raising(self, depth: int, prompt: Prompt) -> None:
        s = prompt.source
        options = [
            f's["missing{self.serial}"]',
            f"{s} += None",
            f"{s} += 3",
            f"{s} += {self.text(prompt)} + 1",
            f"1 // (n - n)",  # noqa: F541
            'raise ValueError("raised " + q)',
            f"{s} += sgl.gen(regex='(')",
            f"{s} += undefined_name",
            f"{s} += {self.text(prompt)} + s['missing']",
        ]
        if self.groups:
            options.append(f'{s} += {self.groups[-1][0]}[9]["a"]')
        line = self.rng.choice(options)
        if self.rng.random() < 0.6:
            self.emit(depth, f"if {self.condition(prompt)}:")
            depth += 1
        self.emit(depth, line)

    def program(self) -> None:
        self.emit(0, "@sgl.function")
        self.emit(0, "def program(s, q, n, items):")
        prompt = Prompt("s")
        if self.style.tail:
            self.tailed(prompt)
        else:
            self.block(1, prompt, self.rng.choice([4, 6, 9]))
        if self.rng.random() < 0.5:
            options = ["q", "n", "None", "q + str(n)"]
            self.emit(1, f"return {self.rng.choice(options)}")

    def tailed(self, prompt: Prompt) -> None:
        """Host code, then statements without any, the first of which waits now and then."""
        size = self.rng.choice([1, 2, 4])
        self.block(1, prompt, size)
        self.host(1, prompt)
        self.emit(1, f"s += {self.text(prompt)} + {self.sample(prompt)}")
        self.style.host = self.style.raising = self.style.kept = 0.0
        if self.rng.random() < 0.3:
            self.emit(1, f"t = {self.read(prompt)}")
            self.strings.append("t")
        if self.rng.random() < 0.3:
            self.fork(1, prompt)
        self.budget += 5
        self.block(1, prompt, self.rng.choice([2, 4, 6]))


def python_program(seed: int) -> str:
    """Source of the program with this seed."""
    rng = random.Random(seed)
    style = Style(
        host=rng.choice([0.0, 0.0, 0.1, 0.3]),
        failures=rng.choice([0.0, 0.0, 0.05, 0.15]),
        raising=rng.choice([0.0, 0.0, 0.0, 0.08]),
        kept=rng.choice([0.0, 0.0, 1.0]),
        tail=rng.random() < 0.4,
    )
    generator = Generator(rng, style, budget=rng.choice([8, 14, 22]))
    generator.program()
    return HEADER.format(seed=seed) + "\n".join(generator.lines) + "\n"
