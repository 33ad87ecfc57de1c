"""Phases of programs: from source, from dumps, up to any phase."""

from __future__ import annotations

from pathlib import Path

import pytest

from sglc.diagnostics.core import UsageError
from sglc.ir import equal
from sglc.ir.printer import print_module
from sglc.passes.instrumentation import Instrumentation
from sglc.passes.observers import KeepTexts
from sglc.passes.pipeline import DEFAULT, Pipeline
from sglc.programs.compilation import Plan, compile_target, phases
from sglc.programs.target import load_module, parse_target

EXAMPLES = Path(__file__).parents[2] / "examples"
PROGRAMS = sorted(str(p) for p in EXAMPLES.iterdir() if p.suffix in (".sgl", ".py"))
TEXTS = Instrumentation(observers=(KeepTexts(),))


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: Path(p).name)
def test_every_dump_goes_on_to_the_same_end(path: str, tmp_path: Path) -> None:
    """Compiling in one go and stopping, printing, parsing and going on agree after every phase."""
    report = compile_target(parse_target(path), Plan(), TEXTS)
    assert [run.name for run in report.runs] == list(Plan().names)
    for run in report.runs[1:]:
        dump = tmp_path / "dump.sglir"
        dump.write_text(run.text or "", encoding="utf-8")
        again = compile_target(parse_target(str(dump)), Plan(start=run.name), TEXTS)
        assert equal(again.value, report.value)
        assert print_module(again.value) == report.runs[-1].text
        rest = [one.number for one in report.runs if one.number > run.number]
        assert [one.number for one in again.runs] == [0, *rest]


def test_stopping_anywhere() -> None:
    target = parse_target(str(EXAMPLES / "judge.sgl"))
    for number, name in enumerate(Plan().names):
        report = compile_target(target, Plan(stop=name))
        assert [run.name for run in report.runs] == list(Plan().names[: number + 1])
    lowered = compile_target(target, Plan(stop="lower")).value
    assert print_module(lowered) == print_module(load_module(target))


def test_names_follow_the_pipeline() -> None:
    plan = Plan(Pipeline.parse("promote,fork-parallel,promote"))
    assert plan.names == ("parse", "lower", "promote", "fork-parallel", "promote.2")
    assert plan.last == "promote.2"
    assert Plan(Pipeline()).last == "lower"


@pytest.mark.parametrize(
    ("kind", "plan", "message", "help"),
    [
        ("sgl", Plan(stop="lowr"), "there is no phase `lowr`", "did you mean `lower`?"),
        ("sgl", Plan(stop="x9"), "there is no phase `x9`", "phases are `parse`, `lower`, `prom"),
        ("sgl", Plan(Pipeline(), stop="promote"), "there is no phase `promote`", "phases are"),
        ("sgl", Plan(start="lower"), "needs a `.sglir` dump", "write it with `sglc compile"),
        ("sglir", Plan(start="parse"), "cannot go on from `parse`", "a syntax tree is for"),
        ("sglir", Plan(start="nope"), "there is no phase `nope`", "phases are"),
        (
            "sglir",
            Plan(start="fork-parallel", stop="promote"),
            "the phase `promote` comes before `fork-parallel`",
            "give `--to` a later phase",
        ),
    ],
)
def test_plans_that_do_not_fit(
    kind: str, plan: Plan, message: str, help: str, tmp_path: Path
) -> None:
    path = EXAMPLES / "judge.sgl"
    if kind == "sglir":
        text = print_module(load_module(parse_target(str(path))))
        path = tmp_path / "judge.sglir"
        path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        phases(parse_target(str(path)), plan)
    (found,) = caught.value.diagnostics
    assert message in found.message
    assert found.helps[0].startswith(help)


def test_remarks_of_front_end_and_passes_come_in_order() -> None:
    report = compile_target(parse_target(str(EXAMPLES / "judge.py")), Plan(DEFAULT))
    codes = [remark.code for remark in report.remarks]
    assert codes.index("SGL0361") < codes.index("SGL0364")
