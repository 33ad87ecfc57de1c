"""Choosing the function to run, and converting its arguments."""

from __future__ import annotations

from typing import Any

import pytest

from sglc.diagnostics.core import LowerError, UsageError
from sglc.frontends.script import compile_script, convert_args, entry_function
from sglc.ir.parser import parse_module
from sglc.ir.printer import print_module

SCHEMAS = (
    "schema Point:\n    x: int\n    y: int = 0\n"
    "schema Line:\n    points: list[Point]\n    name: str?\n"
)


def convert(annotation: str, value: object, *, text: bool = True) -> object:
    source = SCHEMAS + f"def f(a: {annotation}):\n    '${{a}}'\n"
    module = parse_module(print_module(compile_script(source)))
    return convert_args(module.funcs["f"], {"a": value}, module, text=text)["a"]


@pytest.mark.parametrize(
    ("annotation", "given", "value"),
    [
        ("str", "3", "3"),
        ("int", " 3", 3),
        ("float", "3", 3.0),
        ("bool", "True", True),
        ("bool", "false", False),
        ("int?", "none", None),
        ("int?", "4", 4),
        ("str?", "none", None),
        ("int | str", "4", 4),
        ("str | int", "4", 4),
        ("int | str", "four", "four"),
        ('"yes" | "no"', "no", "no"),
        ("list[int]", "[1, 2.0]", [1, 2]),
        ("list[float]", "[1]", [1.0]),
        ("list", '[1, "a"]', [1, "a"]),
        ("dict[str, int]", '{"a": 1}', {"a": 1}),
        ("dict", '{"a": [null]}', {"a": [None]}),
        ("any", "x", "x"),
        ("Point", '{"x": 1}', {"x": 1, "y": 0}),
        ("Line", '{"points": [{"x": 1, "y": 2}], "name": null}',
         {"points": [{"x": 1, "y": 2}], "name": None}),
        ("list[Point]?", '[{"x": 1}]', [{"x": 1, "y": 0}]),
    ],
)  # fmt: skip
def test_text_is_converted_by_annotation(annotation: str, given: str, value: object) -> None:
    result = convert(annotation, given)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("annotation", "given", "message"),
    [
        ("int", "three", '"three", not an integer'),
        ("int", "3.5", '"3.5", not an integer'),
        ("float", "x", '"x", not a number'),
        ("bool", "maybe", '"maybe", not true or false'),
        ("int?", "x", '"x", not an integer or none'),
        ('"yes" | "no"', "maybe", '"maybe", not "yes" or "no"'),
        ("list[int]", "1,2", "not JSON: Extra data at character 2"),
        ("list[int]", '["a"]', 'text, "a", not an integer'),
        ("list[int]", '{"a": 1}', 'dict, {"a": 1}, not a list'),
        ("dict[str, int]", '{"a": "b"}', 'text, "b", not an integer'),
        ("Point", "{}", "has no field `x`"),
        ("Point", '{"x": 1, "z": 2}', "has an unknown field `z`"),
        ("Line", '{"points": [{"x": "a"}]}', "has a field `points` that has a field `x` that is "),
    ],
)
def test_text_that_does_not_fit(annotation: str, given: str, message: str) -> None:
    with pytest.raises(LowerError) as raised:
        convert(annotation, given)
    (only,) = raised.value.diagnostics
    assert (only.code, str(only.span)) == ("SGL0220", "<script>:7:5")
    assert message in only.message
    assert only.label == f"declared as `{annotation}`"


def test_values_are_checked_but_text_stays_text() -> None:
    assert convert("str", "3", text=False) == "3"
    assert convert("any", (1, {"k": (2,)}), text=False) == [1, {"k": [2]}]
    for annotation, value in (("int", "3"), ("int", True), ("str", 3), ("any", object())):
        with pytest.raises(LowerError):
            convert(annotation, value, text=False)


def test_defaults_missing_and_unknown_arguments() -> None:
    module = compile_script(
        "def f(topic: str, names: list[str] = ['a'], n=none):\n    '${topic}${names}${n}'\n"
    )
    func = module.funcs["f"]
    assert convert_args(func, {"topic": "t"}, module) == {"topic": "t", "names": ["a"], "n": None}
    with pytest.raises(LowerError) as raised:
        convert_args(func, {"topc": "t", "nmes": "[]"}, module)
    found: list[tuple[Any, ...]] = [(d.code, d.message, d.helps) for d in raised.value.diagnostics]
    assert found == [
        ("SGL0222", "`f` has no parameter `topc`", ("did you mean `topic`?",)),
        ("SGL0222", "`f` has no parameter `nmes`", ("did you mean `names`?",)),
        ("SGL0222", "argument `topic` (text) is missing", ()),
    ]


def test_defaults_are_not_shared_between_runs() -> None:
    module = compile_script("def f(names: list[str] = ['a']):\n    '${names}'\n")
    first = convert_args(module.funcs["f"], {}, module)
    first["names"].append("changed")  # type: ignore[attr-defined]
    assert convert_args(module.funcs["f"], {}, module) == {"names": ["a"]}


@pytest.mark.parametrize(
    ("source", "name", "chosen"),
    [
        ("def only():\n    'a'\nfragment g():\n    'b'\n", None, "only"),
        ("def a():\n    'a'\ndef main():\n    'b'\n", None, "main"),
        ("def a():\n    'a'\ndef main():\n    'b'\n", "a", "a"),
    ],
)
def test_entry(source: str, name: str | None, chosen: str) -> None:
    assert entry_function(compile_script(source), name).name == chosen


@pytest.mark.parametrize(
    ("source", "name", "message", "helps"),
    [
        ("def a():\n    'a'\ndef b():\n    'b'\n", None,
         "`x.sgl` has several functions and none is called `main`",
         ("name one: `x.sgl:a`, `x.sgl:b`",)),
        ("fragment a():\n    'a'\n", None, "`x.sgl` has no function to start with", ()),
        ("def main():\n    'a'\n", "mian", "`x.sgl` has no function `mian`",
         ("did you mean `main`?",)),
        ("fragment a():\n    'a'\n", "a", "`a` is a fragment; it needs a prompt to append to", ()),
    ],
)  # fmt: skip
def test_no_entry(source: str, name: str | None, message: str, helps: tuple[str, ...]) -> None:
    with pytest.raises(UsageError) as raised:
        entry_function(compile_script(source, file="x.sgl"), name)
    (only,) = raised.value.diagnostics
    assert (only.code, only.message, only.helps) == ("SGL0221", message, helps)
