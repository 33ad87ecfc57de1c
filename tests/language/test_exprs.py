"""Expressions: building, reprs, what is refused."""

import re
from typing import Any

import pytest

import sglc as sgl
from sglc.language.exprs import (
    SglConstantText,
    SglExprList,
    SglGen,
    SglRoleBegin,
    SglRoleEnd,
    SglSelect,
)


def kinds(expr: Any) -> list[str]:
    return [repr(part) for part in expr.expr_list]


def test_addition_wraps_text_and_stays_flat() -> None:
    expr = "a" + sgl.gen("x") + "b" + (sgl.gen("y") + "c")
    assert isinstance(expr, SglExprList)
    assert kinds(expr) == [
        "Constant('a')",
        "Gen('x')",
        "Constant('b')",
        "Gen('y')",
        "Constant('c')",
    ]


def test_addition_does_not_change_its_operands() -> None:
    first = "a" + sgl.gen("x")
    _ = first + "b"
    assert len(first.expr_list) == 2


@pytest.mark.parametrize("other", [3, None, ["a"], 1.5])
def test_adding_anything_else_fails_on_the_spot(other: Any) -> None:
    with pytest.raises(AssertionError):
        _ = sgl.gen("x") + other
    with pytest.raises(AssertionError):
        _ = other + sgl.gen("x")


def test_expressions_in_f_strings_are_refused() -> None:
    with pytest.raises(TypeError, match=r"f-string.*sgl\.gen\('x'\)"):
        f"Answer: {sgl.gen('x')}"
    assert repr(sgl.gen("x")) == f"{sgl.gen('x')!r}" == "Gen('x')"


def test_gen_with_choices_is_a_select_and_ignores_the_rest() -> None:
    expr = sgl.gen("x", 5, choices=["a", "b"], regex="(", temperature=0.0)
    assert isinstance(expr, SglSelect)
    assert expr.choices == ["a", "b"]
    assert expr.choices_method is sgl.token_length_normalized
    other = sgl.gen("x", choices=["a"], choices_method=sgl.greedy_token_selection)
    assert isinstance(other, SglSelect)
    assert other.choices_method is sgl.greedy_token_selection
    assert isinstance(sgl.gen("x", choices=[]), SglGen)


def test_bad_patterns_and_schemas_fail_at_the_call() -> None:
    with pytest.raises(re.error):
        sgl.gen("x", regex="(")
    with pytest.raises(ValueError, match="not JSON"):
        sgl.gen("x", json_schema="{")
    with pytest.raises(ValueError, match="object"):
        sgl.gen("x", json_schema="3")
    with pytest.raises(AssertionError):
        sgl.select("x")


def test_positional_order_of_gen() -> None:
    expr = sgl.gen("x", 7, 1, 2, "stop")
    assert isinstance(expr, SglGen)
    params = expr.sampling_params
    assert (params.max_new_tokens, params.min_new_tokens, params.n, params.stop) == (
        7,
        1,
        2,
        "stop",
    )


def test_typed_gens() -> None:
    assert sgl.gen_int("x", 3, stop=",").sampling_params.dtype is int
    assert sgl.gen_string("x", max_tokens=3).sampling_params.dtype is str
    assert sgl.gen_int("x", 3).sampling_params.max_new_tokens == 3


def test_roles() -> None:
    expr = sgl.user("hi")
    begin, text, end = expr.expr_list
    assert isinstance(begin, SglRoleBegin)
    assert isinstance(text, SglConstantText)
    assert isinstance(end, SglRoleEnd)
    assert begin.role == end.role == "user"
    assert kinds(sgl.system()) == ["RoleBegin(system)", "RoleEnd(system)"]
    assert kinds(sgl.assistant_begin() + "x" + sgl.assistant_end()) == [
        "RoleBegin(assistant)",
        "Constant('x')",
        "RoleEnd(assistant)",
    ]


def test_a_gen_knows_where_it_stands() -> None:
    expr = sgl.gen("x")
    assert expr.place is not None
    assert expr.place[0] == __file__


def test_separate_reasoning_needs_a_name() -> None:
    with pytest.raises(ValueError, match="name"):
        sgl.separate_reasoning(sgl.gen(), model_type="qwen3")
