"""A script as logical lines: tokens as the parser saw them, and the comments between them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lark import Token as LarkToken
from lark import Tree

from sglc.expressions.grammar import parser
from sglc.frontends.script.ast import Item
from sglc.frontends.script.build import ScriptBuilder
from sglc.frontends.script.scan import Chunk, scan

_GAP = re.compile(r"(?P<continued>\\[\t ]*\n)|(?P<newline>\n)|(?P<comment>#[^\n]*)|[^\n#\\]+|\\")


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment, from its `#`, without blanks at its end."""

    text: str
    column: int
    """Characters before it on its line."""
    own_line: bool
    blanks: int = 0
    """Empty lines before it, where it is on a line of its own."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token that is not layout."""

    kind: str
    """Its terminal in the grammar."""
    text: str
    comments: tuple[Comment, ...] = ()
    """Those between the token before, if that is on the same logical line, and this one."""
    newline: bool = False
    """Whether a line ends between the token before and this one."""


@dataclass(slots=True)
class LogicalLine:
    """What one statement, or the header of one, is written on."""

    level: int
    width: int
    """Characters of its indentation as it was."""
    leading: list[Comment] = field(default_factory=list)
    blanks: int = 0
    """Empty lines right before it."""
    tokens: list[Token] = field(default_factory=list)
    trailing: Comment | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """A whole file."""

    lines: tuple[LogicalLine, ...]
    end: tuple[Comment, ...]
    """Comments after the last line."""
    items: tuple[Item, ...]
    """The syntax tree of the same parse."""


def read_layout(text: str) -> Layout:
    """
    The logical lines of a script that parses; `text` has `\\n` as its only line end.

    Raises:
        lark.UnexpectedInput, Problem: it does not parse.
    """
    lines: list[LogicalLine] = []
    items: list[Item] = []
    gap = 0
    for chunk in scan(text):
        for tokens, level in _logical(text, chunk, items):
            first, last = tokens[0], tokens[-1]
            line = LogicalLine(level, _column(text, _start(first, chunk)))
            found = list(_gap(text, gap, _start(first, chunk)))
            _attach(lines, found)
            line.leading = [each for each in found if isinstance(each, Comment) and each.own_line]
            line.blanks = next((each for each in found if isinstance(each, int)), 0)
            line.tokens = list(_tokens(text, tokens, chunk))
            lines.append(line)
            gap = _end(last, chunk)
    found = list(_gap(text, gap, len(text)))
    _attach(lines, found)
    end = tuple(each for each in found if isinstance(each, Comment) and each.own_line)
    return Layout(tuple(lines), end, tuple(items))


def _attach(lines: list[LogicalLine], found: list[Comment | int]) -> None:
    """Give the comment at the end of a line to that line."""
    if lines and found and isinstance(found[0], Comment) and not found[0].own_line:
        lines[-1].trailing = found[0]


def _logical(text: str, chunk: Chunk, items: list[Item]) -> Iterator[tuple[list[LarkToken], int]]:
    """The tokens of each logical line, and its level; at the end `items` has what they define."""
    source = text[chunk.start : chunk.end].rstrip() + "\n"
    level = 0
    tokens: list[LarkToken] = []
    parse = parser().parse_interactive(source, start="script")
    token: LarkToken | None = None
    for token in parse.iter_parse():
        if token.type == "_INDENT":
            level += 1
        elif token.type == "_DEDENT":
            level -= 1
        elif token.type != "_NL":
            tokens.append(token)
        elif tokens:
            yield tokens, level
            tokens = []
    assert not tokens, "a line without an end"
    tree: Tree[LarkToken] = parse.feed_eof(token)  # type: ignore[no-untyped-call]
    items += ScriptBuilder(lines=chunk.first_line - 1).items(tree)


def _tokens(text: str, tokens: list[LarkToken], chunk: Chunk) -> Iterator[Token]:
    before: int | None = None
    for token in tokens:
        start = _start(token, chunk)
        comments: tuple[Comment, ...] = ()
        newline = False
        if before is not None:
            newline = "\n" in text[before:start]
            comments = tuple(c for c in _gap(text, before, start) if isinstance(c, Comment))
        yield Token(token.type, str(token), comments, newline)
        before = _end(token, chunk)


def _start(token: LarkToken, chunk: Chunk) -> int:
    assert token.start_pos is not None
    return chunk.start + token.start_pos


def _end(token: LarkToken, chunk: Chunk) -> int:
    assert token.end_pos is not None
    return chunk.start + token.end_pos


def _column(text: str, index: int) -> int:
    return index - text.rfind("\n", 0, index) - 1


def _gap(text: str, start: int, end: int) -> Iterator[Comment | int]:
    """Comments of a stretch without tokens, and last the number of empty lines at its end."""
    newlines = 0
    own = start == 0
    first = own
    for match in _GAP.finditer(text, start, end):
        if match["newline"]:
            newlines += 1
            own = True
        elif match["comment"]:
            blanks = max(0, newlines - (0 if first else 1))
            column = _column(text, match.start())
            yield Comment(match["comment"].rstrip(), column, own, blanks if own else 0)
            newlines = 0
            first = False
    yield max(0, newlines - (0 if first else 1))
