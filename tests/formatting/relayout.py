"""Scripts with the same tokens in another layout: blanks, line breaks, indentation, comments."""

from __future__ import annotations

import random

from sglc.formatting.lines import LogicalLine, Token, read_layout

MARK = "§"
"""Stands in comments that `relayout` writes, and nowhere else."""
_LOOK_AHEAD = frozenset({"ROLE", "_USE", "_SCHEMA", "_EXTERN", "_FRAGMENT", "_IMPORT"})
"""Terminals that look at the characters after them on their line."""


class Relayout:
    """One random layout; `text` is the script, `comments` are those in it, in order."""

    def __init__(self, source: str, rng: random.Random, *, comments: bool, breaks: bool) -> None:
        self.rng = rng
        self.with_comments = comments
        self.with_breaks = breaks
        self.comments: list[str] = []
        self.widths = [0]
        self.text = "".join(self._line(line) for line in read_layout(source).lines)
        self.text += self._own_lines()
        if rng.random() < 0.3:
            self.text = self.text.rstrip("\n")

    def _line(self, line: LogicalLine) -> str:
        out = self._own_lines() if self.with_comments or self.with_breaks else "\n" * line.blanks
        while len(self.widths) <= line.level:
            self.widths.append(self.widths[-1] + self.rng.randint(1, 5))
        del self.widths[line.level + 1 :]
        out += " " * self.widths[line.level]
        depth = 0
        before: Token | None = None
        for token in line.tokens:
            if before is not None:
                out += self._between(before, token, depth)
            depth += (token.text in ("(", "[", "{")) - (token.text in (")", "]", "}"))
            out += token.text
            before = token
        return f"{out}{self._trailing()}\n"

    def _own_lines(self) -> str:
        out = ""
        while self.with_breaks and self.rng.random() < 0.3:
            if self.with_comments and self.rng.random() < 0.5:
                out += " " * self.rng.randint(0, 9) + self._comment()
            out += " " * self.rng.choice([0, 0, 3]) + "\n"
        return out

    def _comment(self) -> str:
        text = self.rng.choice(["#", "# ", "#! ", "# 'é\" ", "#([{"])
        self.comments.append(f"{text}{MARK}{len(self.comments)}")
        return self.comments[-1]

    def _trailing(self) -> str:
        blanks = " " * self.rng.randint(0, 3)
        if self.with_comments and self.rng.random() < 0.2:
            return blanks + self._comment() + " " * self.rng.randint(0, 2)
        return blanks

    def _between(self, before: Token, token: Token, depth: int) -> str:
        touching = before.text in "()[]{}," or token.text in "()[]{},"
        out = " " * self.rng.choice([0, 1, 1, 1, 2] if touching else [1, 1, 1, 2])
        if not self.with_breaks or self.rng.random() > 0.15:
            return out
        if depth:
            out += self._trailing() + "\n" + self._own_lines()
            return out + " " * self.rng.randint(1, 12)
        if before.kind in _LOOK_AHEAD or not self.with_comments:
            return out
        return out + " \\\n" + " " * self.rng.randint(1, 5)
