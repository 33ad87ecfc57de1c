"""What can be completed, in whole scripts and half-written ones."""

from __future__ import annotations

import pytest

from sglc.lsp.complete import complete
from tests.lsp.scripts import analysed

HEADER = """\
schema Person:
    name: str

def helper(first: str, second: int = 1):
    pass

"""


def labels(body: str) -> list[str]:
    analysis, line, column = analysed(HEADER + body)
    return [each.label for each in complete(analysis, line, column)]


@pytest.mark.parametrize(
    ("body", "wanted", "unwanted"),
    [
        ("‸", ["def", "fragment", "schema", "use"], ["if", "gen"]),
        ("def f(q):\n    ‸", ["user", "q", "gen", "helper", "for", "return"], ["schema"]),
        ("def f(q):\n    x = gen()\n    y = ‸\n", ["x", "q", "gen", "none"], ["for", "user"]),
        ("def f(q):\n    if q:\n        z = 1\n        ‸\n    return 1\n", ["z", "q"], ["def f"]),
        ("def f(p):\n    gen(‸)\n", ["max_tokens=", "temperature=", "json="], ["choices="]),
        ("def f(p):\n    gen(stop='a', ‸", ["max_tokens="], ["stop="]),
        ("def f(p):\n    select(‸", ["method=", "choices="], ["max_tokens="]),
        ("def f(p):\n    gen(json=‸)\n", ["Person"], ["temperature="]),
        ("def f(p):\n    gen(dtype=‸)\n", ["int", "bool"], ["list"]),
        ("use ‸", ["temperature=", "top_p="], ["json=", "def"]),
        ("def f(p):\n    helper(‸)\n", ["first=", "second=", "p"], ["max_tokens="]),
        ("def f(p):\n    helper('a', ‸)\n", ["second="], ["first="]),
        ("def f(p: ‸", ["str", "list", "Person"], ["for"]),
        ("def f(p) -> ‸:\n    pass\n", ["str", "Person"], ["for"]),
        ("schema S:\n    a: ‸\n", ["str", "Person"], ["for"]),
        ("def f():\n    p = gen(json=Person)\n    p.‸\n", ["name", "get"], ["upper"]),
        ("def f(s: str):\n    '${s.‸}'\n", ["upper", "split"], ["get", "name"]),
        ("def f():\n    fork x in [1] as t:\n        y = 1\n    for b in t:\n        b.‸",
         ["x", "y"], ["upper"]),
        ("def f():\n    try:\n        pass\n    except ‸", ["gen_error"], ["for"]),
        ("def f(q):\n    x = q ‸\n", ["and", "if"], ["gen"]),
        ("def f(q):\n    x = (q +\n    ‸\n", ["q", "helper"], ["for"]),
        ("def f(q):\n    def inner(z):\n        pass\n    ‸", ["inner", "q"], ["z"]),
        ("def f(q):\n    fork x in [1]:\n        ‸\n", ["x", "q"], []),
    ],
)  # fmt: skip
def test_proposals(body: str, wanted: list[str], unwanted: list[str]) -> None:
    found = labels(body)
    assert [word for word in wanted if word not in found] == []
    assert [word for word in unwanted if word in found] == []
    assert len(found) == len(set(found))


@pytest.mark.parametrize("body", ["def f():\n    'a ‸'\n", "# ‸\n", 'def f():\n    """\n    a‸\n'])
def test_none_in_text(body: str) -> None:
    assert labels(body) == []


def test_proposals_come_before_others_that_are_less_likely() -> None:
    found = labels("def f(q):\n    x = gen()\n    ‸")
    assert found.index("user") < found.index("x") < found.index("helper") < found.index("while")
