"""
EBNF (`root ::= "a" | [0-9]+`) to llguidance's Lark dialect.

Whatever does not refer to itself becomes one terminal, which llguidance matches as a regular
expression: exactly. Only what is truly recursive is split into terminals, and there each of them
takes as much as it can, as in Lark.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from sglc_grammar import read
from sglc_grammar.constraints.errors import GrammarError
from sglc_grammar.constraints.regexes import LARGEST

if TYPE_CHECKING:
    from lark import Lark, Token, Tree

LONGEST = 200_000
"""Characters of a grammar."""
_SIMPLE = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v", "0": "\0"}
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[\s\S])")


@lru_cache(maxsize=1)
def _parser() -> Lark:
    from lark import Lark

    return Lark(read("ebnf.lark"), parser="lalr", propagate_positions=True)


@dataclass(slots=True)
class _Rules:
    """The rules of a grammar, by name, and what has been written of them."""

    trees: dict[str, Tree[Token]]
    recursive: frozenset[str] = frozenset()
    lines: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)

    def written(self, name: str) -> str:
        """The name that a rule has in Lark."""
        number = list(self.trees).index(name)
        return f"rule_{number}" if name in self.recursive else f"RULE_{number}"


def to_lark(source: str) -> str:
    """The grammar in Lark. Raises GrammarError with line and column."""
    if len(source) > LONGEST:
        message = f"has {len(source)} characters; {LONGEST} are allowed"
        raise GrammarError(message, too_large=True)
    rules = _Rules(_parse(source))
    uses = {name: {str(at) for at in _names(tree)} for name, tree in rules.trees.items()}
    if "root" not in rules.trees:
        raise GrammarError("has no rule `root`")
    for tree in rules.trees.values():
        for at in _names(tree):
            if str(at) not in rules.trees:
                raise GrammarError(
                    f"has no rule `{at}`, used at line {at.line}, column {at.column}"
                )
    rules.recursive = frozenset(name for name in uses if _reaches(uses, name, name))
    below = {name: _closure(uses, name) for name in uses}
    rules.recursive |= {name for name in uses if below[name] & rules.recursive}
    used = {"root"} | below["root"]
    lines = [f"start: {rules.written('root')}"]
    for name in rules.trees:
        if name in used:
            body = _alternatives(rules.trees[name], rules, name in rules.recursive)
            lines.append(f"{rules.written(name)}: {body}")
    return "\n".join(lines) + "\n"


def _parse(source: str) -> dict[str, Tree[Token]]:
    from lark.exceptions import UnexpectedInput

    try:
        parsed = _parser().parse(source)
    except UnexpectedInput as error:
        ended = getattr(getattr(error, "token", None), "type", "") == "$END"
        if ended or error.line is None or error.line < 0:
            raise GrammarError("ends too early: a rule is `name ::= ...`") from None
        shown = source.splitlines()[error.line - 1][error.column - 1 :][:20]
        what = json.dumps(shown, ensure_ascii=False) if shown else "the end of the line"
        place = f"line {error.line}, column {error.column}"
        raise GrammarError(f"cannot be read at {place}: unexpected {what}") from None
    except RecursionError:
        raise GrammarError("is too deeply nested", too_large=True) from None
    trees: dict[str, Tree[Token]] = {}
    for rule in parsed.children:
        defined, body = rule.children  # type: ignore[union-attr]
        name = str(defined).removesuffix("::=").rstrip()
        if name in trees:
            line = defined.line  # type: ignore[union-attr]
            raise GrammarError(f"defines `{name}` a second time at line {line}")
        trees[name] = body  # type: ignore[assignment]
    return trees


def _names(tree: Tree[Token]) -> Iterator[Token]:
    for found in tree.find_data("name"):
        yield found.children[0]  # type: ignore[misc]


def _closure(uses: dict[str, set[str]], name: str) -> set[str]:
    """Every rule that `name` leads to."""
    found: set[str] = set()
    todo = [name]
    while todo:
        new = uses[todo.pop()] - found
        found |= new
        todo += new
    return found


def _reaches(uses: dict[str, set[str]], name: str, goal: str) -> bool:
    return goal in _closure(uses, name)


def _alternatives(tree: Tree[Token], rules: _Rules, recursive: bool) -> str:
    arms = [_sequence(arm, rules, recursive) for arm in tree.children]  # type: ignore[arg-type]
    return " | ".join(arms)


def _sequence(tree: Tree[Token], rules: _Rules, recursive: bool) -> str:
    return " ".join(_item(item, rules, recursive) for item in tree.children) or '""'  # type: ignore[arg-type]


def _item(tree: Tree[Token], rules: _Rules, recursive: bool) -> str:
    atom, repeat = tree.children
    text = _atom(atom, rules, recursive)  # type: ignore[arg-type]
    return text if repeat is None else text + _repeat(repeat)  # type: ignore[arg-type]


def _repeat(token: Token) -> str:
    text = re.sub(r"\s", "", token)
    counts = [int(count) for count in re.findall(r"[0-9]+", text)]
    place = f"at line {token.line}, column {token.column}"
    if any(count > LARGEST for count in counts):
        message = f"repeats {max(counts)} times {place}; {LARGEST} are allowed"
        raise GrammarError(message, too_large=True)
    if len(counts) == 2 and counts[1] < counts[0]:
        raise GrammarError(f"repeats at least {counts[0]} and at most {counts[1]} times {place}")
    return text


def _atom(tree: Tree[Token], rules: _Rules, recursive: bool) -> str:
    if tree.data == "group":
        return f"({_alternatives(tree.children[0], rules, recursive)})"  # type: ignore[arg-type]
    token: Token = tree.children[0]  # type: ignore[assignment]
    if tree.data == "name":
        return rules.written(str(token))
    if tree.data == "any":
        return "/(?s:.)/"
    if tree.data == "string":
        return json.dumps(_unescaped(token[1:-1], token))
    return _class(token)


def _class(token: Token) -> str:
    """A character class as a regular expression, every character in it escaped by its number."""
    negated = token.startswith("[^")
    body = token[2 if negated else 1 : -1]
    parts: list[tuple[str, bool]] = []
    at = 0
    while at < len(body):
        found = _ESCAPE.match(body, at)
        raw = found.group() if found else body[at]
        if found and found.group(1) in "dDwWsS":
            parts.append((raw, True))
        else:
            parts.append((_unescaped(raw, token) if found else raw, raw != "-"))
        at += len(raw)
    if not parts:
        raise GrammarError(f"has an empty class at line {token.line}, column {token.column}")
    text = ""
    for index, (char, plain) in enumerate(parts):
        between = 0 < index < len(parts) - 1
        if len(char) > 1:
            text += char
        elif char == "-" and not plain and between:
            text += "-"
        else:
            text += f"\\x{{{ord(char):x}}}"
    return f"/[{'^' if negated else ''}{text}]/"


def _unescaped(text: str, token: Token) -> str:
    def replace(found: re.Match[str]) -> str:
        code = found.group(1)
        if len(code) > 1:
            value = int(code[1:], 16)
            if value > 0x10FFFF or 0xD800 <= value <= 0xDFFF:
                place = f"line {token.line}, column {token.column}"
                raise GrammarError(f"has no character {found.group()} at {place}")
            return chr(value)
        if code.isalnum() and code not in _SIMPLE:
            place = f"line {token.line}, column {token.column}"
            raise GrammarError(f"has an unknown escape {found.group()} at {place}")
        return _SIMPLE.get(code, code)

    return _ESCAPE.sub(replace, text)
