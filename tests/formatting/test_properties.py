"""Random scripts in random layouts: the same program, the same comments, the same text."""

from __future__ import annotations

import random
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.expressions.nodes import Expr
from sglc.expressions.printer import print_expr
from sglc.formatting.script import format_script
from sglc.frontends.script.parse import parse_script
from tests.expressions.generate import expressions
from tests.formatting.relayout import MARK, Relayout
from tests.formatting.sources import random_source
from tests.passes.random_scripts import scripts

_COMMENT = re.compile(rf"#[^\n#]*{MARK}\d+")


def check(source: str, rng: random.Random) -> None:
    """Format a random layout of `source`, and again."""
    layout = Relayout(source, rng, comments=True, breaks=True)
    once = format_script(layout.text, "x.sgl")
    assert parse_script(once, "x.sgl") == parse_script(source, "x.sgl")
    assert _COMMENT.findall(once) == layout.comments
    assert format_script(once, "x.sgl") == once
    assert once.endswith("\n") or not once
    assert not re.search(r"[^\n]\n{4,}|\t", once)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_any_layout_of_a_script(seed: int) -> None:
    rng = random.Random(seed)
    check(random_source(rng), rng)


@settings(max_examples=10, deadline=None)
@given(scripts(), st.integers(0, 2**32))
def test_any_layout_of_a_random_script(source: str, seed: int) -> None:
    check(source, random.Random(seed))


@settings(max_examples=25, deadline=None)
@given(st.lists(expressions, min_size=1, max_size=4), st.integers(0, 2**32))
def test_any_layout_of_long_expressions(values: list[Expr], seed: int) -> None:
    args = ", ".join(f"name_of_argument_{i}={print_expr(v)}" for i, v in enumerate(values))
    items = ", ".join(print_expr(value) for value in values)
    total = " + ".join(print_expr(value) for value in values)
    body = f"    y = some_function({args})\n    z = [{items}]\n    return {total}\n"
    check(f"def f(x):\n{body}", random.Random(seed))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_blanks_and_indentation_decide_nothing(seed: int) -> None:
    rng = random.Random(seed)
    plain = re.sub(r"^ *#.*\n|  #.*$", "", twin(rng), flags=re.MULTILINE)
    other = Relayout(plain, rng, comments=False, breaks=False).text
    assert format_script(other, "x.sgl") == format_script(plain, "x.sgl")


def twin(rng: random.Random) -> str:
    """A generated script, which has no comments and no brackets over several lines."""
    from tests.differential.twin_programs import twin_program

    return twin_program(rng.randrange(10_000)).script
