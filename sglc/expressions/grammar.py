"""The parser made from sgl.lark."""

from __future__ import annotations

import os
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from lark import Lark, Token, Tree, UnexpectedCharacters, UnexpectedToken

from sglc.expressions.layout import Layout
from sglc.expressions.problem import Problem
from sglc.ir.core import Loc


def grammar_text() -> str:
    """The grammar as it is in the package."""
    return (files("sglc_grammar") / "sgl.lark").read_text(encoding="utf-8")


def build(*, strict: bool = False, cache: Path | None = None) -> Lark:
    """
    A parser; `strict` also refuses conflicts and colliding terminals, and takes longer.

    With `cache`, tables are read from that file if they are of this grammar, else written to it.
    A file that cannot be read or written is as good as none.
    """
    return Lark(
        grammar_text(),
        start=["script", "expression"],
        parser="lalr",
        lexer="contextual",
        postlex=Layout(),
        propagate_positions=True,
        maybe_placeholders=True,
        strict=strict,
        cache=str(cache) if cache is not None else False,
    )


@lru_cache(maxsize=1)
def parser() -> Lark:
    """The shared parser, made at first use; its tables are kept in the user's cache."""
    return build(cache=_cache_file())


def _cache_file() -> Path | None:
    """In the folder where the engine keeps its kernels; None where there can be no such folder."""
    try:
        user = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = Path(os.environ.get("SGLC_CACHE") or user / "sglc")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # RuntimeError: the user has no home
        return None
    return folder / "sgl.lark.tables"


def parse_tree(text: str, start: Literal["script", "expression"]) -> Tree[Token]:
    """
    Parse `text`, whose newlines are normalised.

    Raises:
        UnexpectedToken, UnexpectedCharacters: the text is malformed.
        Problem: its indentation is.
    """
    return parser().parse(text, start=start)


def token_loc(token: Token) -> Loc:
    """Where a token is."""
    line, column = token.line or 1, token.column or 1
    return Loc(line, column, token.end_line or line, token.end_column or column + 1)


def tree_loc(tree: Tree[Token]) -> Loc:
    """Where a tree is; trees without tokens are nowhere."""
    meta = tree.meta
    if meta.empty:
        return Loc(0, 0, 0, 0)
    return Loc(meta.line, meta.column, meta.end_line, meta.end_column)


def unexpected_character(error: UnexpectedCharacters) -> Problem:
    """A character that begins no token."""
    helps: tuple[str, ...] = ()
    if error.char in "“”„«»‘’`":
        helps = ("strings are written \"...\" or '...'",)
    return Problem(
        "SGL0102",
        f"unexpected character `{error.char}`",
        Loc(error.line, error.column, error.line, error.column + 1),
        "means nothing here",
        helps=helps,
    )


def accepted(error: UnexpectedToken) -> set[str]:
    """Terminals that could have stood where the error is."""
    return set(error.accepts or error.expected)
