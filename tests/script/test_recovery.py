"""Mistakes in a script: each is reported once, and several in one definition are all found."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator

import pytest

from sglc.frontends.script.parse import parse_with_problems
from tests.script.check import found

AGENT = '''\
import "lib.sgl" as lib
extern def calc(expr: str, digits: int = 2) -> str from "tools:calc"
use temperature=0.5, max_tokens=64

schema Person:
    "someone in a text"
    name: str, "as written"
    age: int?
    mood: "good" | "bad" = "good"
    friends: list[Person] = []


def agent(
    question: str,
    max_steps: int = 4,
) -> str:
    system """
        You are careful: {"json": [1]}.
        Literal dollars are $$5.
        """
    user "Question: ${question}"
    seen = {"a": [1, 2], "b": max_steps}
    for step in range(max_steps):
        assistant:
            "Tool: "
            tool = select(["calc", "search", "answer"])
            if tool == "calc":
                expr = gen(
                    regex=r"[0-9+*/(). -]+",
                    max_tokens=32,
                )
                try:
                    result = calc(expr, digits=2)
                except extern_error as e:
                    result = "nothing: ${e.message}"
            elif tool == "search" and step > 0:
                result = gen(stop="\\n")
            else:
                return [k for k in seen if len(k) > 1]
        tool "Observation: ${result}"
    else:
        "too long"
    return none


fragment both(xs, who="me"):
    fork i, x in enumerate(xs) as t:
        while not x:
            x = x[1:-1] + [i * 2][0]
            if x == who: break
        y = gen(json=Person)
    return t[0].y.name
'''

STRIDE = int(os.environ.get("SGLC_MUTANT_STRIDE", "7"))
"""Of the places where something is taken away or put in, every so many is tried."""


def problems(text: str) -> list[str]:
    found = parse_with_problems(text, "x.sgl")[1]
    return [f"{p.loc.line}:{p.loc.column} {p.code} {p.message}" for p in found]


def replaced(text: str, start: int, end: int, new: str) -> str:
    return text[:start] + new + text[end:]


def deletions() -> Iterator[str]:
    """Each token gone: words, brackets, quotes, operators, colons, commas."""
    for match in itertools.islice(re.finditer(r'"""|\w+|[^\w\s]', AGENT), 0, None, STRIDE):
        yield replaced(AGENT, match.start(), match.end(), "")


def insertions() -> Iterator[str]:
    """Something too much before a word, in turn."""
    pieces = itertools.cycle(
        [")", "(", "]", "[", "}", "{", '"', "'", ":", "=", "1 ", "$", "?", ","]
    )
    for match in itertools.islice(re.finditer(r"(?<=[ (\[])\w", AGENT), 0, None, STRIDE):
        yield replaced(AGENT, match.start(), match.start(), next(pieces))


def indentations() -> Iterator[str]:
    """Each line further in, further out, or behind a tab."""
    lines = AGENT.split("\n")
    for i, line in enumerate(lines):
        if not line.strip():
            continue
        for new in ("  " + line, line[2:] if line[:2] == "  " else line, "\t" + line.lstrip()):
            yield "\n".join([*lines[:i], new, *lines[i + 1 :]])


@pytest.mark.parametrize("mutants", [deletions, insertions, indentations])
def test_one_mistake_is_one_error(mutants: object) -> None:
    assert problems(AGENT) == []
    assert callable(mutants)
    wrong = 0
    for text in mutants():
        errors = problems(text)
        assert len(errors) <= 1, (errors, text)
        wrong += len(errors)
    assert wrong > 12


def body(*lines: str) -> str:
    return "def f(x):\n" + "".join(f"    {line}\n" for line in lines)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (body("a = = 1", "b = 2", "c = 3 +"), [(2, 9), (4, 12)]),
        (body("if x", "    'a'", "for y on x:", "    'b'"), [(2, 9), (4, 11)]),
        (body("usr 'a'", "y = gen(", "asistant 'b'"), [(2, 5), (3, 12), (4, 5)]),
        (body("x = 'open", "y = (1", "z = 2)"), [(2, 9), (3, 9), (4, 10)]),
        (body("if x:", "    a = 1 +", "elif y z:", "    b = ]", "else:", "    c = 1"),
         [(3, 16), (4, 12), (5, 13)]),
        (body("try:", "    a = b c", "except value_error e:", "    d e f"),
         [(3, 15), (4, 24), (5, 9)]),
        (body("while x", "    user", "    if y = 1:", "        pass"), [(2, 12), (4, 14)]),
        (body("'a ${x'", "'b ${}'", "'c \\q'"), [(2, 8), (3, 8), (4, 8)]),
        (body("x[0] = 1", "gen = 2", "return return"), [(2, 5), (3, 5), (4, 12)]),
        ("schema S:\n    a str\n    b: int\n    c: [int]\n", [(2, 7), (4, 8)]),
        ("def f(a b):\n    x = 1 +\n    y = 2\n", [(1, 9), (2, 12)]),
        (body("def g(a b):", "    x = ,", "fragment h(:", "    'x'"), [(2, 13), (3, 13), (4, 15)]),
        (body("user:", "    'a", "    'b", "assistant:", "    x = gen)"),
         [(3, 9), (4, 9), (6, 16)]),
        (body("fork x in y t:", "    a = (", "    b = [1, 2"), [(2, 17), (3, 13), (4, 13)]),
        (body("raise raise", "break 1", "pass pass"), [(2, 11), (3, 11), (4, 10)]),
        (body("x = {1 2}", "    'deeper'", "y = 1 1"), [(2, 12), (4, 11)]),
        (body("'a'", "    'deeper'", "y = 1 1"), [(3, 1), (4, 11)]),
        (body("else:", "    'a'", "'b'", "except:", "    'c'"), [(2, 5)]),
        (body('x = """', "never closed", "y = 1 1"), [(2, 9)]),
        ("use a=\n\ndef f(:\n    'a\n\nextern g\n\nschema T:\n    a: = 1\n",
         [(1, 7), (4, 5), (6, 1), (9, 8)]),
    ],
)  # fmt: skip
def test_each_of_several_mistakes_is_found(text: str, places: list[tuple[int, int]]) -> None:
    assert [(line, column) for _, line, column in found(text)] == places


def test_text_left_open_does_not_turn_later_definitions_inside_out() -> None:
    text = (
        'def a():\n    """\n    text\n\ndef b():\n    """\n    other\n    """\n\n'
        'def c():\n    """third"""\n    x = 1 1\n'
    )
    assert [(code, line) for code, line, _ in found(text)] == [("SGL0107", 2), ("SGL0101", 12)]


def test_many_mistakes_take_time_in_proportion() -> None:
    lines = [f"v{i} = = {i}" if i % 10 == 0 else f"v{i} = {i}" for i in range(1000)]
    assert len(problems(body(*lines))) == 100


def test_a_missing_clause_is_missed_at_the_end_of_the_statement() -> None:
    text = body("try:", "    'a'", "true    pass", "try:", "  x = 1", "try:", "    'b'")
    assert [(line, column) for _, line, column in found(text)] == [(4, 13), (6, 12), (8, 12)]


def test_a_blank_that_is_no_blank_of_scripts_is_one_mistake() -> None:
    """Found by fuzzing: a definition without any line."""
    assert found("def f():\n    'a'\n\u2028\n# b\n") == [("SGL0102", 3, 1)]
