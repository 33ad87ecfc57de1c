"""
Every mistake of a definition that cannot be parsed whole.

Each logical line is parsed on its own first; then the indentation is looked at, and last which
clauses belong together. Nothing that a damaged line may explain is a mistake of its own: neither
its indentation and that of its neighbours, nor a clause whose partner it may be. At most one
problem of indentation is reported, since after it no block is what it seems.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sglc.expressions.problem import Problem
from sglc.expressions.words import ROLES, STATEMENTS, TOP_LEVEL
from sglc.frontends.script.lines import Line, logical_lines
from sglc.frontends.script.scan import Chunk
from sglc.ir.core import Loc

Parse = Callable[[str, int], object]
"""Parses text whose first line follows that many lines of the file; raises its Problem."""

_CLAUSES = {
    "if": ("elif", "else"),
    "for": ("else",),
    "while": ("else",),
    "try": ("except", "else", "finally"),
}
_LEADS = {
    "elif": ("if true:", "    pass"),
    "else": ("if true:", "    pass"),
    "except": ("try:", "    pass"),
    "finally": ("try:", "    pass"),
}
"""What a clause is parsed after, on its own."""
_FIELD = re.compile(
    rf"[ \t]*(?!(?:{'|'.join((*TOP_LEVEL, *STATEMENTS, *ROLES))})\b)[^\W\d]\w*\b[ \t]*(?:[:\w]|$)"
)
_BRACKETS = re.compile(r"[\s()\[\]{},:]*")
_CALLABLE = re.compile(r"\w+[ \t]+\w+[ \t]*\(")
_COMMENT = re.compile(r"(?<!\S)#.*")


@dataclass(slots=True)
class _Block:
    """Lines of one indentation, each with the block below it."""

    width: int
    unsure: bool = False
    """Whether it was opened by a damaged line, whose indentation may be wrong."""
    lines: list[tuple[Line, _Block | None]] = field(default_factory=list)


def find_problems(
    text: str, chunk: Chunk, parse: Parse, first: Problem | None, *, torn: bool = False
) -> list[Problem]:
    """
    The mistakes of a chunk, in order.

    Args:
        text: the chunk's text.
        chunk: where it is, and what is known to be wrong below its grammar.
        parse: parses definitions.
        first: what the parser said about the whole chunk, where it was asked.
        torn: a line that is no definition follows, which may have been a part of this one.
    """
    if chunk.unclosed_text:
        return chunk.problems[-1:]
    recovery = _Recovery(text, chunk, parse, torn)
    found = recovery.run() if recovery.lines else []
    known = [*chunk.problems, *([first] if first is not None else [])]
    if not found:
        return [] if torn and recovery.lines else known[:1]
    if len(found) == 1 and found[0].code == known[0].code:
        # The message about the whole knows what surrounds the mistake.
        return known[:1]
    return found


class _Recovery:
    def __init__(self, text: str, chunk: Chunk, parse: Parse, torn: bool) -> None:
        self.parse = parse
        self.before = chunk.first_line - 1
        self.torn = torn
        tabs = [p for p in chunk.problems if p.code == "SGL0103"]
        self.layout: Problem | None = tabs[0] if tabs else None
        self.lines = logical_lines(text, brackets_match=len(tabs) == len(chunk.problems))
        self.problems: list[Problem] = []
        self.loose = is_stray(text)
        """A part of something else: nothing can be said about what surrounds its lines."""

    def run(self) -> list[Problem]:
        head = self.lines[0]
        self.lines = list(self._whole_statements(head))
        block = self._nest()
        if self.layout is None and head.word in ("def", "fragment"):
            self._structure(block, last=True)
        found = [line.problem for line in self.lines if line.problem is not None]
        if self.layout is not None:
            found.append(self.layout)
        return sorted(found + self.problems, key=lambda p: (p.loc.line, p.loc.column))

    # ---- lines -----------------------------------------------------------------------------------

    def _whole_statements(self, head: Line) -> Iterator[Line]:
        """The lines, without those that were meant to be inside brackets of a damaged one."""
        skip = 0
        unclosed = False
        for number, line in enumerate(self.lines):
            if number < skip or (number > 0 and line.indent == 0):
                continue
            self._read(line, head)
            if unclosed and line.problem is not None and _BRACKETS.fullmatch(line.text[0]):
                continue
            yield line
            unclosed = line.problem is not None and line.problem.code == "SGL0106"
            if line is not head and head.word in ("import", "use", "extern"):
                return  # nothing belongs below these
            if self._ends_reading(line, head):
                return
            if line.problem is not None:
                skip = self._closing_line(number)

    def _ends_reading(self, line: Line, head: Line) -> bool:
        """Whether nothing can be said about the lines after this one."""
        if line is head:
            return self.loose and not _CALLABLE.match(head.text[0])
        doc = line is self.lines[1] and line.problem is None
        return head.word == "schema" and not doc and not _FIELD.match(line.text[0])

    def _closing_line(self, number: int) -> int:
        """The line after the closing bracket that belongs to a damaged line, if there is one."""
        damaged = self.lines[number]
        item = damaged.text[-1].rstrip().endswith(",")
        for later in range(number + 1, len(self.lines)):
            line = self.lines[later]
            outer = line.indent < damaged.indent and item
            if line.closes and (line.indent == damaged.indent or outer or later == number + 1):
                return later + 1
            if item and line.indent == damaged.indent:
                continue  # an item of the same list
            if line.indent <= damaged.indent and line.problem is None:
                break
        return number + 1

    def _read(self, line: Line, head: Line) -> None:
        """Find out what is wrong with a line itself."""
        if line.problem is not None:
            moved(line.problem, self.before)
            return
        pad = line.margin
        filler = [f"{pad}    pass"] if _opens(line) else []
        prefix = ["def _():"]
        if line is head:
            prefix = []
            if line.word == "schema":
                filler = ["    _: str"]
        elif head.word == "schema":
            prefix = ["schema _:"]
            doc = line is self.lines[1] and line.text[0].lstrip().startswith(('"', "'", "r"))
            filler = [f"{pad}_: str"] if doc else []
        elif line.word in _LEADS:
            prefix += [pad + lead for lead in _LEADS[line.word]]
        elif line.word == "try" and filler:
            filler += [f"{pad}finally:", f"{pad}    pass"]
        problem = self._wrong([*prefix, *line.text, *filler], line.first - len(prefix))
        if problem is not None and self.before + line.first + len(line.text) < problem.loc.line:
            problem.loc = _line_end(line, self.before)
        tab = self.layout is not None and self.layout.loc.line == self.before + line.first + 1
        line.problem = None if tab else problem

    def _wrong(self, lines: list[str], first: int) -> Problem | None:
        try:
            self.parse("\n".join(lines) + "\n", self.before + first)
        except Problem as problem:
            return problem
        return None

    # ---- indentation -----------------------------------------------------------------------------

    def _nest(self) -> _Block:
        """The lines as blocks; where a line fits no block, the likely one is taken."""
        stack = [_Block(self.lines[0].indent)]
        previous: Line | None = None
        for number, line in enumerate(self.lines):
            if previous is not None and (
                line.problem is None
                or (_fits(line, previous, stack) and self._plausible(line, number))
            ):
                self._place(line, previous, stack)
            stack[-1].lines.append((line, None))
            previous = line
        assert previous is not None
        if _opens(previous) and previous.problem is None and not self.torn:
            self._misplaced(_missing_block(previous, _line_end(previous, self.before)))
        return stack[0]

    def _plausible(self, damaged: Line, number: int) -> bool:
        """Whether the line after a damaged one says that its indentation is as it was meant."""
        if number + 1 == len(self.lines):
            return True
        step = self.lines[1].indent or 4
        after = self.lines[number + 1].indent
        return after <= damaged.indent or (_opens(damaged) and after == damaged.indent + step)

    def _place(self, line: Line, previous: Line, stack: list[_Block]) -> None:
        """Open and close blocks for a line, so that it belongs to the last one."""
        width = line.indent
        after_damaged = previous.problem is not None
        if width > stack[-1].width:
            if not _opens(previous) and not after_damaged:
                self._misplaced(_unexpected(line, self.before))
            block = _Block(width, after_damaged or line.problem is not None)
            last, _ = stack[-1].lines[-1]
            stack[-1].lines[-1] = last, block
            stack.append(block)
            return
        if _opens(previous) and not after_damaged and line.problem is None:
            place = _line_start(line, self.before)
            self._misplaced(_missing_block(previous, place))
        while len(stack) > 1 and width < stack[-1].width:
            outer = stack[-2].width
            if width > outer:
                if stack[-1].unsure:
                    stack[-1].width = width
                elif not after_damaged:
                    self._misplaced(_no_level(line, outer, self.before))
                return
            stack.pop()

    def _misplaced(self, problem: Problem) -> None:
        if self.layout is None and not self.loose:
            self.layout = problem

    # ---- clauses ---------------------------------------------------------------------------------

    def _structure(self, block: _Block, *, last: bool) -> None:
        """
        Clauses without a statement, and statements without a clause they need.

        `last` tells whether the block ends where the chunk does.
        """
        groups = list(_groups(block))
        for number, group in enumerate(groups):
            ends = last and number == len(groups) - 1
            nodes = [line for line, _ in group]
            unsure = block.unsure or any(_damaged(*node) for node in group)
            if not unsure and not (ends and self.torn):
                prefix = ["def _():"] if block.width else []
                lines = [*prefix, *_skeleton(nodes)]
                problem = self._wrong(lines, nodes[0].first - len(prefix))
                if problem is not None and not (self.problems and nodes[0].word in _LEADS):
                    if not any(_holds(node, problem.loc.line - self.before) for node in nodes):
                        problem.loc = _line_end(_last(group[-1]), self.before)
                    self.problems.append(problem)
            for place, (_, inner) in enumerate(group):
                if inner is not None:
                    self._structure(inner, last=ends and place == len(group) - 1)


def _fits(line: Line, previous: Line, stack: list[_Block]) -> bool:
    """Whether a damaged line's indentation makes sense; else it goes with the line before."""
    if line.indent > stack[-1].width:
        return _opens(previous)
    return any(line.indent == block.width for block in stack)


def _groups(block: _Block) -> Iterator[list[tuple[Line, _Block | None]]]:
    """Statements with their clauses; what may be a clause of a damaged line goes with it."""
    group: list[tuple[Line, _Block | None]] = []
    for node in block.lines:
        line = node[0]
        clause = line.word in _LEADS
        if group:
            first = group[0][0].word
            allowed = tuple(_LEADS) if first in _LEADS else _CLAUSES.get(first, ())
            lenient = any(_damaged(*other) for other in group)
            if line.problem is None and not (clause and (lenient or line.word in allowed)):
                yield group
                group = []
        group.append(node)
    if group:
        yield group


def _damaged(line: Line, block: _Block | None) -> bool:
    if line.problem is not None:
        return True
    return block is not None and any(_damaged(*node) for node in block.lines)


def _holds(line: Line, number: int) -> bool:
    return line.first < number <= line.first + len(line.text)


def _last(node: tuple[Line, _Block | None]) -> Line:
    """The last line of a statement."""
    line, block = node
    return line if block is None or not block.lines else _last(block.lines[-1])


def _skeleton(nodes: list[Line]) -> list[str]:
    """The headers of a statement and its clauses, each with an empty block."""
    lines: list[str] = []
    for node in nodes:
        lines += [""] * (node.first - nodes[0].first - len(lines))
        lines += node.text
        if _opens(node):
            lines.append(" " * (node.indent + 4) + ("_: str" if node.word == "schema" else "pass"))
    return lines


def _opens(line: Line) -> bool:
    """Whether an indented block should follow."""
    return _COMMENT.sub("", line.text[-1]).rstrip().endswith(":")


def _line_start(line: Line, before: int) -> Loc:
    width = len(line.text[0]) - len(line.text[0].lstrip(" \t"))
    number = before + line.first + 1
    return Loc(number, width + 1, number, width + 2)


def _line_end(line: Line, before: int) -> Loc:
    number, column = before + line.first + len(line.text), len(line.text[-1].rstrip()) + 1
    return Loc(number, column, number, column + 1)


def _missing_block(opener: Line, place: Loc) -> Problem:
    after = f" after `{opener.word}`" if opener.word else ""
    return Problem(
        "SGL0105",
        f"expected an indented block{after}",
        place,
        "not indented",
        helps=("a block that does nothing is written `pass`",),
    )


def _unexpected(line: Line, before: int) -> Problem:
    start = _line_start(line, before)
    return Problem(
        "SGL0105",
        "unexpected indentation",
        Loc(start.line, 1, start.line, max(2, start.column)),
        "deeper than the line before, which opens no block",
    )


def _no_level(line: Line, outer: int, before: int) -> Problem:
    number = before + line.first + 1
    return Problem(
        "SGL0104",
        "unindent matches no outer block",
        Loc(number, 1, number, line.indent + 1),
        f"{line.indent} spaces; the block around has {outer}, the one before more",
    )


def moved(problem: Problem, lines: int) -> Problem:
    """The problem, that many lines further down, with its marks."""
    problem.loc = _down(problem.loc, lines)
    problem.marks = tuple(type(mark)(_down(mark.loc, lines), mark.text) for mark in problem.marks)
    return problem


def _down(loc: Loc, lines: int) -> Loc:
    return Loc(loc.line + lines, loc.column, loc.end_line + lines, loc.end_column)


def is_stray(text: str) -> bool:
    """Whether a chunk starts with something that is no definition."""
    word = re.match(r"\w*", text)
    return word is None or word.group() not in TOP_LEVEL
