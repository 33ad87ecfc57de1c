"""
Random scripts, drawn widely: what the checks accept, and now and then code that fails when it runs.

A seed names a script. It stands in one file, with a second one that it may import.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.differential.fuzzing.drawing import Style
from tests.differential.fuzzing.script_surroundings import surroundings
from tests.differential.fuzzing.script_values import ScriptValues

USES = ("", "use temperature=0.4", 'use max_tokens=9, stop="z"', "use top_p=0.9")
KINDS = ("value_error", "gen_error", "extern_error", "(value_error, extern_error)")
METHODS = (
    "token_length_normalized",
    "greedy_token_selection",
    "unconditional_likelihood_normalized",
)
BLOCKS = frozenset(
    {"branching", "for_loop", "while_loop", "fork", "role_block", "attempt", "local_function"}
)
STATEMENTS = (
    (6, "text"),
    (6, "sample"),
    (2, "role_line"),
    (2, "role_block"),
    (3, "assign"),
    (1, "augment"),
    (2, "branching"),
    (2, "for_loop"),
    (1, "while_loop"),
    (3, "fork"),
    (1.5, "attempt"),
    (2, "call"),
    (1, "extern"),
    (1, "person"),
    (1, "local_function"),
    (0.5, "leaving"),
)


@dataclass(frozen=True, slots=True)
class Script:
    """A script with `program` in it, the file it imports, and its arguments."""

    name: str
    source: str
    arguments: tuple[str, int, tuple[str, ...]]
    template: str


class ScriptGenerator(ScriptValues):
    """Draws a script's body."""

    def __init__(self, rng: random.Random, style: Style, budget: int) -> None:
        super().__init__(rng, style, budget)
        self.role = False
        self.handling = 0
        self.local: list[tuple[str, bool]] = []
        """Local functions in scope, and whether they are fragments."""

    def statements(self, count: int) -> bool:
        """Draw statements; whether the end is reached."""
        for _ in range(count):
            if self.budget <= 0:
                break
            self.budget -= 1
            if self.chance(self.style.raising):
                self.failing()
                continue
            deep = self.depth >= 5 or self.loops > 2
            options = [
                (weight, name)
                for weight, name in STATEMENTS
                if name not in self.style.left_out and not (deep and name in BLOCKS)
            ]
            if self.forks > 1 or self.loops > 1:
                options = [(w, n) for w, n in options if n != "fork"]
            if self.depth > 1 or self.functions or self.forks:
                options = [(w, n) for w, n in options if n != "local_function"]
            getattr(self, self.weighted(options))()
        return True

    def block(self, size: int = 0) -> None:
        with self.indented():
            self.statements(size or self.pick([1, 2, 2]))

    # Statements

    def text(self) -> None:
        self.emit(self.appended())

    def appended(self) -> str:
        """A string statement."""
        shape = self.weighted([(9, "line"), (1, "triple"), (1, "raw"), (1, "two")])
        if shape == "triple" and self.depth < 5:
            indent = "    " * self.depth
            return f'"""\n{indent}{self.interpolated()}\n{indent}  more {self.word()}\n{indent}"""'
        if shape == "raw":
            return f'r"{self.word()} \\d ${{x}}"'
        if shape == "two":
            return f'"{self.interpolated()}" "{self.word()}"'
        return f'"{self.interpolated()}"'

    def sample(self) -> None:
        kind = self.rng.random()
        if kind < 0.08:
            self.emit(f"gen({self.pick(['max_tokens=3', 'stop=q', ''])})")
            return
        name = self.fresh("x")
        if kind < 0.3:
            method = f', method="{self.pick(METHODS)}"' if self.chance(0.2) else ""
            choices = self.pick(['["yes", "no"]', '["left", "right", q + "!"]', '["a"] + items'])
            self.emit(f"{name} = select({choices}{method})")
        elif kind < 0.34:
            self.emit(f"{name} = gen(n=2)")
            self.names.lists.append(name)
            return
        else:
            options = [
                (5, ""),
                (2, "max_tokens=4"),
                (1, f"max_tokens={self.pick(self.names.numbers)} + 3"),
                (2, 'stop="e"'),
                (1, f"stop=[{self.string()}, 'q']"),
                (1, "temperature=0.5, top_p=0.9"),
                (1, "temperature=none"),
                (1, 'regex="[a-z]+ ?[a-z]*"'),
                (0.7, "dtype=int"),
            ]
            self.emit(f"{name} = gen({self.weighted(options)})")
        self.names.strings.append(name)

    def role_line(self) -> None:
        if self.role:
            self.text()
            return
        role = self.pick(["user", "assistant", "system", "tool"])
        self.emit(f'{role} "{self.interpolated()}"')

    def role_block(self) -> None:
        if self.role:
            self.sample()
            return
        self.emit(f"{self.pick(['user', 'assistant', 'assistant', 'system'])}:")
        self.role = True
        with self.indented(keep=True):
            self.sample()
            self.statements(self.pick([0, 1, 2]))
        self.role = False

    def assign(self) -> None:
        kind = self.rng.random()
        if kind < 0.5:
            name, value = self.fresh("t"), self.string(2)
            self.names.strings.append(name)
        elif kind < 0.7:
            name, value = self.fresh("m"), self.number(2)
            self.names.numbers.append(name)
        elif kind < 0.9:
            name, value = self.fresh("xs"), self.strings(2)
            self.names.lists.append(name)
        else:
            name, other = self.fresh("t"), self.fresh("u")
            self.emit(f"{name}, {other} = [{self.string()}, {self.string()}]")
            self.names.strings += [name, other]
            return
        self.emit(f"{name} = {value}")

    def augment(self) -> None:
        own = [n for n in self.assignable if n in self.names.strings]
        if not own:
            self.assign()
            return
        self.emit(f"{self.pick(own)} += {self.string()}")

    def branching(self) -> None:
        self.emit(f"if {self.condition()}:")
        self.block()
        while self.chance(0.25):
            self.emit(f"elif {self.condition()}:")
            self.block()
        if self.chance(0.5):
            self.emit("else:")
            self.block()

    def for_loop(self) -> None:
        counter = self.fresh("i")
        kind = self.rng.random()
        strings: list[str] = []
        numbers: list[str] = []
        if kind < 0.4:
            self.emit(f"for {counter} in {self.pick(['range(2)', 'range(n)', 'range(1, 3)'])}:")
            numbers = [counter]
        elif kind < 0.6:
            word = self.fresh("w")
            self.emit(f"for {counter}, {word} in enumerate({self.strings(1)}[:3]):")
            numbers, strings = [counter], [word]
        elif kind < 0.8:
            self.emit(f"for {counter} in {self.strings(1)}[:3]:")
            strings = [counter]
        elif kind < 0.9:
            word = self.fresh("w")
            self.emit(f"for {counter}, {word} in zip(range(2), items):")
            numbers, strings = [counter], [word]
        else:
            word = self.fresh("w")
            pair = f"{{{self.string()}: 1, 'other': n}}"
            self.emit(f"for {word}, {counter} in {pair}.items():")
            numbers, strings = [counter], [word]
        with self.loop():
            self.names.numbers += numbers
            self.names.strings += strings
            self.statements(self.pick([1, 2, 3]))
            self.leave_loop()
        self.otherwise()

    def while_loop(self) -> None:
        counter = self.fresh("c")
        self.emit(f"{counter} = 0")
        extra = f" and ({self.condition()})" if self.chance(0.4) else ""
        self.emit(f"while {counter} < 3{extra}:")
        with self.loop():
            self.emit(f"{counter} += 1")
            self.names.numbers.append(counter)
            self.statements(self.pick([1, 2, 2]))
            self.leave_loop()
        self.otherwise()

    def otherwise(self) -> None:
        if self.chance(0.25):
            self.emit("else:")
            self.block(1)

    def leave_loop(self) -> None:
        if self.chance(0.35):
            self.emit(f"if {self.condition()}:")
            self.depth += 1
            if self.chance(0.3):
                self.text()
            ways = ["break", "continue", *([] if self.forks else [self.returning()])]
            self.emit(self.pick(ways))
            self.depth -= 1

    def leaving(self) -> None:
        ways = [] if self.forks else [self.returning()]
        ways += ["break", "continue"] if self.loops else []
        if ways:
            self.emit(f"if {self.condition()}:")
            self.depth += 1
            self.emit(self.pick(ways))
            self.depth -= 1
        else:
            self.text()

    def returning(self) -> str:
        return f"return {self.string(2)}"

    def fork(self) -> None:
        group, value = self.fresh("g"), self.fresh("v")
        kind = self.rng.random()
        numbers: list[str] = []
        strings: list[str] = []
        if kind < 0.3:
            self.emit(f"fork {self.pick(['2', '3', 'n'])} as {group}:")
            item = ""
        elif kind < 0.75:
            items = self.pick(['["a", "b"]', "items", f"[{self.string()}, 'z']", "[q, q]"])
            self.emit(f"fork {value} in {items} as {group}:")
            item, strings = value, [value]
        else:
            number = self.fresh("j")
            self.emit(f"fork {number}, {value} in enumerate(items) as {group}:")
            item, strings, numbers = value, [value], [number]
        outer, self.assignable = self.assignable, []
        loops, self.loops = self.loops, 0
        self.forks += 1
        made: list[str] = []
        with self.indented(leaks=False):
            self.names.strings += strings
            self.names.numbers += numbers
            self.emit(f'"{self.interpolated()}"')
            before = len(self.names.strings)
            self.sample()
            made = self.names.strings[before:]
            self.statements(self.pick([0, 1, 2]))
        self.forks -= 1
        self.loops = loops
        self.assignable = outer
        fields = [*made, *([item] if item else [])]
        if fields:
            self.names.records.append((group, fields))
            if self.chance(0.6):
                self.collect(group, fields)

    def collect(self, group: str, fields: list[str]) -> None:
        record, name = self.fresh("r"), self.pick(fields)
        if self.chance(0.6):
            self.emit(f"for {record} in {group}:")
            self.depth += 1
            self.emit(f'"- ${{{record}.{name}}}\\n"')
            self.depth -= 1
        else:
            self.emit(f"\"${{', '.join([r.{name} for r in {group}])}} \"")

    def attempt(self) -> None:
        self.emit("try:")
        with self.indented():
            self.statements(self.pick([1, 2]))
            if self.chance(0.5):
                self.failing()
        handlers = self.pick([0, 1, 1, 1, 2])
        for number in range(handlers):
            name = self.fresh("e")
            last = number == handlers - 1
            kind = self.pick(KINDS)
            self.emit("except:" if last and self.chance(0.2) else f"except {kind} as {name}:")
            bare = self.lines[-1].endswith("except:")
            self.handling += 1
            with self.indented():
                if not bare:
                    self.emit(f'"${{{name}.kind}}: ${{{name}.message}} "')
                self.statements(self.pick([0, 1]))
                if self.chance(0.25):
                    ways = ["raise", 'raise value_error("again")']
                    ways += [] if bare else [f"raise {name}"]
                    self.emit(self.pick(ways))
            self.handling -= 1
        if handlers and self.chance(0.3):
            self.emit("else:")
            self.block(1)
        if not handlers or self.chance(0.35):
            self.emit("finally:")
            with self.indented():
                self.emit('"finally "')
                self.statements(self.pick([0, 1]))
                if self.chance(0.15):
                    self.leaving()

    def failing(self) -> None:
        """Something that fails when it runs, mostly under a condition."""
        s, name = self.string(), self.fresh("t")
        options = [
            f"{name} = int({s} + 'x')",
            f"{name} = items[9]",
            f"{name} = 1 // (n - n)",
            f"{name} = {s}.index('zzz')",
            f"raise value_error({s})",
            f"raise extern_error('mine: ' + {s})",
            f"raise gen_error({s})",
            f"{name} = parse_json({s} + '{{')",
            f"{name} = refuse({s})",
            f"{name} = wrong({s})",
            f"{name} = {{'a': {s}}}[{s}]",
            f"{name} = nested('BOOM ' + {s})",
        ]
        line = self.pick(options)
        if self.chance(0.7):
            self.emit(f"if {self.condition()}:")
            self.depth += 1
            self.emit(line)
            self.depth -= 1
        elif line.startswith("raise"):
            self.emit(f"if n < 9: {line}")  # nothing after it is unreachable
        else:
            self.emit(line)

    def call(self) -> None:
        name = self.fresh("t")
        options = [
            (2, f"nested({self.string()}, k=n)"),
            (1, f"nested(q={self.string(2)})"),
            (1, f"countdown({self.pick(['1', '2', 'n'])})"),
            (1, f"lib.shout({self.string()})"),
            (1, f"lib.rate({self.string()}).why"),
            (1, f"nested({self.string()}) + nested(q)"),
        ]
        if not self.role:
            options.append((2, f"asks({self.string()}, role=true)"))
            options.append((2, f"asks({self.string()})"))
        options.append((1, f"lib.aside({self.string()})"))
        for local, fragment in self.local:
            if not (fragment and self.role):
                options.append((3, f"{local}({self.string()})"))
        value = self.weighted(options)
        if self.chance(0.15) and "nested" not in value and "." not in value.split("(")[0]:
            self.emit(value)
            return
        self.emit(f"{name} = {value}")
        self.names.strings.append(name)

    def extern(self) -> None:
        name = self.fresh("t")
        if self.chance(0.6):
            self.emit(f"{name} = note({self.string(2)})")
            self.names.strings.append(name)
        else:
            self.emit(f"{name} = count({self.string()}, by={self.number()})")
            self.names.numbers.append(name)

    def person(self) -> None:
        name = self.fresh("p")
        self.emit(f"{name} = gen(json=Person, max_tokens=20)")
        self.names.strings += [f"{name}.name", f"{name}.mood"]
        self.names.lists.append(f"{name}.tags")

    def local_function(self) -> None:
        """A function inside the function, which reads what is around it."""
        name, parameter = self.fresh("f"), self.fresh("a")
        fragment = self.chance(0.5)
        self.emit(f"{'fragment' if fragment else 'def'} {name}({parameter}: str) -> str:")
        outer, self.assignable = self.assignable, []
        local, self.local = self.local, []
        role, self.role = self.role, False
        with self.function():
            self.names.strings.append(parameter)
            self.statements(self.pick([1, 2, 3]))
            self.emit(self.returning())
        self.role = role
        self.assignable = outer
        self.local = [*local, (name, fragment)]


def _style(rng: random.Random) -> Style:
    share = rng.choice([0.0, 0.3, 0.6])
    return Style(
        failures=rng.choice([0.0, 0.0, 0.04, 0.1]),
        raising=rng.choice([0.0, 0.0, 0.04, 0.1]),
        quiet=False,
        leaks=rng.choice([0.0, 0.0, 0.2]),
        left_out=frozenset(
            n for _, n in STATEMENTS if n not in ("text", "sample") and rng.random() < share
        ),
    )


def script(seed: int) -> Script:
    """The script with this seed."""
    rng = random.Random(f"script {seed}")
    generator = ScriptGenerator(rng, _style(rng), budget=rng.choice([8, 14, 22, 32]))
    generator.depth = 1
    generator.names.strings.append("q")
    generator.names.numbers.append("n")
    generator.names.lists.append("items")
    generator.statements(rng.choice([4, 7, 12]))
    if rng.random() < 0.7:
        generator.emit(generator.returning())
    body = "\n".join(generator.lines)
    source = surroundings(rng.choice(USES), body)
    source += f"def program(q: str, n: int, items: list[str]):\n{body}\n"
    arguments = rng.choice(
        [("Who?", 2, ("x", "y")), ("Why", 1, ("one",)), ("beta", 3, ("e", "f", "g"))]
    )
    return Script(
        f"script_{seed}",
        source,
        arguments,
        rng.choice(["chatml", "chatml", "default", "vicuna_v1.1"]),
    )
