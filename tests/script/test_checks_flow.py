"""Static checks: reads before gens, lost answers, forks that never differ."""

from __future__ import annotations

import pytest

from sglc.frontends.script import check_script
from tests.script.check import body, check_error, found


def program(lines: str, head: str = "def f(x, xs, c):\n") -> str:
    return head + body(lines)


@pytest.mark.parametrize(
    ("lines", "code", "line", "column", "message"),
    [
        ("'${a}'\na = gen()", "SGL0227", 2, 8, "`a` is read before it is set"),
        ("user:\n    '${a}'\nassistant:\n    a = gen()", "SGL0227", 3, 12,
         "`a` is read before it is set"),
        ("if c:\n    b = a\na = gen()", "SGL0227", 3, 13, "`a` is read before it is set"),
        ("fork i in xs as t:\n    'a${t}'\nt = 1", "SGL0202", 3, 13, "undefined name `t`"),
        ("a = gen()\na = gen()\nreturn a", "SGL0230", 3, 5,
         "`a` is generated and set again before it is read"),
        ("a = select(xs)\na = 1\nreturn a", "SGL0230", 3, 5,
         "`a` is generated and set again before it is read"),
        ("a = gen()\nif c:\n    'x'\na = gen()\nreturn a", "SGL0230", 5, 5,
         "`a` is generated and set again before it is read"),
        ("if c:\n    a = gen()\n    a = gen()\n    'x${a}'", "SGL0230", 4, 9,
         "`a` is generated and set again before it is read"),
        ("fork i in xs as t:\n    a = gen(stop=i)\n    a = gen()", "SGL0230", 4, 9,
         "`a` is generated and set again before it is read"),
        ("fork 3 as t:\n    a = gen(temperature=0)", "SGL0231", 2, 5,
         "the branches of this fork never differ"),
        ("fork i in xs as t:\n    'Think: '\n    a = select(['a', 'b'])", "SGL0231", 2, 5,
         "the branches of this fork never differ"),
        ("fork i in xs as t:\n    for k in range(3):\n        a = gen(temperature=0.0)",
         "SGL0231", 2, 5, "the branches of this fork never differ"),
    ],
)  # fmt: skip
def test_mistake(lines: str, code: str, line: int, column: int, message: str) -> None:
    check_error(program(lines), code, line, column, message)


@pytest.mark.parametrize(
    "lines",
    [
        # Read on one way at least, or not surely set again.
        "a = gen()\nif c:\n    'x${a}'\na = gen()\nreturn a",
        "a = gen()\nif c:\n    a = gen()\nreturn a",
        "a = gen()\nfor i in xs:\n    a = gen()\nreturn a",
        "for i in xs:\n    a = gen()",
        "for i in xs:\n    a = gen()\n    '${a}'\n    a = gen()",
        "while c:\n    a = gen()\n    if a:\n        break\n    a = gen()",
        "a = gen()\na = a + gen2(a)\nreturn a".replace("gen2(a)", "'x'"),
        "a = gen()\nb = [i for i in xs if i == a]\na = gen()\nreturn [a, b]",
        "a = gen()\nfork i in xs:\n    'x${a}${i}'\n    b = gen()\na = gen()\nreturn a",
        "try:\n    a = gen()\nexcept gen_error:\n    a = 'none'\nreturn a",
        "a = gen()\ntry:\n    b = xs[0] + a\nexcept:\n    a = 1\nreturn a",
        "a = 1\na = gen()\nreturn a",
        "gen()\ngen()",
        "if c:\n    a = gen()\nelse:\n    a = gen()\nreturn a",
        # Branches that may differ.
        "fork 3 as t:\n    a = gen()",
        "fork 3 as t:\n    a = gen(temperature=x)",
        "fork 3 as t:\n    a = gen(temperature=0)\n    b = gen(temperature=0.5)",
        "fork 3 as t:\n    a = gen(temperature=0)\n    b = g()",
        "fork 1 as t:\n    a = gen(temperature=0)",
        "fork i in xs as t:\n    if i == 'x':\n        a = gen(temperature=0)",
        "fork i in xs as t:\n    a = gen(temperature=0, stop=i)",
        "fork i in xs:\n    'x'",
    ],
)
def test_good(lines: str) -> None:
    text = program(lines) + "def g():\n    return gen()\n"
    assert [d.message for d in check_script(text)] == []


def test_use_can_make_generations_greedy() -> None:
    text = program("fork 2 as t:\n    a = gen()", "use temperature=0\ndef f():\n")
    assert found(text) == [("SGL0231", 3, 5)]
    text = text.replace("gen()", "gen(temperature=1)")
    assert found(text) == []


def test_read_before_set_shows_where_it_is_set() -> None:
    (only,) = check_script(program("'${a}'\na = gen()"), file="x.sgl")
    assert [(str(label.span), label.text) for label in only.labels] == [("x.sgl:3:5", "set here")]


def test_lost_answer_shows_the_answer() -> None:
    (only,) = check_script(program("a = gen()\na = gen()\nreturn a"), file="x.sgl")
    assert [str(label.span) for label in only.labels] == ["x.sgl:2:9"]
    assert only.severity == "warning"


@pytest.mark.parametrize("count", [200, 1000])
def test_deep_and_wide_functions_are_checked(count: int) -> None:
    """Many variables and branches: what is known is kept in layers, not copied."""
    lines = [f"v{i} = x\nif v{i}:\n    w{i} = v{i // 2}\nelse:\n    w{i} = 1" for i in range(count)]
    lines.append("return [" + ", ".join(f"w{i}" for i in range(50)) + "]")
    assert found(program("\n".join(lines))) == []
