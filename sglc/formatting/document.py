"""
Documents: text with the places where lines may break, and the renderer that chooses.

The algebra is Wadler's ("A prettier printer", in The Fun of Programming, 2003) in the strict form
that Prettier made of it: a group is printed on one line if it fits, else every break that is its
own is taken. Comments at line ends are `Suffix`es, which wait for the next line break.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sglc.diagnostics.source import display_width

INDENT = 4


@dataclass(frozen=True, slots=True)
class Text:
    """Characters as they are; a string of several lines contains newlines."""

    text: str


@dataclass(frozen=True, slots=True)
class Break:
    """A line break where the group is broken, else `flat`."""

    flat: str = " "
    hard: bool = False
    """Broken always, and so is every group around."""


@dataclass(frozen=True, slots=True)
class IfBroken:
    """Text that stands only in a broken group: the comma after the last item."""

    text: str


@dataclass(frozen=True, slots=True)
class Suffix:
    """Text that goes to the end of the line that is being printed: a comment."""

    text: str


@dataclass(frozen=True, slots=True)
class Concat:
    """Documents one after the other."""

    parts: tuple[Doc, ...]
    hard: bool = field(default=False)
    """Contains a break that is always taken."""


@dataclass(frozen=True, slots=True)
class Indent:
    """Lines that begin inside are indented one level more."""

    body: Doc


@dataclass(frozen=True, slots=True)
class Group:
    """A document that is flat if it fits."""

    body: Doc
    broken: bool = False


Doc = Text | Break | IfBroken | Suffix | Concat | Indent | Group
LINE, SOFT, HARD = Break(), Break(""), Break(hard=True)


def concat(parts: Iterable[Doc]) -> Concat:
    """The documents one after the other."""
    found = tuple(parts)
    return Concat(found, any(is_hard(part) for part in found))


def group(parts: Iterable[Doc], *, broken: bool = False) -> Group:
    """A group of the documents; `broken` breaks it even if it fits."""
    body = concat(parts)
    return Group(body, broken or body.hard)


def is_hard(doc: Doc) -> bool:
    """Whether the document contains a break that is always taken."""
    match doc:
        case Break() | Concat():
            return doc.hard
        case Group():
            return doc.broken
        case Indent():
            return is_hard(doc.body)
        case Suffix():
            return True  # what follows a comment stands on another line
    return False


@dataclass(slots=True)
class _Command:
    doc: Doc
    level: int
    flat: bool


class _Renderer:
    def __init__(self, width: int, level: int) -> None:
        self.width = width
        self.out: list[str] = []
        self.column = level * INDENT
        self.suffix = ""
        self.todo: list[_Command] = []

    def run(self, doc: Doc, level: int) -> str:
        self.todo.append(_Command(doc, level, False))
        while self.todo:
            self._step(self.todo.pop())
        return "".join(self.out) + self.suffix

    def _step(self, command: _Command) -> None:
        doc, level, flat = command.doc, command.level, command.flat
        match doc:
            case Text():
                self._text(doc.text)
            case IfBroken():
                if not flat:
                    self._text(doc.text)
            case Suffix():
                self.suffix += doc.text
            case Break():
                if flat and not doc.hard:
                    self._text(doc.flat)
                else:
                    self._newline(level)
            case Indent():
                self.todo.append(_Command(doc.body, level + 1, flat))
            case Concat():
                self.todo += [_Command(part, level, flat) for part in reversed(doc.parts)]
            case Group():
                inner = _Command(doc.body, level, True)
                fits = not doc.broken and (flat or self._fits(inner))
                self.todo.append(_Command(doc.body, level, fits))

    def _text(self, text: str) -> None:
        self.out.append(text)
        last = text.rpartition("\n")[2]
        self.column = (self.column if last is text else 0) + display_width(last)

    def _newline(self, level: int) -> None:
        self.out.append(f"{self.suffix}\n{' ' * (level * INDENT)}")
        self.suffix = ""
        self.column = level * INDENT

    def _fits(self, first: _Command) -> bool:
        """Whether the line ends in time with `first` flat and what follows as it is."""
        left = self.width - self.column
        rest = len(self.todo)
        todo = [first]
        while left >= 0:
            if not todo:
                if not rest:
                    return True
                rest -= 1
                todo.append(self.todo[rest])
            command = todo.pop()
            doc = command.doc
            match doc:
                case Text():
                    before, newline, _ = doc.text.partition("\n")
                    left -= display_width(before)
                    if newline:
                        return left >= 0
                case IfBroken():
                    left -= 0 if command.flat else display_width(doc.text)
                case Break():
                    if not command.flat or doc.hard:
                        return True
                    left -= len(doc.flat)
                case Indent():
                    todo.append(_Command(doc.body, command.level, command.flat))
                case Concat():
                    todo += [_Command(p, command.level, command.flat) for p in reversed(doc.parts)]
                case Group():
                    todo.append(_Command(doc.body, command.level, command.flat and not doc.broken))
        return False


def render(doc: Doc, *, width: int, level: int) -> str:
    """The text of a document whose first line begins at an indentation level, without it."""
    return _Renderer(width, level).run(doc, level)
