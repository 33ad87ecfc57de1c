"""
Random programs written twice: as a decorated Python function and as a script.

Both are drawn from one seeded generator, statement by statement, from what the two languages share:
strings and integers, prompts, roles, branches, loops, forks, calls.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

WORDS = ("alpha", "beta", "gamma", "delta", "{braces}", "50%", "tab\\t")

PYTHON_HEADER = """\
import sglc as sgl


def asks(s, question):
    s += sgl.user(f"asks {question}")
    with s.assistant():
        s += sgl.gen("asked", max_tokens=5)
    return s["asked"]


@sgl.function
def nested(s, q, k=1):
    s += f"N:{q}"
    for i in range(k):
        s += f"<{i}>"
        s += sgl.gen("inner", max_tokens=3)
    return "done " + q


@sgl.function
def program(s, q, n):
"""
SCRIPT_HEADER = """\
fragment asks(question: str) -> str:
    user "asks ${question}"
    assistant:
        asked = gen(max_tokens=5)
    return asked

def nested(q: str, k: int = 1) -> str:
    "N:${q}"
    for i in range(k):
        "<${i}>"
        inner = gen(max_tokens=3)
    return "done " + q

def program(q: str, n: int):
"""


@dataclass(frozen=True, slots=True)
class Twin:
    """One program in both languages."""

    python: str
    script: str


@dataclass(slots=True)
class Name:
    """A variable in scope: its script name, and how Python reads it in an f-string."""

    script: str
    python: str
    number: bool = False
    generated: bool = False


@dataclass(slots=True)
class Writer:
    """Writes both programs at once."""

    rng: random.Random
    failures: float
    python: list[str] = field(default_factory=list)
    script: list[str] = field(default_factory=list)
    names: list[Name] = field(default_factory=list)
    serial: int = 0
    budget: int = 12

    def new(self, stem: str) -> str:
        self.serial += 1
        return f"{stem}{self.serial}"

    def line(self, depth: int, python: str, script: str) -> None:
        self.python.append("    " * depth + python)
        self.script.append("    " * depth + script)

    def text(self) -> tuple[str, str]:
        """An f-string and the string that interpolates the same."""
        python, script = "", ""
        for _ in range(self.rng.choice([1, 2, 3])):
            word = self.rng.choice(WORDS) + self.rng.choice([" ", "", "\\n"])
            if self.rng.random() < self.failures:
                word = "BOOM " + word
            python += word.replace("{", "{{").replace("}", "}}")
            script += word
            if self.names and self.rng.random() < 0.5:
                name = self.rng.choice(self.names)
                python += "{" + name.python + "}"
                script += "${" + name.script + "}"
        return f'f"{python}"', f'"{script}"'

    def block(self, depth: int, prompt: str, size: int, role: bool = False) -> None:
        before = list(self.names)
        start = len(self.script)
        for _ in range(size):
            if self.budget > 0:
                self.budget -= 1
                self.statement(depth, prompt, role)
        if len(self.script) == start:
            self.line(depth, "pass", "pass")
        self.names = before

    def body(self) -> None:
        for _ in range(self.rng.choice([4, 7, 10])):
            if self.budget > 0:
                self.budget -= 1
                self.statement(1, "s", False)
        if self.rng.random() < 0.5 and self.names:
            name = self.rng.choice(self.names)
            self.line(1, f"return {name.python.replace(chr(39), chr(34))}", f"return {name.script}")

    def statement(self, depth: int, prompt: str, role: bool) -> None:
        draw = self.rng.random()
        if draw < 0.25:
            python, script = self.text()
            self.line(depth, f"{prompt} += {python}", script)
        elif draw < 0.5:
            self.sample(depth, prompt)
        elif draw < 0.6 and not role:
            python, script = self.text()
            kind = self.rng.choice(["user", "system", "assistant"])
            self.line(depth, f"{prompt} += sgl.{kind}({python})", f"{kind} {script}")
        elif draw < 0.68 and not role:
            kind = self.rng.choice(["user", "assistant"])
            self.line(depth, f"with {prompt}.{kind}():", f"{kind}:")
            before = list(self.names)
            self.block(depth + 1, prompt, 2, role=True)
            self.names = before
        elif draw < 0.78 and depth < 4:
            self.condition(depth, prompt, role)
        elif draw < 0.83 and depth < 4:
            self.loop(depth, prompt, role)
        elif draw < 0.86 and depth < 4:
            self.attempt(depth, prompt, role)
        elif draw < 0.88:
            self.compute(depth)
        elif draw < 0.94 and depth < 3:
            self.fork(depth, prompt, role)
        else:
            self.call(depth, prompt, role)

    def sample(self, depth: int, prompt: str) -> None:
        name = self.new("x")
        if self.rng.random() < 0.3:
            self.line(
                depth,
                f'{prompt} += sgl.select("{name}", choices=["yes", "no"])',
                f'{name} = select(["yes", "no"])',
            )
        else:
            options = self.rng.choice(["", "max_tokens=4", 'stop="e"', "temperature=0.5"])
            python = f", {options}" if options else ""
            self.line(depth, f'{prompt} += sgl.gen("{name}"{python})', f"{name} = gen({options})")
        self.names.append(Name(name, f"{prompt}['{name}']", generated=True))

    def condition(self, depth: int, prompt: str, role: bool) -> None:
        strings = [n for n in self.names if n.generated]
        if strings and self.rng.random() < 0.8:
            name = self.rng.choice(strings)
            python, script = f'{name.python} == "yes"', f'{name.script} == "yes"'
        else:
            python = script = "n > 1"
        self.line(depth, f"if {python}:", f"if {script}:")
        self.block(depth + 1, prompt, 2, role)
        if self.rng.random() < 0.25:
            self.line(depth, "elif n == 2:", "elif n == 2:")
            self.block(depth + 1, prompt, 1, role)
        if self.rng.random() < 0.5:
            self.line(depth, "else:", "else:")
            self.block(depth + 1, prompt, 1, role)

    def compute(self, depth: int) -> None:
        """A local name, from an expression that both languages have."""
        name = self.new("y")
        known = [n for n in self.names if not n.number]
        if not known:
            self.line(depth, f"{name} = n * 2 + 1", f"{name} = n * 2 + 1")
            self.names.append(Name(name, name, number=True))
            return
        one = self.rng.choice(known)
        shape = self.rng.choice(
            [
                "{x}.upper()",
                "{x}[:3]",
                "{x}[-2:]",
                '{x}.replace("e", "3")',
                '({x} if n > 1 else "few")',
                '"-".join([{x}, q])',
                '{x} + "!"',
                "str(len({x}))",
                '"yes" if "e" in {x} else "no"',
                "{x}.split()[0] if {x}.split() else q",
                '", ".join([w.title() for w in {x}.split() if w != "amber"])',
            ]
        )
        python = one.python.replace("'", '"')
        self.line(
            depth, f"{name} = {shape.format(x=python)}", f"{name} = {shape.format(x=one.script)}"
        )
        self.names.append(Name(name, name))

    def attempt(self, depth: int, prompt: str, role: bool) -> None:
        """`try` with a handler for a value that cannot be, or with `finally`."""
        self.line(depth, "try:", "try:")
        self.block(depth + 1, prompt, 2, role)
        final = self.rng.random() < 0.4
        if not final or self.rng.random() < 0.5:
            number = self.rng.choice(["12", "twelve"])
            name = self.new("z")
            line = f'{name} = int("{number}")'
            self.line(depth + 1, line, line)
            self.line(depth, "except ValueError:", "except value_error:")
            self.block(depth + 1, prompt, 1, role)
            if self.rng.random() < 0.4:
                self.line(depth, "else:", "else:")
                self.block(depth + 1, prompt, 1, role)
        else:
            final = True
        if final:
            self.line(depth, "finally:", "finally:")
            self.line(depth + 1, f'{prompt} += "finally "', '"finally "')

    def loop(self, depth: int, prompt: str, role: bool) -> None:
        counter = self.new("i")
        before = list(self.names)
        kind = self.rng.random()
        if kind < 0.25:
            self.line(depth, f"{counter} = 0", f"{counter} = 0")
            self.line(depth, f"while {counter} < 3:", f"while {counter} < 3:")
            self.line(depth + 1, f"{counter} += 1", f"{counter} += 1")
        elif kind < 0.4:
            word = self.new("w")
            head = f'for {counter}, {word} in enumerate(["u", q], 1):'
            self.line(depth, head, head)
            self.names.append(Name(word, word))
        else:
            over = self.rng.choice(["range(2)", "range(n)", "range(1, 3)"])
            self.line(depth, f"for {counter} in {over}:", f"for {counter} in {over}:")
        self.names.append(Name(counter, counter, number=True))
        self.block(depth + 1, prompt, 2, role)
        if self.rng.random() < 0.3:
            leave = self.rng.choice(["break", "continue"])
            self.line(depth + 1, f"if {counter} == 1:", f"if {counter} == 1:")
            self.line(depth + 2, leave, leave)
        self.names = before
        if self.rng.random() < 0.25:
            self.line(depth, "else:", "else:")
            self.block(depth + 1, prompt, 1, role)

    def fork(self, depth: int, prompt: str, role: bool) -> None:
        group, child, value = self.new("t"), self.new("f"), self.new("v")
        if self.rng.random() < 0.25:
            self.line(depth, f"{group} = {prompt}.fork(2)", f"fork 2 as {group}:")
            self.python.append("    " * depth + f"for {child} in {group}:")
            before = list(self.names)
            self.sample(depth + 1, child)
            self.block(depth + 1, child, 2, role)
            self.names = before
            return
        items = self.rng.choice(['["a", "b"]', '["one", "two", "three"]', "[q, q]"])
        size = items.count(",") + 1
        self.line(depth, f"{group} = {prompt}.fork({size})", f"fork {value} in {items} as {group}:")
        self.python.append("    " * depth + f"for {value}, {child} in zip({items}, {group}):")
        before = list(self.names)
        self.names.append(Name(value, value))
        self.sample(depth + 1, child)
        made = self.names[-1]
        self.block(depth + 1, child, 2, role)
        self.names = before
        if self.rng.random() < 0.7:
            record = self.new("r")
            self.line(depth, f"for {record} in {group}:", f"for {record} in {group}:")
            self.line(
                depth + 1,
                f'{prompt} += "- " + {record}["{made.script}"] + "\\n"',
                f'"- ${{{record}.{made.script}}}\\n"',
            )

    def call(self, depth: int, prompt: str, role: bool) -> None:
        if role and prompt != "s":
            return
        name = self.new("c")
        python, script = self.text()
        # In a branch a script's call belongs to the branch, Python's to the run: other seeds.
        if prompt == "s" and (role or self.rng.random() < 0.5):
            self.line(
                depth, f"{name} = nested.run({python}).ret_value", f"{name} = nested({script})"
            )
        else:
            self.line(depth, f"{name} = asks({prompt}, {python})", f"{name} = asks({script})")
        self.names.append(Name(name, name))


def twin_program(seed: int) -> Twin:
    """Both programs with this seed."""
    rng = random.Random(seed)
    writer = Writer(rng, rng.choice([0.0, 0.0, 0.0, 0.06]))
    writer.body()
    return Twin(
        PYTHON_HEADER + "\n".join(writer.python) + "\n",
        SCRIPT_HEADER + "\n".join(writer.script) + "\n",
    )
