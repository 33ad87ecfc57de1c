"""Expressions of random scripts."""

from __future__ import annotations

import random

from tests.differential.fuzzing.drawing import Drawing, Style

WORDS = ("alpha", "beta", "gamma", "delta")
TEXTS = (*WORDS, "{braces}", "50%", "tab\\t", "$$5", "line\\n")


class ScriptValues(Drawing):
    """Draws expressions from what is in scope."""

    def __init__(self, rng: random.Random, style: Style, budget: int) -> None:
        super().__init__(rng, style, budget)
        self.assignable: list[str] = []
        """Names that may be assigned here: those of the same function or branch."""

    def fresh(self, stem: str) -> str:
        """A new name, or seldom an old one of the same function or branch."""
        old = [n for n in self.assignable if n[: len(stem)] == stem and n[len(stem) :].isdigit()]
        if old and stem in ("t", "x", "m") and self.chance(self.style.leaks):
            return self.pick(old)
        name = self.new(stem, fresh=True)
        self.assignable.append(name)
        return name

    def word(self) -> str:
        return self.pick(WORDS)

    def interpolated(self) -> str:
        """The inside of a string statement, between double quotes."""
        text = ""
        for _ in range(self.pick([1, 1, 2, 3])):
            word = self.pick(TEXTS) + self.pick([" ", "", "\\n"])
            if self.chance(self.style.failures):
                word = "BOOM " + word
            text += word
            if self.chance(0.6):
                kind = self.rng.random()
                value = (
                    self.pick(self.names.strings)
                    if kind < 0.6
                    else self.string(1)
                    if kind < 0.8
                    else self.number(1)
                    if kind < 0.9
                    else self.strings(1)
                )
                text += "${" + value.replace('"', "'") + "}"
        return text

    def field(self) -> str | None:
        """A field of a fork's branch."""
        if not self.names.records or self.chance(0.5):
            return None
        group, fields = self.pick(self.names.records)
        known = [f for f in fields if f[0] in "xv"]
        return f"{group}[{self.pick(['0', '-1'])}].{self.pick(known)}" if known else None

    def string(self, depth: int = 1) -> str:
        """An expression that is a string."""
        base = self.field() or self.pick(self.names.strings)
        if depth <= 0 or self.chance(0.4):
            return base
        inner = self.string(depth - 1)
        return self.weighted(
            [
                (2, f"'{self.word()}'"),
                (1, f"{base}.upper()"),
                (1, f"{base}[:3]"),
                (1, f"{base}[-2:]"),
                (1, f"str({self.number(depth - 1)})"),
                (2, f"({base} + {inner})"),
                (1, f"({base} if {self.condition(depth - 1)} else {inner})"),
                (1, f"{base}.replace('e', '3')"),
                (1, f"', '.join({self.strings(depth - 1)})"),
                (1, f"{{'k': {inner}}}.get('k', 'none')"),
                (1, f"json([{inner}, {self.number(0)}])"),
                (1, f"({base} or 'empty')"),
                (1, f"{base}.split()[0]"),
                (1, f"max([{base}, {inner}])"),
                (0.5, f"type({base})"),
                (0.5, f"{base}.partition(' ')[2]"),
            ]
        )

    def number(self, depth: int = 1) -> str:
        """An expression that is a whole number."""
        base = self.pick(self.names.numbers)
        if depth <= 0 or self.chance(0.4):
            return base
        return self.weighted(
            [
                (2, f"({base} + 1)"),
                (1, f"({base} * 7 % 5)"),
                (1, f"len({self.string(depth - 1)})"),
                (1, f"min({base}, 3)"),
                (1, f"sum([{base}, 2])"),
                (1, f"{self.string(depth - 1)}.count('e')"),
                (1, f"len({self.strings(depth - 1)})"),
                (0.5, "(0 if n > 1 else 2)"),
            ]
        )

    def strings(self, depth: int = 1) -> str:
        """An expression that is a list of strings."""
        base = self.pick(self.names.lists)
        if depth <= 0 or self.chance(0.3):
            return base
        inner = self.string(depth - 1)
        options = [
            (2, f"[{inner}, {self.string(depth - 1)}]"),
            (1, f"{inner}.split()"),
            (1, f"sorted({base})"),
            (1, f"({base} + [{inner}])"),
            (1, f"[w + 'x' for w in {base} if w != {inner}]"),
            (1, f"[w.title() for k, w in enumerate({base}) if k < {self.number(0)}]"),
            (1, f"list({{w: 1 for w in {base}}}.keys())"),
            (1, f"unique({base})"),
            (1, f"reversed({base})"),
        ]
        for group, fields in self.names.records[-1:]:
            options.append((2, f"[b.{self.pick(fields)} for b in {group}]"))
        return self.weighted(options)

    def condition(self, depth: int = 1) -> str:
        """A condition."""
        s, m = self.string(max(0, depth - 1)), self.number(max(0, depth - 1))
        return self.weighted(
            [
                (2, f"{m} > 1"),
                (2, f"'e' in {s}"),
                (2, f"len({s}) > 12"),
                (1, f"{s} == 'yes'"),
                (1, f"not {s}"),
                (1, f"{s} < 'f' and {m} != 2"),
                (1, f"{s}.startswith('a') or {m} >= 2"),
                (0.5, f"{self.strings(0)}"),
                (0.5, f"0 < {m} <= 2"),
            ]
        )
