"""What kind of host code a piece is."""

from __future__ import annotations

import pytest

from sglc.ir.core import Op
from sglc.passes.host_code import kind_of


def kind(source: str, name: str = "py.eval") -> str | None:
    return kind_of(Op(name, attrs={"src": source}))


@pytest.mark.parametrize(
    "source",
    [
        "x",
        "1 + 2 * n",
        "s['a'] == 'b' and not done",
        "range(n)",
        "len(xs[1:]) > max(a, key)",
        "s['a'].strip().split(',')",
        "f'{a} and {b!r:>4}'",
        "'-'.join(sorted(xs))",
        "[1, *xs] if xs else {'a': (1, 2)}",
        "sorted(xs, reverse=True)",
    ],
)
def test_values(source: str) -> None:
    assert kind(source) == "value"


@pytest.mark.parametrize(
    "source",
    [
        "load(x)",
        "x.attribute",
        "x.strip()",
        "obj.method()",
        "len(load(x))",
        "sorted(xs, key=load)(1)",
        "f'{load(x)}'",
        "[load(x) for x in xs]",
        "lambda: 1",
        "(y := 1)",
        "await x",
        "s['a'].strip(*load())",
        "s['a'].unknown()",
        "x = 1",
        "print(x)",
        "import os",
        "not python (",
        "x\ny",
    ],
)
def test_host(source: str) -> None:
    assert kind(source) == "host"


def test_what_is_no_piece() -> None:
    assert kind("x = ...", "py.exec") is None
    assert kind("a, b = ...", "py.exec") is None
    assert kind("v == 1", "ex.eval") is None
    assert kind_of(Op("py.call", attrs={"target": "tools:calc"})) == "host"
