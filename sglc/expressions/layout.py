"""Indentation: turns the newlines of a token stream into `_NL`, `_INDENT` and `_DEDENT`."""

from __future__ import annotations

from collections.abc import Iterator

from lark import Token
from lark.lark import PostLex

from sglc.expressions.problem import Problem
from sglc.ir.core import Loc

_OPEN = frozenset({"LPAR", "LSQB", "LBRACE"})
_CLOSE = frozenset({"RPAR", "RSQB", "RBRACE"})
MAX_BRACKETS = 200
"""
Brackets inside each other. Trees this deep are refused anyway, but only once they are built, which
for a text of nothing but brackets takes a parser half a minute.
"""


class Layout(PostLex):
    """
    Post-lexer for scripts. Holds no state between or during parses, so parsers can be shared.

    Unlike `lark.indenter.Indenter`, errors have a place and unmatched brackets are left to the
    parser instead of failing an assertion.
    """

    always_accept = ("_NL",)

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        """
        The stream with layout tokens; newlines inside brackets are dropped.

        Raises:
            Problem: an indentation without a level, or more than `MAX_BRACKETS` open brackets.
        """
        levels = [0]
        depth = 0
        last: Token | None = None
        for token in stream:
            last = token
            if token.type == "_NL":
                if depth == 0:
                    yield from _newline(token, levels)
                continue
            if token.type in _OPEN:
                depth += 1
                if depth > MAX_BRACKETS:
                    raise _too_deep(token)
            elif token.type in _CLOSE:
                depth = max(0, depth - 1)
            yield token
        while len(levels) > 1:
            levels.pop()
            assert last is not None
            yield Token.new_borrow_pos("_DEDENT", "", last)


def _too_deep(token: Token) -> Problem:
    line, column = token.line or 1, token.column or 1
    place = Loc(line, column, line, column + 1)
    return Problem("SGL0114", "brackets are too deeply nested", place, "one too many")


def _newline(token: Token, levels: list[int]) -> Iterator[Token]:
    yield token
    text = str(token)
    indent = text.rsplit("\n", 1)[1].split("#", 1)[0]
    width = len(indent)
    if width > levels[-1]:
        levels.append(width)
        yield _after("_INDENT", token, width)
        return
    while width < levels[-1]:
        levels.pop()
        yield _after("_DEDENT", token, width)
    if width != levels[-1]:
        line = (token.end_line or 0) or (token.line or 0) + text.count("\n")
        raise Problem(
            "SGL0104",
            "unindent matches no outer block",
            Loc(line, 1, line, width + 1),
            f"{width} spaces; the block around has {levels[-1]}, the one before more",
        )


def _after(kind: str, token: Token, width: int) -> Token:
    """A layout token at the first character of the line that follows a newline."""
    line = token.end_line or token.line
    return Token(kind, "", token.start_pos, line, width + 1, line, width + 1, token.end_pos)
