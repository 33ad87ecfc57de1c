"""The grammar file: no conflicts, no colliding terminals."""

from __future__ import annotations

import logging

import pytest
from lark import Lark, logger

from sglc.expressions.grammar import build, grammar_text, parser
from sglc.expressions.layout import Layout


def test_no_shift_reduce_conflicts(caplog: pytest.LogCaptureFixture) -> None:
    # Reduce/reduce conflicts always raise; shift/reduce ones are only logged, in debug mode.
    level = logger.level
    logger.setLevel(logging.DEBUG)
    try:
        with caplog.at_level(logging.DEBUG, logger="lark"):
            Lark(
                grammar_text(),
                start=["script", "expression"],
                parser="lalr",
                postlex=Layout(),
                debug=True,
            )
    finally:
        logger.setLevel(level)
    assert [r.message for r in caplog.records if "onflict" in r.message] == []


def test_strict_mode_accepts_the_grammar() -> None:
    build(strict=True)


def test_parser_is_shared_and_can_be_used_by_many_threads() -> None:
    from concurrent.futures import ThreadPoolExecutor

    texts = [
        f"def f{i}(x):\n    if x:\n        'a{i}'\n    return (x,\n".replace(",\n", ")\n")
        for i in range(40)
    ]
    with ThreadPoolExecutor(8) as pool:
        trees = list(pool.map(lambda t: parser().parse(t, start="script"), texts))
    assert [str(t.children[0].children[0]) for t in trees] == [f"f{i}" for i in range(40)]
