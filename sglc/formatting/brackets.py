"""The tokens of a logical line as a tree of brackets and the items between their commas."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from sglc.formatting.lines import Comment, Token

_OPEN = {"(": ")", "[": "]", "{": "}"}
_CONSTANTS = frozenset({"TRUE", "FALSE", "NONE"})

Role = Literal["call", "index", "group", "list", "dict"]


@dataclass(slots=True)
class Item:
    """What stands between commas."""

    parts: list[Part] = field(default_factory=list)
    after: list[Comment] = field(default_factory=list)
    """Comments between its last token and the comma, then those on the comma's line."""


@dataclass(slots=True)
class Bracket:
    """Brackets and what they hold."""

    role: Role
    open: Token
    items: list[Item]
    close: Token
    comma: bool
    """Whether a comma follows the last item."""
    opening: list[Comment] = field(default_factory=list)
    """Comments on the line of the opening bracket."""
    closing: list[Comment] = field(default_factory=list)
    """Comments on lines of their own before the closing one."""


Part = Token | Bracket


def is_value(part: Part | None) -> bool:
    """Whether a value can end with the part, so that an operator after it has two operands."""
    if part is None:
        return False
    if isinstance(part, Bracket):
        return True
    return part.kind in ("NAME", "NUMBER", "STRING") or part.kind in _CONSTANTS or part.text == "?"


def is_unary(token: Token, before: Part | None) -> bool:
    """Whether a `+`, `-`, `*` or `**` belongs to what follows it alone."""
    return token.text in ("+", "-", "*", "**") and not is_value(before)


def nest(tokens: list[Token]) -> list[Part]:
    """The tree of a line's tokens, whose brackets match."""
    return list(_Nesting(tokens).parts())


class _Nesting:
    def __init__(self, tokens: list[Token]) -> None:
        self.left = iter(tokens)

    def parts(self) -> Iterator[Part]:
        before: Part | None = None
        for token in self.left:
            before = self.bracket(token, before) if token.text in _OPEN else token
            yield before

    def bracket(self, token: Token, before: Part | None) -> Bracket:
        """The bracket that `token` opens; comments before `token` stay with it."""
        bracket = Bracket(_role(token, before), token, [], token, False)
        item = Item()
        comma = True  # as after a comma: an item begins
        for each in self.left:
            if each.text == _OPEN[token.text]:
                _close(bracket, item, each, after_comma=comma)
                return bracket
            if each.text == ",":
                item.after += each.comments
                bracket.items.append(item)
                item, comma = Item(), True
                continue
            if comma:
                each = _move_trailing(bracket, each)
            before = item.parts[-1] if item.parts else None
            item.parts.append(self.bracket(each, before) if each.text in _OPEN else each)
            comma = False
        raise AssertionError("a bracket is never closed")


def _role(token: Token, before: Part | None) -> Role:
    if token.text == "{":
        return "dict"
    # Words with a meaning of their own, such as `in`, are no values: `in (a)` is no call.
    called = is_value(before)
    if token.text == "(":
        return "call" if called else "group"
    return "index" if called else "list"


def _move_trailing(bracket: Bracket, token: Token) -> Token:
    """Give comments on the line of what is before `token` to that; the token without them."""
    trailing = [c for c in token.comments if not c.own_line]
    if not trailing:
        return token
    (bracket.items[-1].after if bracket.items else bracket.opening).extend(trailing)
    own = tuple(c for c in token.comments if c.own_line)
    return Token(token.kind, token.text, own, token.newline)


def _close(bracket: Bracket, item: Item, close: Token, *, after_comma: bool) -> None:
    bracket.close = close
    bracket.comma = bool(bracket.items) and not item.parts
    if item.parts:
        bracket.items.append(item)
        trailing = [c for c in close.comments if not c.own_line]
        item.after += trailing
    else:
        bracket.close = _move_trailing(bracket, close)
    bracket.closing = [c for c in close.comments if c.own_line]
