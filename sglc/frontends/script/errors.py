"""What the parser could not read, in words."""

from __future__ import annotations

import re

from lark import Token, UnexpectedToken

from sglc.diagnostics.suggest import closest
from sglc.expressions.grammar import accepted, token_loc
from sglc.expressions.problem import Problem
from sglc.expressions.words import (
    OPERATORS,
    ROLES,
    STATEMENTS,
    TOP_LEVEL,
    expected_names,
    token_name,
)
from sglc.ir.core import Loc

_FIRST_WORD = re.compile(r"([ \t]*)([^\W\d]\w*)")
_NEEDS_IF = {"else": "if", "elif": "if", "except": "try", "finally": "try"}


def unexpected_token(error: UnexpectedToken, lines: list[str]) -> Problem:
    """The problem behind a parser error; `lines` are the file's, from index 0."""
    token, expected = error.token, accepted(error)
    loc = _place(token, lines)
    line = lines[loc.line - 1] if loc.line <= len(lines) else ""
    if token.type == "_INDENT":
        return Problem(
            "SGL0105",
            "unexpected indentation",
            Loc(loc.line, 1, loc.line, max(2, loc.column)),
            "deeper than the line before, which opens no block",
        )
    if "_INDENT" in expected and "COLON" not in expected:
        return _missing_block(token, loc, lines)
    return (
        _unknown_definition(token, loc)
        or _lonely_word(expected, loc, line)
        or _unknown_word(token, expected, loc, line)
        or _general(token, expected, loc, line)
    )


def _place(token: Token, lines: list[str]) -> Loc:
    """Where the token is; ends of lines and files are shown after the last character before."""
    line = token.line or len(lines)
    blank = line > len(lines) or not _code(lines[line - 1])
    if token.type == "$END" or (token.type == "_DEDENT" and blank):
        last = _code_line(lines, min(line, len(lines)))
        column = len(lines[last - 1].rstrip()) + 1
        return Loc(last, column, last, column + 1)
    loc = token_loc(token)
    if token.type == "_NL":
        return Loc(loc.line, loc.column, loc.line, loc.column + 1)
    if "\n" in token:
        return Loc(loc.line, loc.column, loc.line, loc.column + 3)
    if loc.end_column <= loc.column:
        return Loc(loc.line, loc.column, loc.line, loc.column + 1)
    return loc


def _code_line(lines: list[str], last: int) -> int:
    """The last line up to `last` that holds more than a comment."""
    return next((i for i in range(last, 0, -1) if _code(lines[i - 1])), 1)


def _missing_block(token: Token, loc: Loc, lines: list[str]) -> Problem:
    ends = token.type in ("$END", "_DEDENT", "_NL")
    header = _code_line(lines, loc.line if ends else loc.line - 1)
    opener = _FIRST_WORD.match(lines[header - 1])
    after = f" after `{opener.group(2)}`" if opener else ""
    return Problem(
        "SGL0105",
        f"expected an indented block{after}",
        loc,
        "not indented",
        helps=("a block that does nothing is written `pass`",),
    )


def _code(line: str) -> str:
    return line.split("#", 1)[0].strip()


def _unknown_definition(token: Token, loc: Loc) -> Problem | None:
    found = closest(str(token), TOP_LEVEL) if token.type == "NAME" and loc.column == 1 else None
    if found is None:
        return None
    message = f"unknown definition `{token}`"
    return Problem("SGL0110", message, loc, "not known", helps=(f"did you mean `{found}`?",))


def _unknown_word(token: Token, expected: set[str], loc: Loc, line: str) -> Problem | None:
    """A line that begins with a word which begins nothing: a role or keyword with a typo."""
    first = _FIRST_WORD.match(line)
    if first is None or not first.end() < loc.column or token.type in ("_NL", "$END", "EQUAL"):
        return None
    if "EQUAL" not in expected:  # not a statement
        return None
    if line[first.end() : loc.column - 1].strip():
        return None
    word, indent = first.group(2), len(first.group(1))
    place = Loc(loc.line, indent + 1, loc.line, indent + 1 + len(word))
    if word in ROLES:
        return Problem(
            "SGL0110",
            f"expected a string or `:` after `{word}`",
            loc,
            "not a string",
            helps=(f'to append a value, write {word} "${{...}}"',),
        )
    if word in (*STATEMENTS, *OPERATORS, *TOP_LEVEL):
        return None
    found = closest(word, (*ROLES, *STATEMENTS))
    if token.type not in ("STRING", "NAME", "COLON", "NUMBER", "ROLE") and not found:
        return None
    helps: tuple[str, ...] = (f"did you mean `{found}`?",) if found else ()
    what = "statement"
    if token.type in ("STRING", "COLON") and found not in STATEMENTS:
        what = "role"
        helps = helps or ("the roles are " + ", ".join(f"`{role}`" for role in ROLES),)
    return Problem("SGL0110", f"unknown {what} `{word}`", place, "not known", helps=helps)


def _lonely_word(expected: set[str], loc: Loc, line: str) -> Problem | None:
    """`else` and the like, which are names to the parser where they cannot stand."""
    first = _FIRST_WORD.match(line)
    if first is None or first.end() > loc.column or first.group(2) not in _NEEDS_IF:
        return None
    # Further on, or where no statement can be, the word was understood.
    if line[first.end() : loc.column - 1].strip() or not {"EQUAL", "NAME"} & expected:
        return None
    if first.end() < loc.column and "EQUAL" not in expected:
        return None
    word, indent = first.group(2), len(first.group(1))
    partner = _NEEDS_IF[word]
    place = Loc(loc.line, indent + 1, loc.line, indent + 1 + len(word))
    return Problem(
        "SGL0101", f"`{word}` without `{partner}`", place, f"no `{partner}` above at this level"
    )


def _general(token: Token, expected: set[str], loc: Loc, line: str) -> Problem:
    found = token_name(token.type) if token.type in _NAMELESS else f"`{_shown(token)}`"
    names = expected_names(expected)
    helps: tuple[str, ...] = ()
    if token.type == "EQUAL" and "COLON" in expected:
        helps = ("to compare, write `==`",)
    if loc.column == 1 and token.type not in _NAMELESS:
        return Problem(
            "SGL0101",
            f"expected a definition, found {found}",
            loc,
            "outside any function",
            helps=("statements belong into a `def` or `fragment`, indented",),
        )
    if "COLON" in expected and token.type in ("_NL", "$END"):
        wanted = "`:`"
    elif len(names) == 2:
        wanted = " or ".join(names)
    else:
        wanted = names[0] if names else "end of line"
    notes = (f"expected one of {', '.join(names)}",) if 2 < len(names) <= 6 else ()
    message = f"expected {wanted}, found {found}"
    return Problem("SGL0101", message, loc, f"unexpected {found}", notes=notes, helps=helps)


_NAMELESS = frozenset({"_NL", "_INDENT", "_DEDENT", "$END"})


def _shown(token: Token) -> str:
    text = str(token).split("\n", 1)[0]
    return text if len(text) <= 30 else text[:27] + "..."
