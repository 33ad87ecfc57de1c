"""The agent's tools: arithmetic without `eval`, and a search that never raises."""

import importlib.util
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples.cases import EXAMPLES


def load_tools() -> ModuleType:
    spec = importlib.util.spec_from_file_location("example_tools", EXAMPLES / "tools.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TOOLS = load_tools()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12 * 7", "84"),
        ("345 + 982", "1327"),
        ("81 / 9", "9"),
        ("1 / 3", "0.333333"),
        ("-(2 - 5) * 4 % 7", "5"),
        ("7 // 2", "3"),
        (" 2 + 2 =", "4"),
    ],
)
def test_calc(text: str, value: str) -> None:
    assert TOOLS.calc(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "", "two", "__import__('os')", "2 ** 99", "'a' * 3", "[1][0]", "(lambda: 1)()",
        "1 if 1 else 2", "True", "1 < 2", "9" * 300, "1j", "(" * 90 + "1", "f'{1}'",
    ],
)  # fmt: skip
def test_calc_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r"expression|arithmetic"):
        TOOLS.calc(text)


def test_division_by_zero() -> None:
    with pytest.raises(ZeroDivisionError):
        TOOLS.calc("1 / 0")


@given(st.text())
def test_calc_runs_nothing(text: str) -> None:
    """Whatever a model writes, the outcome is a number or one of three errors."""
    try:
        value = TOOLS.calc(text)
    except (ValueError, ZeroDivisionError, OverflowError):
        return
    float(value)


@given(st.text())
def test_search(text: str) -> None:
    assert TOOLS.search(text) == "Nothing was found."


def test_search_finds() -> None:
    assert TOOLS.search("Who wrote Romeo and Juliet?").startswith("William Shakespeare")
