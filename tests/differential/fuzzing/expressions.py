"""Expressions of random Python programs: texts, reads, generations, conditions."""

from __future__ import annotations

from tests.differential.fuzzing.drawing import Drawing, Prompt

WORDS = ("alpha", "beta", "gamma", "delta", "{{x}}", "50%", "tab\\t")
NAMES = ("a", "b", "c", "d")
METHODS = (
    "token_length_normalized",
    "greedy_token_selection",
    "unconditional_likelihood_normalized",
)


class Expressions(Drawing):
    """Draws expressions from what is in scope."""

    def prompt(self) -> Prompt:
        """The prompt that statements are about: mostly the innermost."""
        prompts = self.names.prompts
        return prompts[-1] if self.chance(0.7) else self.pick(prompts)

    def word(self) -> str:
        return self.pick(WORDS[:4])

    def constant(self) -> str:
        text = self.pick(WORDS).replace("{{", "{").replace("}}", "}")
        text += self.pick(["", " ", ": ", "\\n", ". "])
        if self.chance(self.style.failures):
            text = "BOOM " + text
        return f'"{text}"'

    def number(self) -> str:
        name = self.pick(self.names.numbers)
        return self.pick([name, name, name, f"{name} + 1", f"{name} * 2", "1", "3"])

    def key(self, prompt: Prompt) -> str:
        """A variable, which the prompt probably has."""
        if not prompt.variables or self.chance(self.style.raising / 2):
            return "missing"
        return self.pick(prompt.variables)

    def read(self, prompt: Prompt) -> str:
        """A read of a prompt's variable."""
        key = self.key(prompt)
        if "{" in key:
            return f'{prompt.source}[f"{key}"]'
        shape = self.weighted(
            [
                (12, '{p}["{k}"]'),
                (1, '{p}[f"{k}"]'),
                *([(3, "{p}[key]")] if "key" in self.names.strings else []),
                *([] if self.quiet else [(1, '{p}.get_var("{k}")')]),
            ]
        )
        return shape.format(p=prompt.source, k=key)

    def any_read(self) -> str | None:
        """A read that probably succeeds: of a prompt in scope, or of a fork's branch."""
        options = [self.read(p) for p in self.names.prompts if p.variables]
        own = self.names.prompts[-1]
        if own.variables:
            options += [self.read(own), self.read(own)]
        for group in self.names.groups:
            if group.variables:
                branch = f"{group.name}[{group.index(self.rng)}]"
                options.append(self.read(Prompt(branch, group.variables)))
        if not self.quiet:
            for run, variable in self.names.runs:
                options.append(f'{run}["{variable}"]')
        return self.pick(options) if options else None

    def inside(self, expression: str) -> str:
        """An expression between the quotes of an f-string."""
        return expression.replace('"', "'")

    def formatted(self, reading: float) -> str:
        """An f-string."""
        text = ""
        for _ in range(self.pick([1, 1, 2])):
            text += self.pick(WORDS) + " "
            read = self.any_read() if self.chance(reading) else None
            value = self.inside(read or self.pick([*self.names.strings, *self.names.numbers]))
            ends = [(12, ""), (1, "!r"), (1, ":>6"), (1, "!s:.5"), (0.5, "=")]
            if self.style.plain:
                ends = ends[:1]
            text += "{" + value + (self.weighted(ends)) + "}"
        return f'f"{text}"'

    def string(self, reading: float = 0.4) -> str:
        """A string, computed by Python itself."""
        read = self.any_read() if self.chance(reading) else None
        base = read or self.pick(self.names.strings)
        options = [
            (6, base),
            (2, f"{base}.upper()"),
            (1, f"{base}[:3]"),
            (1, f"({base} or 'none')"),
            (1, f"({base} if {self.number()} > 1 else {self.constant()})"),
            (1, f"str({self.number()})"),
            (1, f'", ".join([{base}, {self.pick(self.names.strings)}])'),
            (1, f'{base}.replace("e", "3")'),
        ]
        if not self.quiet:
            options += [
                (1, f'"%s-%d" % ({base}, {self.pick(self.names.numbers)})'),
                (1, f'"{{}} {{!r}}".format({base}, {self.number()})'),
                (1, f"str({base}.split())"),
                (1, f"max({base}, {self.constant()}, key=len)"),
                (1, f"(lambda x: x + x)({base})"),
            ]
            if self.names.calls:
                options.append((3, f"str({self.pick(self.names.calls)()})"))
            if self.names.lists:
                options.append((2, f'"/".join({self.pick(self.names.lists)})'))
        return self.weighted(options)

    def piece(self, reading: float) -> str:
        """One operand of a text."""
        kind = self.rng.random()
        if self.style.plain and kind < 0.95:
            kind *= 0.8
            reading = 0.8
        if kind < 0.3:
            return self.constant()
        if kind < 0.55:
            return self.formatted(reading)
        if kind < 0.85:
            read = self.any_read() if self.chance(reading * 1.5) else None
            return read or self.pick(self.names.strings)
        if kind < 0.9:
            return "GREETING"
        if self.quiet or kind < 0.97:
            return self.string(reading)
        return self.pick(
            ["str(Bag(1))[:3]", 'f"{Bag(2)}"', '"{}".format(Bag(3))', 'Text("t")', 'f"{Text(q)}"']
        )

    def text(self, reading: float = 0.4) -> str:
        """What is appended, without generations."""
        count = self.pick([1, 1, 1, 2, 2, 3])
        pieces = [self.piece(reading) for _ in range(count)]
        if count == 3 and self.chance(0.15):
            return f"{pieces[0]} + ({pieces[1]} + {pieces[2]})"
        if not self.quiet and self.chance(0.03):
            return f"{self.any_read() or 'q'} + Bag(1)"
        return " + ".join(pieces)

    def sample(self, prompt: Prompt) -> str:
        """A generation or selection; its variable then exists."""
        name = self.pick(NAMES)
        kind = self.rng.random()
        if kind < 0.3:
            prompt.variables.append(name)
            return self.choosing(name)
        if kind < 0.33:
            return f"sgl.gen(max_tokens={self.pick(['2', '3', 'n + 1'])})"
        prompt.variables.append(name)
        if kind < 0.34:
            prompt.variables.append(f"{name}_reasoning_content")
            model = self.pick(['"deepseek-r1"', '"qwen3"'])
            return f'sgl.separate_reasoning(sgl.gen("{name}"), model_type={model})'
        if kind < 0.36:
            return self.pick([f'sgl.gen_int("{name}")', f'sgl.gen_string("{name}", max_tokens=9)'])
        if kind < 0.38 and not self.quiet:
            if self.chance(0.5):
                prompt.variables.remove(name)
            return f'sgl.gen("{name}", n={self.pick(["2", "n"])})'
        counters = [n for n in self.names.numbers if n.isidentifier() and n != "n"]
        if counters and self.chance(0.2):
            name = prompt.variables[-1] = f"v{{{self.pick(counters)}}}"
            return f'sgl.gen(f"{name}", max_tokens=4)'
        options = [
            (6, ""),
            (3, ", max_tokens=4"),
            (1, f", {self.pick(['3', '4'])}"),
            (2, ', stop="e"'),
            (1, ', stop=["er", "am"]'),
            (1, f", stop={self.pick(self.names.strings)}"),
            (2, f", max_tokens={self.pick(self.names.numbers)} + 3"),
            (2, ", temperature=0.5"),
            (1, ", temperature=0, top_p=0.9, frequency_penalty=0.1"),
            (1, ', regex="[a-z]+ ?[a-z]*", max_tokens=6'),
            (1, ", dtype=int"),
            (0.5, ', dtype="bool"'),
            (0.5, ", n=1"),
            (0.5, ', json_schema=\'{"type": "object"}\', max_tokens=8'),
        ]
        if not self.quiet and prompt.variables:
            read = self.any_read() or "q"
            options += [(1, f", max_tokens=len({read}) % 5 + 2"), (1, f", stop={read}[-1:] or 'q'")]
        shape = self.weighted(options)
        quoted = self.weighted([(20, f'"{name}"'), (1, f'f"{name}"'), (1, f'name="{name}"')])
        if quoted.startswith("name=") and shape.startswith((", 3", ", 4")):
            shape = ""
        return f"sgl.gen({quoted}{shape})"

    def choosing(self, name: str) -> str:
        """A selection."""
        choices = self.weighted(
            [
                (4, f'["yes", "no", "{self.word()}"]'),
                (2, '["left", "right"]'),
                (1, '("one", "two")'),
                (1, f'["yes", {self.pick(self.names.strings)} + "!"]'),
                (0.5, '["a"] + items'),
            ]
        )
        method = f", choices_method=sgl.{self.pick(METHODS)}" if self.chance(0.15) else ""
        kind = self.pick(["select", "select", "gen", "positional"])
        if kind == "positional" and not method:
            return f'sgl.select("{name}", {choices})'
        kind = "gen" if kind == "gen" else "select"
        return f'sgl.{kind}("{name}", choices={choices}{method})'

    def condition(self) -> str:
        """A condition, on generated values where there are some."""
        read = self.any_read()
        number = self.pick(self.names.numbers)
        options = [(1.0, f"{number} > 1"), (1.0, f'q == "{self.word()}"'), (0.5, "items")]
        if read:
            options += [
                (2, f'"e" in {read}'),
                (2, f"len({read}) > 12"),
                (2, f'{read} == "yes"'),
                (1, f'{read} != ""'),
                (1, f'{read}.startswith(("a", "b"))'),
                (1, f'not {read} or {number} > 2 and "a" in {read}'),
                (0.5, f'"a" < {read} <= "f"'),
            ]
        if not self.quiet:
            prompt = self.prompt()
            walrus = self.new("w")
            options += [
                (0.7, f'"{self.pick(NAMES)}" in {prompt.source}'),
                (0.4, f"{prompt.source}.error() is None"),
                (0.7, f'({walrus} := {read or "q"}) == "yes" or len({walrus}) % 2'),
                (0.4, f'any("e" in x for x in [{read or "q"}, q])'),
                (0.3, f"log({number} > 1)"),
                (0.2, f"Bag(1) == {read or 'q'}"),
            ]
        return self.weighted(options)
