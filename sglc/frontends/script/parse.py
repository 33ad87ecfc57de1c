"""Parsing a script, one definition at a time, so that each mistake is reported once."""

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
from sglc.frontends.script.scan import Chunk, scan


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
        ParseError: with every mistake found, at most one for each definition's grammar.
    """
    script, problems = parse_with_problems(text, file)
    if problems:
        raise ParseError([problem.diagnostic(file) for problem in problems])
    return script


def parse_with_problems(text: str, file: str) -> tuple[Script, list[Problem]]:
    """What could be read of a script, and what could not."""
    clean = normalize_newlines(text)
    lines = clean.split("\n")
    items: list[Item] = []
    problems: list[Problem] = []
    for chunk in scan(clean):
        if chunk.problems:
            problems += chunk.problems
            continue
        try:
            items += _parse_chunk(clean, chunk, lines)
        except Problem as problem:
            problems.append(problem)
    return Script(file, tuple(items)), problems


def _parse_chunk(text: str, chunk: Chunk, lines: list[str]) -> list[Item]:
    # Empty lines in front keep the positions those of the file.
    body = "\n" * (chunk.first_line - 1) + text[chunk.start : chunk.end].rstrip() + "\n"
    try:
        tree = parse_tree(body, "script")
    except UnexpectedCharacters as error:
        raise unexpected_character(error) from None
    except UnexpectedToken as error:
        raise unexpected_token(error, lines) from None
    return ScriptBuilder().items(tree)
