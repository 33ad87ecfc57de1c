"""
A small TextMate tokenizer: enough of the format to check grammars that keep to Python's patterns.

Rules with `match`, or `begin` and `end`, their captures, nested patterns and includes; on each
line the leftmost match wins, and of those at one place the first (macromates.com/manual, §12).
For the scripts and IR dumps of this repository it gave the same scopes as vscode-textmate 9.3.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "docs" / "editors" / "vscode"
Rule = Mapping[str, Any]
Scopes = tuple[str, ...]


@dataclass(frozen=True)
class Open:
    """A rule that has begun and not ended."""

    rule: Rule
    end: re.Pattern[str]
    scopes: Scopes


class Grammar:
    """A grammar file."""

    def __init__(self, name: str) -> None:
        self.data = json.loads((FOLDER / "syntaxes" / name).read_text(encoding="utf-8"))

    def tokens(self, text: str) -> Iterator[tuple[str, Scopes]]:
        """The text in pieces, each with its scopes, outermost first."""
        stack: list[Open] = []
        for line in text.splitlines():
            at = 0
            while True:
                found = self._next(line, at, stack)
                if found is None:
                    yield from _piece(line, at, len(line), self._inner(stack))
                    break
                match, rule = found
                yield from _piece(line, at, match.start(), self._inner(stack))
                if rule is None:
                    top = stack.pop()
                    yield from self._captured(match, top.rule.get("endCaptures", {}), top.scopes)
                else:
                    scopes = (*self._inner(stack), *_names(rule, "name"))
                    if "match" in rule:
                        yield from self._captured(match, rule.get("captures", {}), scopes)
                    else:
                        yield from self._captured(match, rule.get("beginCaptures", {}), scopes)
                        stack.append(Open(rule, _end(rule, match), scopes))
                if match.end() == match.start() == at == len(line):
                    break
                at = match.end()

    def _inner(self, stack: list[Open]) -> Scopes:
        if not stack:
            return ()
        return (*stack[-1].scopes, *_names(stack[-1].rule, "contentName"))

    def _next(
        self, line: str, at: int, stack: list[Open]
    ) -> tuple[re.Match[str], Rule | None] | None:
        """The leftmost match and its rule; None as the rule is the end of the innermost one."""
        best: tuple[re.Match[str], Rule | None] | None = None
        patterns = self.data["patterns"]
        if stack:
            match = stack[-1].end.search(line, at)
            best = (match, None) if match is not None else None
            patterns = stack[-1].rule.get("patterns", [])
        for rule in self.rules(patterns):
            match = re.compile(rule.get("match") or rule["begin"]).search(line, at)
            if match is not None and (best is None or match.start() < best[0].start()):
                best = match, rule
        return best

    def rules(self, patterns: list[Rule]) -> Iterator[Rule]:
        """The rules that patterns stand for, with includes followed."""
        for rule in patterns:
            if "include" in rule:
                rule = self.data["repository"][rule["include"].removeprefix("#")]
            if "match" in rule or "begin" in rule:
                yield rule
            else:
                yield from self.rules(rule["patterns"])

    def every(self, node: Any = None) -> Iterator[Rule]:
        """Every rule of the file."""
        node = self.data if node is None else node
        if isinstance(node, dict):
            if "match" in node or "begin" in node:
                yield node
            for child in node.values():
                yield from self.every(child)
        elif isinstance(node, list):
            for child in node:
                yield from self.every(child)

    def _captured(
        self, match: re.Match[str], captures: Mapping[str, Rule], scopes: Scopes
    ) -> Iterator[tuple[str, Scopes]]:
        if "0" in captures:
            scopes = (*scopes, captures["0"]["name"])
        at = match.start()
        for number in sorted(captures, key=int):
            group = int(number)
            if group and match[group]:
                yield from _piece(match.string, at, match.start(group), scopes)
                yield match[group], (*scopes, captures[number]["name"])
                at = match.end(group)
        yield from _piece(match.string, at, match.end(), scopes)


def _end(rule: Rule, begin: re.Match[str]) -> re.Pattern[str]:
    r"""The end of a rule; `\\1` in it is what group 1 of its beginning was."""
    return re.compile(re.sub(r"\\(\d)", lambda m: re.escape(begin[int(m[1])]), rule["end"]))


def _names(rule: Rule, key: str) -> Scopes:
    return (rule[key],) if key in rule else ()


def _piece(line: str, start: int, end: int, scopes: Scopes) -> Iterator[tuple[str, Scopes]]:
    if line[start:end].strip():
        yield line[start:end].strip(), scopes
