"""A sample of what `python -m tests.fuzzing.ir` does, and what it has found."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lark import Lark
from lark.exceptions import UnexpectedInput

from sglc.diagnostics.core import ParseError
from sglc.ir.parser import MAX_NESTING, parse_module
from sglc.ir.tokens import tokens
from sglc_grammar import read
from tests.fuzzing import ir_checks, ir_inputs

FUZZ = settings(
    max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
SEEDS = st.integers(0, 2**32).map(random.Random)
GRAMMAR = Lark(read("sglir.lark"), parser="lalr", lexer="contextual")


@FUZZ
@given(SEEDS)
def test_mutated_and_random_text(rng: random.Random) -> None:
    ir_checks.check_text(ir_inputs.mutated_text(rng), ir_checks.Tally())
    ir_checks.check_text(ir_inputs.random_text(rng), ir_checks.Tally())


@FUZZ
@given(SEEDS)
def test_mutated_json(rng: random.Random) -> None:
    ir_checks.check_json(ir_inputs.mutated_json(rng), ir_checks.Tally())


@FUZZ
@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    ir_checks.check_text(text, ir_checks.Tally())
    ir_checks.check_text(f'sglir 1\nmodule "a"\n{text}', ir_checks.Tally())


def test_the_fuzzer_reaches_every_stage() -> None:
    """Otherwise nothing found would mean nothing."""
    tally = ir_checks.Tally()
    for number in range(150):
        ir_checks.check_text(ir_inputs.mutated_text(random.Random(number)), tally)
    assert tally.refused > 30
    assert tally.unsound > 2
    assert tally.sound > 15
    assert tally.ran > 10
    assert tally.codes >= {"SGL0150", "SGL0151", "SGL0152", "SGL0153"}


def malformed(text: str) -> bool:
    """Whether our parser finds a mistake of form."""
    try:
        parse_module(text)
    except ParseError as error:
        return any(d.code in ("SGL0150", "SGL0154") for d in error.diagnostics)
    return False


def refused_by_the_grammar(text: str) -> bool:
    try:
        GRAMMAR.parse(text)
    except UnexpectedInput:
        return True
    return False


@FUZZ
@given(SEEDS)
def test_the_parser_accepts_what_the_grammar_does(rng: random.Random) -> None:
    """`sglir.lark` is the definition; what it cannot say (escapes, sizes) is left out here."""
    text = ir_inputs.mutated_text(rng)
    if "\\" in text or "sglir 1\n" not in text or max(map(len, tokens(text, "").texts)) > 1000:
        return
    if text.count("[") > MAX_NESTING or text.count("{") > MAX_NESTING:
        return
    assert malformed(text) == refused_by_the_grammar(text)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('x = {}'.format("9" * 5000), 3, "an integer of more than 4000 digits"),
        ("x = " + "[" * 300 + "]" * 300, 3, "nested more than 200 levels deep"),
    ],
)  # fmt: skip
def test_sizes_are_bounded(text: str, line: int, message: str) -> None:
    """Found by fuzzing: Python neither reads nor prints such integers, and recursion ends."""
    with pytest.raises(ParseError) as caught:
        parse_module(f'sglir 1\nmodule "a" {{\n  {text}\n}}\n')
    (found,) = caught.value.diagnostics
    assert found.message == message
    assert found.span is not None
    assert found.span.line == line
