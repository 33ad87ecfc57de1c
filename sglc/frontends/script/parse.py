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
from sglc.ir.core import Loc


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
    items: list[Item] = []
    problems: list[Problem] = []
    for chunk in scan(clean):
        if chunk.problems:
            problems += chunk.problems
            continue
        try:
            items += _parse_chunk(clean[chunk.start : chunk.end], chunk)
        except Problem as problem:
            problems.append(problem)
    return Script(file, tuple(items)), problems


def _parse_chunk(text: str, chunk: Chunk) -> list[Item]:
    before = chunk.first_line - 1
    try:
        tree = parse_tree(text.rstrip() + "\n", "script")
    except UnexpectedCharacters as error:
        raise _below(unexpected_character(error), before) from None
    except UnexpectedToken as error:
        raise _below(unexpected_token(error, text.split("\n")), before) from None
    except Problem as problem:
        raise _below(problem, before) from None
    return ScriptBuilder(lines=before).items(tree)


def _below(problem: Problem, lines: int) -> Problem:
    """The problem, that many lines further down."""
    loc = problem.loc
    problem.loc = Loc(loc.line + lines, loc.column, loc.end_line + lines, loc.end_column)
    return problem
