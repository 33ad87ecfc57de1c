"""Printing and parsing are inverse."""

from __future__ import annotations

from hypothesis import given, settings

from sglc.expressions.build import parse_expression
from sglc.expressions.nodes import Expr
from sglc.expressions.printer import print_expr
from tests.expressions.generate import expressions


@settings(max_examples=200, deadline=None)
@given(expressions)
def test_parse_of_print_is_the_same_expression(expr: Expr) -> None:
    text = print_expr(expr)
    assert "\n" not in text
    assert parse_expression(text) == expr
