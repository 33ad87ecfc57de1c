"""Annotations: parsing, converting text, checking JSON values."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sglc.programs.annotations import ANY, Type, check, convert, parse

STR, INT = Type("str"), Type("int")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (None, ANY),
        ("", ANY),
        ("str", STR),
        ("'str'", STR),
        ("int?", Type("int", (), True)),
        ("int | None", Type("int", (), True)),
        ("None | int", Type("int", (), True)),
        ("Optional[int]", Type("int", (), True)),
        ("typing.Optional[int]", Type("int", (), True)),
        ("list[str]", Type("list", (STR,))),
        ("List[str]", Type("list", (STR,))),
        ("list[str]?", Type("list", (STR,), True)),
        ("list[int?]", Type("list", (Type("int", (), True),))),
        ("dict[str, list[int]]", Type("dict", (STR, Type("list", (INT,))))),
        ("int | str", ANY),
        ("int | str | None", Type("any", (), True)),
        ("Person", Type("Person")),
    ],
)
def test_parse(text: str | None, kind: Type) -> None:
    assert parse(text) == kind


@pytest.mark.parametrize(
    ("text", "annotation", "value"),
    [
        ("12", None, "12"),
        ("12", "str", "12"),
        ("12", "int", 12),
        ("-3", "int", -3),
        ("1.5", "float", 1.5),
        ("TRUE", "bool", True),
        ("no", "bool", False),
        ("none", "int?", None),
        ("7", "int?", 7),
        ("none", "str?", None),
        ("none", "str", "none"),
        ('["a", "b"]', "list[str]", ["a", "b"]),
        ('{"name": "Rose"}', "Person", {"name": "Rose"}),
        ("", "str", ""),
        ("a=b", "str", "a=b"),
    ],
)
def test_convert(text: str, annotation: str | None, value: object) -> None:
    converted = convert(text, parse(annotation))
    assert converted == value
    assert type(converted) is type(value)


@pytest.mark.parametrize(
    ("text", "annotation", "message"),
    [
        ("many", "int", "expected a whole number"),
        ("1.5", "int", "expected a whole number"),
        ("x", "float", "expected a number"),
        ("maybe", "bool", "expected `true` or `false`"),
        ("a, b", "list[str]", "expected JSON for `list[str]`: Expecting value at column 1"),
        ("[1]", "list[str]", "expected `str`, found `1`"),
        ('{"a": 1}', "list[str]", 'expected `list[str]`, found `{"a": 1}`'),
        ('{"a": "b"}', "dict[str, int]", 'expected `int`, found `"b"`'),
    ],
)
def test_convert_says_what_was_expected(text: str, annotation: str, message: str) -> None:
    with pytest.raises(ValueError, match="expected") as caught:
        convert(text, parse(annotation))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("value", "annotation", "fits"),
    [
        ("a", "str", True),
        (1, "str", False),
        (None, "str", False),
        (None, "str?", True),
        (None, None, True),
        (True, "int", False),
        (1, "float", True),
        ([["a"]], "list[list[str]]", True),
        ([[1]], "list[list[str]]", False),
        ({"x": 1}, "Person", True),
    ],
)
def test_check(value: object, annotation: str | None, fits: bool) -> None:
    if fits:
        check(value, parse(annotation))
    else:
        with pytest.raises(ValueError, match="expected"):
            check(value, parse(annotation))


names = st.sampled_from(["str", "int", "float", "bool", "Person", "any"])
kinds: st.SearchStrategy[Type] = st.recursive(
    st.builds(Type, names, st.just(()), st.booleans()),
    lambda inner: st.one_of(
        st.builds(Type, st.just("list"), st.tuples(inner), st.booleans()),
        st.builds(Type, st.just("dict"), st.tuples(st.just(STR), inner), st.booleans()),
    ),
    max_leaves=4,
)


@given(kinds)
def test_types_print_back(kind: Type) -> None:
    assert parse(str(kind)) == kind


@given(st.text(), kinds)
def test_convert_only_raises_value_error(text: str, kind: Type) -> None:
    value: Any = None
    with suppress(ValueError):
        value = convert(text, kind)
    if value is not None:
        check(value, kind)
