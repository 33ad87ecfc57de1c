"""The grammar file: no conflicts, no colliding terminals."""

from __future__ import annotations

import logging
from pathlib import Path

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


def test_tables_from_the_cache_parse_alike(tmp_path: Path) -> None:
    text = "def f(x):\n    if x:\n        'a ${x + 1}'\n    return x\n"
    file = tmp_path / "tables"
    fresh = build(cache=file).parse(text, start="script")
    assert file.stat().st_size > 1000
    assert build(cache=file).parse(text, start="script") == fresh


@pytest.mark.parametrize("damage", [b"", b"no tables", "half"])
def test_a_damaged_cache_is_replaced(tmp_path: Path, damage: bytes | str) -> None:
    file = tmp_path / "tables"
    build(cache=file)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if isinstance(damage, str) else damage)
    build(cache=file).parse("def f():\n    'a'\n", start="script")
    assert len(file.read_bytes()) > 0.9 * len(whole)


def test_a_cache_that_cannot_be_written_is_as_good_as_none(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a folder")
    build(cache=file / "tables").parse("def f():\n    'a'\n", start="script")
