"""
Every construct of Python means the same as written, compiled, and without what passes decide.

`SGLC_UPDATE_GOLDEN=1` rewrites docs/python-constructs.md from the tables.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from sglc.diagnostics.core import LowerError
from sglc.execution.pending import Pending
from sglc.execution.session import ExecOptions
from sglc.frontends.python import compile_function
from sglc.frontends.python.compiled import CompiledFunction
from tests.differential.observing import PLAIN, Observed, differences, observe
from tests.python_frontend.constructs.construct import QUESTIONS, Construct
from tests.python_frontend.constructs.tables import CONSTRUCTS, page

PAGE = Path(__file__).parents[2] / "docs" / "python-constructs.md"
ENDS = ("cf.return", "cf.yield", "cf.condition")

every_construct = pytest.mark.parametrize("construct", CONSTRUCTS, ids=lambda c: c.name)


def seen(
    construct: Construct, question: str, arguments: tuple[Any, ...], compiled: bool, **how: Any
) -> Observed:
    def run(**options: Any) -> Any:
        state = construct.program.run(question, *arguments, **options)
        if construct.name == "generator" and not state.error():
            print(list(state.ret_value))
            state.body = Pending.of("what it yields is printed")
        return state

    return observe(
        run,
        construct.program.func.__code__.co_filename,
        compiled=compiled,
        options=how.get("options", ExecOptions()),
        delays=compiled,
    )


@every_construct
@pytest.mark.timeout(20)
def test_modes_agree(construct: Construct) -> None:
    for arguments in construct.arguments:
        for question in QUESTIONS:
            eager = seen(construct, question, arguments, False)
            assert question == "BOOM" or "the model failed" not in eager.error
            compiled = seen(construct, question, arguments, True)
            assert differences(eager, compiled) == []
            for options in (PLAIN, ExecOptions(executor="region")):
                other = seen(construct, question, arguments, True, options=options)
                assert differences(eager, other) == []


def found_how(compiled: CompiledFunction, construct: Construct) -> str:
    """What became of the marked line, by the operations that begin there."""
    if compiled.module is None:
        return "live"
    assert compiled.source is not None
    func = compiled.module.funcs[compiled.source.qualname]
    line = construct.marked
    ops = [op.name for op in func.walk() if op.loc is not None and op.loc.line == line]
    if hasattr(construct.program.func, "__wrapped__"):
        assert not ops
        return "python"
    assert ops, f"nothing at line {line}"
    ours = [n for n in ops if n.startswith(("cf.", "lm."))]
    deciding = [n for n in ours if n not in ENDS and n != "lm.read"] or ours
    if any(n == "py.exec" for n in ops) and not set(deciding) - {"lm.read", "lm.observe"}:
        return "python"
    return "lifted" if deciding else "python"


@every_construct
def test_the_table_is_true(construct: Construct) -> None:
    compiled = compile_function(construct.program.func)
    assert found_how(compiled, construct) == construct.how
    if construct.how != "live":
        assert compiled.module is not None
        return
    (remark,) = compiled.remarks
    assert remark.severity == "remark"
    assert remark.span is not None
    asynchronous = "async" in remark.message
    first = construct.program.func.__code__.co_firstlineno + 2
    assert remark.span.line == (first if asynchronous else construct.marked)
    with pytest.raises(LowerError) as refused:
        compile_function(construct.program.func, strict=True)
    assert refused.value.diagnostics[0].code == remark.code


def test_the_page_is_current() -> None:
    if os.environ.get("SGLC_UPDATE_GOLDEN"):
        PAGE.write_text(page())
    assert PAGE.read_text() == page()
