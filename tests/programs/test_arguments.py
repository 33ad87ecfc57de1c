"""`-p` options and rows: to arguments, or to errors that say what to write."""

from collections.abc import Callable

import pytest

from sglc.cli.arguments import split
from sglc.diagnostics.core import UsageError
from sglc.programs.arguments import convert
from sglc.programs.target import Param

PARAMS = (
    Param("question", "str"),
    Param("steps", "int", required=False),
    Param("tags", None, False),
)


def failure(call: Callable[[], object]) -> tuple[str, str, tuple[str, ...]]:
    with pytest.raises(UsageError) as caught:
        call()
    (diagnostic,) = caught.value.diagnostics
    return diagnostic.code, diagnostic.message, diagnostic.helps


def from_options(options: list[str], params: tuple[Param, ...]) -> dict[str, object]:
    return convert(split(options), params, text=True)


def from_row(row: dict[str, object], params: tuple[Param, ...]) -> dict[str, object]:
    return convert(row, params, text=False)


def test_options_convert() -> None:
    given = ["question=a = b?", "steps=3", "tags=x"]
    assert from_options(given, PARAMS) == {"question": "a = b?", "steps": 3, "tags": "x"}


def test_defaults_are_left_to_the_program() -> None:
    assert from_options(["question="], PARAMS) == {"question": ""}


@pytest.mark.parametrize(
    ("options", "code", "message", "help_"),
    [
        (["question"], "SGL0602", "`-p question` has no value", "write `-p name=value`"),
        (["question=a", "question=b"], "SGL0602", "`-p question` is given twice", None),
        ([], "SGL0603", "missing value for parameter `question`", "add `-p question=VALUE`"),
        (["qestion=a"], "SGL0605", "unknown parameter `qestion`", "did you mean `question`?"),
        (
            ["zzz=a"],
            "SGL0605",
            "unknown parameter `zzz`",
            "parameters are `question`, `steps`, `tags`",
        ),
        (
            ["question=a", "steps=many"],
            "SGL0610",
            "bad value for parameter `steps`: expected a whole number, found `many`",
            None,
        ),
    ],
)
def test_bad_options(options: list[str], code: str, message: str, help_: str | None) -> None:
    found = failure(lambda: from_options(options, PARAMS))
    assert found == (code, message, (help_,) if help_ else ())


def test_no_parameters() -> None:
    _, _, helps = failure(lambda: from_options(["a=b"], ()))
    assert helps == ("the function takes no parameters",)


def test_row() -> None:
    assert from_row({"question": "a", "tags": [1]}, PARAMS) == {"question": "a", "tags": [1]}


@pytest.mark.parametrize(
    ("row", "code", "message"),
    [
        ({}, "SGL0603", "missing value for parameter `question`"),
        (
            {"question": 1},
            "SGL0610",
            "bad value for parameter `question`: expected `str`, found `1`",
        ),
        ({"question": "a", "step": 1}, "SGL0605", "unknown parameter `step`"),
    ],
)
def test_bad_rows(row: dict[str, object], code: str, message: str) -> None:
    assert failure(lambda: from_row(row, PARAMS))[:2] == (code, message)
