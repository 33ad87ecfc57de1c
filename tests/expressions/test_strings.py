"""String literals: escapes, `${}`, dedenting."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sglc.expressions.build import parse_expression
from sglc.expressions.nodes import Literal, Name, Text
from sglc.expressions.problem import Problem


def value(source: str) -> object:
    parsed = parse_expression(source)
    assert isinstance(parsed, Literal), parsed
    return parsed.value


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (r'"a\n\t\r\"\'\\\0"', "a\n\t\r\"'\\\0"),
        (r"r'\d+\n${x}$$'", r"\d+\n${x}$$"),
        (r'r"a\"b"', r"a\"b"),
        ('"a" \'b\' r"\\c"', "ab\\c"),
        ('"{\\"a\\": [1]} $ $5 $$ $${x}"', '{"a": [1]} $ $5 $ ${x}'),
        ('""', ""),
        ('"""one line"""', "one line"),
        ('"""\n    a\n      b\n    """', "a\n  b"),
        ('"""\n    a\n      b\n  """', "  a\n    b"),
        ('"""a\n    b\n      c"""', "a\nb\n  c"),
        ('"""\n    a\n\n   \n    b"""', "a\n\n\nb"),
        ('"""\n\n    a\n    """', "\na"),
        ('"""\n    a\\\n    b\n    """', "ab"),
        ('"""\n    "quoted" \'too\'\n    """', "\"quoted\" 'too'"),
        ("'''\n    a\n    '''", "a"),
        ('"""\n"""', ""),
        ('"""\n\n"""', ""),
        ('""" """', " "),
    ],
)
def test_constant(source: str, text: str) -> None:
    assert value(source) == text


def test_interpolation_positions_are_those_of_the_file() -> None:
    parsed = parse_expression('"""\n    a ${one}\n    $$ ${ two }\n    """', 3, 1)
    assert isinstance(parsed, Text)
    first, second = (part for part in parsed.parts if isinstance(part, Name))
    assert (first.id, first.loc.line, first.loc.column) == ("one", 4, 9)
    assert (second.id, second.loc.line, second.loc.column) == ("two", 5, 11)


def test_interpolated_values_are_not_dedented_or_escaped() -> None:
    assert parse_expression('"a${x}b"') == Text(("a", Name("x"), "b"))
    assert parse_expression('"${x}${y}"') == Text((Name("x"), Name("y")))


def test_braces_and_strings_inside_an_interpolation() -> None:
    for source in (
        "\"${ {'a': {'b': 1}}['a'] }\"",
        '"${ \'}\' + "\'" }"'.replace('"\'"', "'x'"),
        "'${ f(\"{\") }'",
    ):
        parsed = parse_expression(source)
        assert isinstance(parsed, Text)
        assert len(parsed.parts) == 1


@pytest.mark.parametrize(
    ("source", "code", "column"),
    [
        (r'"\d"', "SGL0109", 2),
        (r'"ab\x4"', "SGL0109", 4),
        (r'"\ud800"', "SGL0109", 2),
        (r'"\U00110000"', "SGL0109", 2),
        ('"a ${x"', "SGL0111", 4),
        ('"${}"', "SGL0111", 2),
        ('"${ }"', "SGL0111", 2),
        ('"${x +}"', "SGL0101", 7),
        ('"${x y}"', "SGL0101", 6),
        ('"a ${1 ? 2}"', "SGL0101", 8),
        ('"${if}"', "SGL0108", 4),
    ],
)
def test_mistake(source: str, code: str, column: int) -> None:
    with pytest.raises(Problem) as raised:
        parse_expression(source)
    problem = raised.value
    assert (problem.code, problem.loc.line, problem.loc.column) == (code, 1, column)


@given(st.lists(st.text("ab \t", max_size=8), min_size=1, max_size=6), st.integers(0, 6))
def test_indenting_a_block_does_not_change_its_text(lines: list[str], indent: int) -> None:
    lines = [line.rstrip() for line in lines]
    lines[0] = "x" + lines[0].lstrip()  # something at the margin
    block = "\n".join(lines)
    source = '"""\n' + textwrap.indent(block, " " * indent) + "\n" + " " * indent + '"""'
    assert value(source) == block
