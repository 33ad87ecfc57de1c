"""What hovering shows."""

from __future__ import annotations

import pytest

from sglc.lsp.hover import hover
from tests.lsp.scripts import analysed

HEADER = """\
use temperature=0.5, max_tokens=9
extern def calc(expr: str) -> float from "tools:calc"

schema Person:
    "someone"
    name: str, "as written"
    age: int?
    friends: list[Person] = []

# Asks a question.
# Twice.
fragment ask(what: str, times: int = 2) -> str:
    reply = gen()
    return reply

def main(q: str, xs: list[int]):
"""


def shown(body: str) -> str:
    analysis, line, column = analysed(HEADER + body)
    found = hover(analysis, line, column)
    return found[0] if found is not None else ""


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ('select(["a", "b"])', '"a" | "b"'),
        ('select(["a", q])', "str"),
        ("gen()", "str"),
        ("gen(n=3)", "list[str]"),
        ("gen(json=Person)", "Person"),
        ("gen(json=Person, n=2)", "list[Person]"),
        ("1 + 2", "int"),
        ("1 / 2", "float"),
        ('"a" + q', "str"),
        ("xs[0]", "int"),
        ("xs[1:]", "list[int]"),
        ("[x * 2 for x in xs]", "list[int]"),
        ("{x: 1 for x in xs}", "dict[str, int]"),
        ('{"a": 1, "b": 2}', "dict[str, int]"),
        ("q.split(',')", "list[str]"),
        ("len(q) > 1 and q", "bool | str"),
        ("q if xs else none", "str?"),
        ("not q", "bool"),
        ("range(3)", "range"),
        ("sorted(xs)", "list[int]"),
        ("max(xs)", "int"),
        ("round(1.5)", "int"),
        ("calc(q)", "float"),
        ("ask(q)", "str"),
        ("main(q, xs)", "any"),
        ("parse_json(q)", "any"),
    ],
)
def test_kinds_of_values(expression: str, kind: str) -> None:
    text = shown(f"    v‸ = {expression}\n    return v\n")
    assert text.split("\n")[1] == f"v: {kind}"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("    for i‸ in range(3):\n        pass\n", "i: int"),
        ("    for c‸ in q:\n        pass\n", "c: str"),
        ("    fork x in xs as t:\n        y = gen()\n    z = t‸\n", "t: list[branch of x, y]"),
        ('    fork x in xs as t:\n        y = select(["a"])\n    z = t[0].y‸\n', 'y: "a"'),
        ("    p = gen(json=Person)\n    z = p.friends[0].age‸\n", "age: int?"),
        ("    try:\n        pass\n    except value_error as e:\n        z = e‸\n", "e: error"),
        ("    n = 0\n    n += 1\n    z = n‸\n", "n: int"),
        ("    a = none\n    a = 1\n    z = a‸\n", "a: int?"),
        ("    z = [w‸ for w in xs]\n", "w: int"),
        ("    def inner(k: bool):\n        return k‸\n", "k: bool"),
    ],
)
def test_kinds_of_names(body: str, kind: str) -> None:
    assert shown(body).split("\n")[1] == kind


def test_parameters_in_force_say_where_they_come_from() -> None:
    text = shown('    v‸ = gen(max_tokens=3, stop="\\n")\n')
    assert text.split("\n\n")[1].split("\n") == [
        "`lm.gen` with", "- `max_tokens=3`", '- `stop="\\n"`', "- `temperature=0.5` from `use`",
    ]  # fmt: skip
    assert shown("    gen‸()\n") == (
        "`lm.gen` with\n- `temperature=0.5` from `use`\n- `max_tokens=9` from `use`"
    )
    # `use` says nothing about `select`.
    assert shown('    select‸(["a"])\n') == '`lm.select` with\n- `choices=["a"]`'


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (
            "    ask‸(q)\n",
            ["fragment ask(what: str, times: int = 2) -> str", "Asks a question.\nT"],
        ),
        ("    v = calc‸(q)\n", ['extern def calc(expr: str) -> float from "tools:calc"']),
        ("    v‸ = calc(q)\n", ["v: float", "`py.call @calc`"]),
        ("    v‸ = ask(q)\n", ["v: str", "`cf.call @ask`"]),
        ("    v = gen(json=Person‸)\n", ["schema Person:", "    age: int?", "someone"]),
        ("    v = ask(q, times‸=1)\n", ["times: int = 2"]),
        ("    v = q.upper‸()\n", ["upper()", "in capitals"]),
        ("    v = enumerate‸(xs)\n", ["enumerate(xs, start=0)"]),
        ("    v = gen(top_p‸=0.5)\n", ["`top_p` of `gen`: a number, from 0 to 1"]),
        ("    fork‸ 2:\n        pass\n", ["`lm.fork`"]),
        ("    user‸ 'a'\n", ["a message of the user"]),
        ('    "${q‸}"\n', ["q: str"]),
    ],
)
def test_other_names(body: str, parts: list[str]) -> None:
    text = shown(body)
    for part in parts:
        assert part in text


@pytest.mark.parametrize("body", ["    # gen‸\n    pass\n", "    'fork‸'\n", "    x = 1‸2\n"])
def test_nothing_to_say(body: str) -> None:
    assert shown(body) == ""
