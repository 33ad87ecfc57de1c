"""Functions inside functions, raised errors, forks over pairs and images: what is checked."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.diagnostics.render import render
from sglc.frontends.script import check_script, compile_script
from tests.script.check import found


def body(*lines: str) -> str:
    return "def f(x, xs):\n" + "".join(f"    {line}\n" for line in lines)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # local functions
        (body("def g(a, b=1):", "    return a + b + x", "return g(1) + g(1, b=2)"), []),
        (body("y = g(1)", "def g(a):", "    return a", "return y"), []),
        (body("if x:", "    def g():", "        return 1", "return g()"), [("SGL0241", 3, 13)]),
        (body("def g():", "    return y", "z = g()", "y = 1", "return z"), [("SGL0227", 4, 9)]),
        (body("def g():", "    return q", "return g()"), [("SGL0202", 3, 16)]),
        (body("def g():", "    x = 1", "    return x", "return g() + x"), []),
        (body("def g():", "    return 1", "g = 2", "return g"), [("SGL0210", 2, 9)]),
        (body("def g():", "    return 1", "def g():", "    return 2"), [("SGL0210", 4, 9)]),
        (body("def g():", "    return g", "return g()"), [("SGL0202", 3, 16)]),
        (body("def g(a):", "    return 1", "return g()"), [("SGL0204", 4, 12)]),
        (body("def g():", "    return x", "fork x in xs as t:", "    y = g()", "return t"),
         [("SGL0242", 5, 13)]),
        (body("def g():", "    return x", "def h():", "    x = 2", "    return g() + x",
              "return h()"), [("SGL0242", 6, 16)]),
        (body("fragment g():", "    user 'a'", "user:", "    g()"), [("SGL0209", 5, 9)]),
        ("def g():\n    return 1\n" + body("def g():", "    return 2", "return g()"), []),
        (body("def g():", "    return 1", "return 2") + "def h():\n    return g()\n",
         [("SGL0201", 6, 12)]),
        # errors
        (body("raise"), [("SGL0240", 2, 5)]),
        (body("raise 'why'"), [("SGL0240", 2, 11)]),
        (body("raise value_error"), [("SGL0240", 2, 11)]),
        (body("raise valu_error('x')"), [("SGL0201", 2, 11)]),
        (body("try:", "    'a'", "except:", "    raise"), []),
        (body("try:", "    'a'", "except (gen_error, foo):", "    raise"), [("SGL0219", 4, 24)]),
        (body("try:", "    'a'", "finally:", "    raise"), [("SGL0240", 5, 9)]),
        (body("try:", "    return 1", "finally:", "    'x'", "'never'"), [("SGL0225", 6, 5)]),
        (body("while x:", "    break", "else:", "    break"), [("SGL0213", 5, 9)]),
        # forks and images
        (body("fork a, b in xs as t:", "    y = gen()", "    '${a}${b}'", "return t"), []),
        (body("fork a, b in xs as t:", "    a = 1", "    y = gen()", "return t"), []),
        (body("image(x)", "image('a' + x)"), []),
        (body("y = image(x)", "return y"), [("SGL0214", 2, 9)]),
        (body("'${image(x)}'"), [("SGL0214", 2, 8)]),
        (body("image()"), [("SGL0204", 2, 5)]),
        (body("image(x, size=2)"), [("SGL0204", 2, 14)]),
        (body("image(zz)"), [("SGL0202", 2, 11)]),
        ("def image(a):\n    return a\n" + body("y = image(x)", "return y"), []),
        # `==` for `=`
        (body("y == gen()", "return y"), [("SGL0215", 2, 5)]),
        (body("y == x + 1", "return y"), [("SGL0215", 2, 5)]),
    ],
)  # fmt: skip
def test_found(text: str, expected: list[tuple[str, int, int]]) -> None:
    assert found(text) == expected


PIECES = st.sampled_from(
    ["def f(x):\n", "    ", "  ", "\n", "if x:\n", "else:\n", "try:\n", "except:\n", "finally:\n",
     "raise", "fork i, j in x as t:\n", "gen()", "x = ", "'a'", '"""',
     "${", "}", "(", ")", "[", "]",
     "{", ":", ",", "schema S:\n", "a: str", "?", "|", "#", "\\", "$", "1", ".", "image(x)", "user",
     "fragment g():\n", "return ", "x", "\t", "\r\n", "\x00", "é", "in", "for "]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES | st.text(max_size=3), max_size=25).map("".join))
def test_any_text_gets_diagnostics_inside_it_or_compiles(text: str) -> None:
    diagnostics = check_script(text, file="x.sgl")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for each in diagnostics:
        assert each.span is not None
        assert 1 <= each.span.line <= len(lines)
        assert 1 <= each.span.column <= len(lines[each.span.line - 1]) + 2
    assert render(diagnostics, sources={"x.sgl": text}) or not diagnostics
    if not any(each.severity == "error" for each in diagnostics):
        compile_script(text, file="x.sgl")
