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
from sglc.passes.pipeline import DEFAULT, PASSES, PassRun, Pipeline
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
    ("text", "code", "message", "help"),
    [
        ("prmote", "SGL0380", "unknown pass `prmote`", "did you mean `promote`?"),
        ("promote,,promote", "SGL0381", "a pass was expected at `,promote`", None),
        ("promote,", "SGL0381", "a pass was expected at `promote,`", None),
        ("promote{", "SGL0381", "a pass was expected at `promote{`", None),
        ("promote fork-parallel", "SGL0381", "a pass was expected", None),
        ("promote{x=1}", "SGL0382", "pass `promote` has no option `x`", None),
        (
            "prefix-hoist{min-token=1}",
            "SGL0382",
            "no option `min-token`",
            "did you mean `min-tokens`?",
        ),
        ("prefix-hoist{min-tokens}", "SGL0381", "`min-tokens` is no option", None),
        ("prefix-hoist{min-tokens=a}", "SGL0382", "is `a`, which is no int", None),
        ("prefix-hoist{min-tokens=1 min-tokens=2}", "SGL0381", "is given twice", None),
    ],
)
def test_bad_pipelines(text: str, code: str, message: str, help: str | None) -> None:
    with pytest.raises(PassError) as caught:
        Pipeline.parse(text)
    found = caught.value.diagnostics[0]
    assert found.code == code
    assert message in found.message
    if help:
        assert help in found.helps


def test_without() -> None:
    assert str(DEFAULT.without("promote")) == "prefix-hoist,fork-parallel"
    with pytest.raises(PassError, match="unknown pass `promot`"):
        DEFAULT.without("promot")


BODY = 'lm.text(%s) {text = ["Hello"]}\n%v = lm.gen(%s)\ncf.return(%v)'


def test_run_reports_each_pass_and_returns_all_remarks() -> None:
    runs: list[tuple[str, PassRun]] = []
    module = parse(BODY)
    remarks = DEFAULT.run(module, after=lambda p, m, run: runs.append((p.name, run)))
    assert [name for name, _ in runs] == ["promote", "prefix-hoist", "fork-parallel"]
    assert [run.changed for _, run in runs] == [True, True, False]
    assert all(run.seconds >= 0 for _, run in runs)
    assert [r for _, run in runs for r in run.remarks] == remarks
    assert {r.severity for r in remarks} == {"remark"}


@dataclass(frozen=True)
class _Break(Pass):
    """A broken pass: it drops the terminator."""

    name: ClassVar[str] = "break"

    def apply(self, module: Module) -> PassResult:
        module.funcs["f"].body.ops[-1].erase()
        return PassResult(changed=True)


def test_a_broken_pass_is_found_right_after_it_ran() -> None:
    seen: list[str] = []
    pipeline = Pipeline((Promote(), _Break(), PrefixHoist()))
    with pytest.raises(VerifyError, match=r"ends in `lm\.gen`"):
        pipeline.run(parse(BODY), after=lambda p, m, r: seen.append(p.name))
    assert seen == ["promote"]
    pipeline.run(parse(BODY), verify=False)


def test_a_pass_that_says_it_changed_nothing_changed_nothing() -> None:
    from sglc.ir.printer import print_module

    module = parse("cf.return(%x)", params="%x: val")
    before = print_module(module)
    for one in DEFAULT.passes:
        assert not one.apply(module).changed
    assert print_module(module) == before
