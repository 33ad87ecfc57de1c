"""Shared by the IR tests: modules from op lists, and one helper for error checks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sglc.diagnostics.core import Diagnostic, SglcError
from sglc.ir.core import Module
from sglc.ir.parser import parse_module


def program(body: str, params: str = "%s: handle, %x: val", attrs: str = "") -> str:
    """IR text of a module with one function; each op line gets its own line number as location."""
    lines = body.strip("\n").split("\n")
    numbered = []
    for number, line in enumerate(lines, start=1):
        located = not line.strip() or line.rstrip().endswith("{") or "!" in line
        numbered.append(line if located else f"{line} !{number}:1-{number}:9")
    text = "\n".join(numbered)
    return f'sglir 1\nmodule "t.sgl"{attrs}\nfunc @f({params}) {{\n{text}\n}} !1:1-9:9\n'


def parse(body: str, params: str = "%s: handle, %x: val", attrs: str = "") -> Module:
    """The module of `program`."""
    return parse_module(program(body, params, attrs))


def check_error(
    run: Callable[[], object], kind: type[SglcError], line: int, column: int, message: str
) -> Diagnostic:
    """`run` raises `kind` whose first diagnostic has this place and contains this message."""
    with pytest.raises(kind) as caught:
        run()
    first = caught.value.diagnostics[0]
    assert message in first.message
    assert first.span is not None
    assert (first.span.line, first.span.column) == (line, column), str(caught.value)
    return first
