"""Random Python programs without host code: what both executors can run."""

from __future__ import annotations

import random

HEADER = """\
import sglc as sgl

LIMIT = 2
WORDS = ["red", "green"]


@sgl.function
def program(s, q, n, xs):
"""
_WORDS = ("alpha", "beta ", "{{x}}", "50%", "BOOM", "")
_TESTS = ("'e' in {r}", "{r} == 'amber'", "{r}.startswith('c')", "len({r}) > 14", "not {r}")


class _Writer:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lines: list[str] = []
        self.count = 0
        self.variables: dict[str, list[str]] = {"s": []}
        """Names that are certainly bound, by prompt."""
        self.numbers = ["n"]
        self.strings = ["q"]
        self.failing = self.random.random() < 0.4

    def line(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def new(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"

    def word(self) -> str:
        word = self.random.choice(_WORDS)
        return "calm" if word == "BOOM" and not self.failing else word

    def read(self, prompt: str) -> str | None:
        known = self.variables[prompt]
        return f'{prompt}["{self.random.choice(known)}"]' if known else None

    def text(self, prompt: str) -> str:
        parts = []
        for _ in range(self.random.randint(1, 3)):
            reads = [r for p in ("s", prompt) if p in self.variables and (r := self.read(p))]
            choice = self.random.randrange(6)
            if choice == 0 and reads:
                parts.append(self.random.choice(reads))
            elif choice == 1 and reads:
                read = self.random.choice(reads).replace('"', "'")
                parts.append(f'f"<{{{read}}}>{{{self.random.choice(self.numbers)}}}"')
            elif choice == 2:
                parts.append(self.random.choice(self.strings))
            elif choice == 3:
                parts.append(f"str({self.random.choice(self.numbers)})")
            elif choice == 4 and reads:
                parts.append(f"{self.random.choice(reads)}.upper()")
            else:
                parts.append(repr(self.word()))
        return " + ".join(parts)

    def sample(self, prompt: str) -> str:
        name = self.new("v")
        made = (
            f'sgl.select("{name}", ["yes", "no"])'
            if self.random.random() < 0.3
            else f'sgl.gen("{name}", max_tokens={self.random.randint(1, 9)})'
        )
        self.variables[prompt].append(name)
        return made

    def condition(self, prompt: str) -> str:
        read = self.read(prompt) or self.read("s")
        if read is None:
            return f"{self.random.choice(self.numbers)} > 1"
        test = self.random.choice(_TESTS).format(r=read)
        other = self.read("s")
        if other is not None and self.random.random() < 0.3:
            test += f" {self.random.choice(['or', 'and'])} 'a' in {other}"
        return test

    def block(self, depth: int, prompt: str, size: int, *, role: bool = False) -> None:
        known = {p: list(names) for p, names in self.variables.items()}
        kept = (list(self.numbers), list(self.strings))
        for _ in range(size):
            self.statement(depth, prompt, role)
        if depth > 1:
            self.variables, (self.numbers, self.strings) = known, kept

    def statement(self, depth: int, prompt: str, role: bool) -> None:
        kinds = ["text", "sample", "both", "local", "number", "set"]
        if depth < 4:
            kinds += ["if", "for", "while"] + (["fork"] if depth < 3 and prompt == "s" else [])
            kinds += [] if role else ["role", "message"]
        getattr(self, f"_{self.random.choice(kinds)}")(depth, prompt, role)

    def _text(self, depth: int, prompt: str, _: bool) -> None:
        self.line(depth, f"{prompt} += {self.text(prompt)}")

    def _sample(self, depth: int, prompt: str, _: bool) -> None:
        self.line(depth, f"{prompt} += {self.sample(prompt)}")

    def _both(self, depth: int, prompt: str, _: bool) -> None:
        text, made, last = self.text(prompt), self.sample(prompt), repr(self.word())
        self.line(depth, f"{prompt} += {text} + {made} + {last}")

    def _local(self, depth: int, prompt: str, _: bool) -> None:
        text, name = self.text(prompt), self.new("t")
        self.line(depth, f"{name} = {text}")
        self.strings.append(name)

    def _number(self, depth: int, _: str, __: bool) -> None:
        value, name = f"{self.random.choice(self.numbers)} + {self.random.randint(0, 3)}", ""
        name = self.new("k")
        self.line(depth, f"{name} = {value}")
        self.numbers.append(name)

    def _set(self, depth: int, prompt: str, _: bool) -> None:
        name = self.new("w")
        self.line(depth, f'{prompt}["{name}"] = {self.text(prompt)}')
        self.variables[prompt].append(name)

    def _message(self, depth: int, prompt: str, _: bool) -> None:
        role = self.random.choice(("user", "assistant"))
        text = self.text(prompt)
        content = f"{text} + {self.sample(prompt)}" if role == "assistant" else text
        form = f"{prompt} += sgl.{role}" if self.random.random() < 0.5 else f"{prompt}.{role}"
        self.line(depth, f"{form}({content})")

    def _role(self, depth: int, prompt: str, _: bool) -> None:
        self.line(depth, f"with {prompt}.{self.random.choice(('user', 'assistant'))}():")
        self.block(depth + 1, prompt, self.random.randint(1, 3), role=True)

    def _if(self, depth: int, prompt: str, role: bool) -> None:
        self.line(depth, f"if {self.condition(prompt)}:")
        self.block(depth + 1, prompt, self.random.randint(1, 2), role=role)
        if depth > 1 and self.random.random() < 0.2:
            self.line(depth + 1, "return 'early'")
        if self.random.random() < 0.5:
            self.line(depth, "else:")
            self.block(depth + 1, prompt, self.random.randint(1, 2), role=role)

    def _for(self, depth: int, prompt: str, role: bool) -> None:
        name = self.new("i")
        if self.random.random() < 0.5:
            self.line(depth, f"for {name} in range({self.random.randint(1, 3)}):")
            self.numbers.append(name)
        else:
            self.line(depth, f"for {name} in {self.random.choice(('xs', 'WORDS'))}:")
            self.strings.append(name)
        self.block(depth + 1, prompt, self.random.randint(1, 2), role=role)
        self.numbers = [n for n in self.numbers if n != name]
        self.strings = [n for n in self.strings if n != name]

    def _while(self, depth: int, prompt: str, role: bool) -> None:
        count, name = self.new("c"), self.new("v")
        self.line(depth, f"{count} = 0")
        self.line(depth, f"while {count} < {self.random.choice(('2', 'LIMIT'))}:")
        self.line(depth + 1, f'{prompt} += sgl.gen("{name}", max_tokens=4)')
        self.line(depth + 1, f"{count} += 1")
        self.line(depth + 1, f"if 'z' in {prompt}[\"{name}\"]:")
        self.line(depth + 2, self.random.choice(("break", "continue")))
        self.block(depth + 1, prompt, 1, role=role)

    def _fork(self, depth: int, prompt: str, role: bool) -> None:
        group, branch, index = self.new("g"), self.new("f"), self.new("i")
        name = self.new("v")
        self.line(depth, f"{group} = {prompt}.fork({self.random.randint(1, 3)})")
        numbered = self.random.random() < 0.5
        over = f"{index}, {branch} in enumerate({group})" if numbered else f"{branch} in {group}"
        self.line(depth, f"for {over}:")
        self.variables[branch] = list(self.variables[prompt])
        if numbered:
            self.numbers.append(index)
        self.block(depth + 1, branch, self.random.randint(0, 2), role=role)
        self.line(depth + 1, f'{branch} += sgl.gen("{name}", max_tokens=6)')
        self.numbers = [n for n in self.numbers if n != index]
        self.variables.pop(branch, None)
        again = self.new("f")
        if self.random.random() < 0.7:
            self.line(depth, f"for {again} in {group}:")
            self.line(depth + 1, f'{prompt} += " [" + {again}["{name}"] + "]"')
        if self.random.random() < 0.3:
            self.line(depth, f'{group}.join("concate_and_append")')


def silent_program(seed: int) -> str:
    """The source of a module with `program(s, q, n, xs)`; most are silent, some fail."""
    writer = _Writer(seed)
    writer.block(1, "s", writer.random.randint(3, 8))
    if writer.random.random() < 0.7:
        writer.line(1, f"return {writer.text('s')}")
    return HEADER + "\n".join(writer.lines) + "\n"
