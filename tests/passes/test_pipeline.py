"""Pipelines: text form, options, errors, verification and callbacks between passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sglc.diagnostics.core import PassError, VerifyError
from sglc.ir.core import Module
from sglc.passes.base import Pass, PassResult
from sglc.passes.fork_parallel import ForkParallel
from sglc.passes.pipeline import DEFAULT, PASSES, Pipeline
from sglc.passes.prefix_hoist import PrefixHoist
from sglc.passes.promote import Promote
from tests.ir.check import parse

PASS = st.one_of(
    st.builds(Promote),
    st.builds(ForkParallel),
    st.builds(PrefixHoist, min_tokens=st.integers(-5, 99), min_chars=st.integers(0, 99)),
)


@given(st.lists(PASS, max_size=5).map(tuple).map(Pipeline))
def test_text_round_trip(pipeline: Pipeline) -> None:
    assert Pipeline.parse(str(pipeline)) == pipeline


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("", ""),
        ("  promote ,fork-parallel", "promote,fork-parallel"),
        ("prefix-hoist{min-tokens=16}", "prefix-hoist{min-tokens=16}"),
        (
            "prefix-hoist{min-chars=2, min-tokens=16}",
            "prefix-hoist{min-tokens=16 min-chars=2}",
        ),
        ("prefix-hoist{}", "prefix-hoist"),
        ("prefix-hoist{min-tokens=1}", "prefix-hoist"),
        ("promote,promote", "promote,promote"),
    ],
)
def test_printed_form_is_canonical(text: str, printed: str) -> None:
    assert str(Pipeline.parse(text)) == printed


def test_default_prints_back_and_names_registered_passes() -> None:
    assert str(DEFAULT) == "promote,prefix-hoist,fork-parallel"
    assert Pipeline.parse(str(DEFAULT)) == DEFAULT
    assert all(PASSES[p.name] is type(p) for p in DEFAULT.passes)


@pytest.mark.parametrize(
    ("text", "code", "at", "message", "help"),
    [
        ("prmote", "SGL0380", "prmote", "unknown pass `prmote`", "did you mean `promote`?"),
        ("zzz", "SGL0380", "zzz", "unknown pass `zzz`", "passes are `promote`, `prefix-hoist`"),
        ("promote, prmote", "SGL0380", "prmote", "unknown pass `prmote`", "did you mean `pr"),
        ("promote,,promote", "SGL0381", ",promote", "a pass was expected at `,promote`", "write"),
        ("promote,", "SGL0381", ",", "a pass was expected after the last comma", "write"),
        ("promote{", "SGL0381", "{", "the options of pass `promote` do not end", "add a `}`"),
        ("promote fork-parallel", "SGL0381", "fork-parallel", "a comma was expected", "write"),
        ("promote{x=1}", "SGL0382", "x", "pass `promote` has no option `x`", "it has no options"),
        (
            "promote, prefix-hoist{min-token=1}",
            "SGL0382",
            "min-token",
            "no option `min-token`",
            "did you mean `min-tokens`?",
        ),
        ("prefix-hoist{q=1}", "SGL0382", "q", "no option `q`", "its options are `min-tokens`"),
        ("prefix-hoist{min-tokens}", "SGL0381", "min-tokens", "is no option", "write options as"),
        (
            "prefix-hoist{min-tokens=a}",
            "SGL0382",
            "a}",
            "is `a`, which is no int",
            "its default is `1`",
        ),
        ("prefix-hoist{min-tokens=1 min-tokens=2}", "SGL0381", "min-tokens=2", "given twice", ""),
        ("promote,\n  prmote", "SGL0380", "prmote", "unknown pass `prmote`", "did you mean"),
    ],
)
def test_bad_pipelines(text: str, code: str, at: str, message: str, help: str) -> None:
    with pytest.raises(PassError) as caught:
        Pipeline.parse(text)
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert message in found.message
    assert "".join(found.helps).startswith(help)
    assert found.span is not None
    lines = text.split("\n")
    assert lines[found.span.line - 1][found.span.column - 1 :].startswith(at)
    assert found.span.end_column > found.span.column
    assert caught.value.sources == {found.span.file: text}


def test_without() -> None:
    assert str(DEFAULT.without("promote")) == "prefix-hoist,fork-parallel"
    with pytest.raises(PassError, match="unknown pass `promot`"):
        DEFAULT.without("promot")


BODY = 'lm.text(%s) {text = ["Hello"]}\n%v = lm.gen(%s)\ncf.return(%v)'


def test_run_returns_all_remarks() -> None:
    remarks = DEFAULT.run(parse(BODY))
    assert [r.code for r in remarks] == ["SGL0361"]
    assert {r.severity for r in remarks} == {"remark"}


def test_phases_are_named_by_pass_and_numbered_after_the_front_end() -> None:
    phases = Pipeline.parse("promote,prefix-hoist,promote,promote").phases()
    assert [(p.number, p.name) for p in phases] == [
        (2, "promote"),
        (3, "prefix-hoist"),
        (4, "promote.2"),
        (5, "promote.3"),
    ]


@dataclass(frozen=True)
class _Break(Pass):
    """A broken pass: it drops the terminator."""

    name: ClassVar[str] = "break"

    def apply(self, module: Module) -> PassResult:
        module.funcs["f"].body.ops[-1].erase()
        return PassResult(changed=True)


def test_a_broken_pass_is_found_right_after_it_ran() -> None:
    pipeline = Pipeline((Promote(), _Break(), PrefixHoist()))
    with pytest.raises(VerifyError, match=r"ends in `lm\.gen`") as caught:
        pipeline.run(parse(BODY))
    assert caught.value.diagnostics[0].notes[-1] == "found after `break`"
    pipeline.run(parse(BODY), verify=False)


def test_a_pass_that_says_it_changed_nothing_changed_nothing() -> None:
    from sglc.ir.printer import print_module

    module = parse("cf.return(%x)", params="%x: val")
    before = print_module(module)
    for one in DEFAULT.passes:
        assert not one.apply(module).changed
    assert print_module(module) == before
