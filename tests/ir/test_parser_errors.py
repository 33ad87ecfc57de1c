"""Text that is not IR gets one located error that says what to do."""

from __future__ import annotations

import logging

import pytest
from lark import Lark, logger

from sglc.diagnostics.core import ParseError
from sglc.ir.parser import parse_module
from sglc_grammar import read
from tests.ir.check import check_error, program

GOOD = program('lm.text(%s, %x) {text = ["a", "b"]}\n%v = lm.gen(%s) {name = "v"}\ncf.return(%v)')


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "message", "help"),
    [
        ("lm.gen(", "lm.gena(", 5, 6, "unknown op `lm.gena`", "did you mean `lm.gen`?"),
        ("lm.gen(", "zz.zzzzzz(", 5, 6, "unknown op `zz.zzzzzz`", None),
        ("return(%v)", "return(%vv)", 6, 11, "value `%vv` is not defined", "did you mean `%v`?"),
        ("%v = ", "%x = ", 5, 1, "value `%x` is defined twice", None),
        ("lm.gen(%s)", "lm.gen(%s", 5, 16, "unexpected `{`", "expected `,` or `)`"),
        ('"b"]', '"\\q"]', 4, 31, "unknown escape `\\q`", None),
        ('"v"}', '"v', 5, 25, 'unexpected `"`', None),
        ('name = "v"', 'name = "v", name = "w"', 5, 30, "attribute `name` is given twice", None),
        ("sglir 1", "sglir 7", 1, 7, "version 7 cannot be read", None),
        ("} !1:1-9:9", "", 8, 1, "unexpected end of file", None),
        ("%s: handle", "%s: hadle", 3, 13, "unexpected `hadle`", None),
        ("module", "modul", 2, 1, "unexpected `modul`", "expected `module`"),
    ],
)
def test_errors_are_located(
    old: str, new: str, line: int, column: int, message: str, help: str | None
) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new)
    found = check_error(lambda: parse_module(text, "t.sglir"), ParseError, line, column, message)
    if help is not None:
        assert help in found.helps


def test_a_region_hides_its_values() -> None:
    text = program(
        """
cf.if(%x) ^then {
  %inner = lm.gen(%s)
  cf.yield()
}
cf.return(%inner)"""
    )
    check_error(lambda: parse_module(text), ParseError, 8, 11, "value `%inner` is not defined")


def test_comments_are_skipped() -> None:
    text = GOOD.replace("sglir 1\n", "sglir 1 // version\n// all of this line\n")
    assert parse_module(text).funcs.keys() == {"f"}


def test_the_grammar_has_no_conflicts(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger=logger.name):
        Lark(read("sglir.lark"), parser="lalr", lexer="contextual", debug=True, strict=True)
    assert "conflict" not in caplog.text.lower()
