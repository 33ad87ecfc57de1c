"""Parsing a script, one definition at a time; where one fails, line by line."""

from __future__ import annotations

from pathlib import Path

from lark import UnexpectedCharacters, UnexpectedToken

from sglc.diagnostics.core import Diagnostic, ParseError, Span
from sglc.diagnostics.source import normalize_newlines
from sglc.expressions.grammar import parse_tree, unexpected_character
from sglc.expressions.problem import Problem
from sglc.frontends.script.ast import Item, Script
from sglc.frontends.script.build import ScriptBuilder
from sglc.frontends.script.errors import unexpected_token
from sglc.frontends.script.recover import find_problems, is_stray, moved
from sglc.frontends.script.scan import TRIPLE, Chunk, scan


def read_script(path: Path, shown: str, importer: Span | None = None) -> str:
    """
    The text of a script file.

    Raises:
        ParseError: there is none, or it is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reason = f"not UTF-8 text: byte {error.start + 1} is {error.object[error.start]:#04x}"
    except FileNotFoundError:
        reason = "no such file"
    except IsADirectoryError:
        reason = "it is a folder"
    except OSError as error:
        reason = (error.strerror or "it cannot be opened").lower()
    raise ParseError(
        Diagnostic(code="SGL0112", message=f"cannot read `{shown}`: {reason}", span=importer)
    )


def parse_script(text: str, file: str) -> Script:
    """
    Parse a script.

    Raises:
        ParseError: with every mistake found.
    """
    script, problems = parse_with_problems(text, file)
    if problems:
        raise ParseError([problem.diagnostic(file) for problem in problems])
    return script


def parse_with_problems(text: str, file: str) -> tuple[Script, list[Problem]]:
    """What could be read of a script, and every mistake in what could not."""
    clean = normalize_newlines(text)
    chunks = scan(clean)
    items, problems = _parse(clean, chunks)
    if problems and any(quotes in clean for quotes in TRIPLE):
        # Where three quotes are missing, all that follows is inside out: the reading with the
        # fewest mistakes is the likely one, and one that keeps the definitions apart.
        careful = scan(clean, wary=True)
        others = _parse(clean, careful)
        torn = any(c.unclosed_text for c in chunks) and any(c.unclosed_text for c in careful)
        if torn or len(others[1]) < len(problems):
            items, problems = others
    return Script(file, tuple(items)), problems


def _parse(text: str, chunks: list[Chunk]) -> tuple[list[Item], list[Problem]]:
    items: list[Item] = []
    problems: list[Problem] = []
    for number, chunk in enumerate(chunks):
        source = text[chunk.start : chunk.end]
        first: Problem | None = None
        if not chunk.problems:
            try:
                items += _parse_definitions(source, chunk.first_line - 1)
                continue
            except Problem as problem:
                first = problem
        after = chunks[number + 1 : number + 2]
        torn = any(is_stray(text[c.start : c.end]) for c in after)
        problems += find_problems(source, chunk, _parse_definitions, first, torn=torn)
    return items, problems


def _parse_definitions(text: str, before: int) -> list[Item]:
    """The definitions of a text that follows `before` lines of the file."""
    try:
        tree = parse_tree(text.rstrip() + "\n", "script")
    except UnexpectedCharacters as error:
        raise moved(unexpected_character(error), before) from None
    except UnexpectedToken as error:
        raise moved(unexpected_token(error, text.split("\n")), before) from None
    except Problem as problem:
        raise moved(problem, before) from None
    return ScriptBuilder(lines=before).items(tree)
