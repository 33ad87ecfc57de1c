"""The object between phases: what observers see, when modules are verified, how time is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from itertools import count
from typing import Any

import pytest

from sglc.diagnostics.core import Diagnostic, VerifyError
from sglc.ir.core import Module
from sglc.ir.printer import print_module
from sglc.passes import instrumentation, observers
from sglc.passes.instrumentation import Instrumentation, Phase, PhaseRun, Product
from tests.ir.check import parse

REMARK = Diagnostic(code="SGL0361", message="found", severity="remark")


def given() -> Module:
    return parse('lm.text(%s) {text = ["Hello"]}\n%v = lm.gen(%s)\ncf.return(%v)')


def nothing(module: Module) -> Product:
    return Product(module, changed=False)


def shorten(module: Module) -> Product:
    module.funcs["f"].body.ops[0].erase()
    return Product(module, remarks=(REMARK,))


def damage(module: Module) -> Product:
    module.funcs["f"].body.ops[-1].erase()
    return Product(module)


@dataclass(frozen=True)
class Watch:
    """Keeps what it is shown."""

    needs_text: bool = True
    runs: list[PhaseRun] = field(default_factory=list)

    def __call__(self, run: PhaseRun) -> None:
        self.runs.append(run)


def seconds() -> Any:
    """A clock on which every reading is one second later."""
    ticks: Iterator[int] = count()
    return lambda: float(next(ticks))


def test_observers_see_each_phase_with_the_text_before_and_after() -> None:
    module, watch = given(), Watch()
    first = print_module(module)
    phases = [Phase("same", 2, nothing), Phase("short", 3, shorten)]
    report = Instrumentation(observers=(watch,)).run(phases, Product(module))
    same, short = watch.runs
    assert (same.name, same.number, same.changed, same.differs) == ("same", 2, False, False)
    assert (short.name, short.number, short.changed, short.differs) == ("short", 3, True, True)
    assert same.before == same.text == short.before == first
    assert short.text == print_module(module) != first
    assert report.value is module
    assert report.remarks == [REMARK]
    assert [(r.name, r.text) for r in report.runs] == [(r.name, r.text) for r in watch.runs]


def test_texts_are_only_made_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(module: Module) -> str:
        raise AssertionError("printed")

    monkeypatch.setattr(instrumentation, "print_module", refuse)
    watch = Watch(needs_text=False)
    Instrumentation(observers=(watch,)).run([Phase("short", 2, shorten)], Product(given()))
    assert watch.runs[0].text is None


def test_a_first_phase_has_nothing_before_it() -> None:
    watch = Watch()
    tree = Product({"a": 1}, show=lambda: "tree")
    phases = [Phase("parse", 0, lambda _: tree), Phase("lower", 1, lambda _: Product(given()))]
    report = Instrumentation(observers=(watch,)).run(phases)
    assert [(r.text, r.before, r.module) for r in watch.runs] == [
        ("tree", None, False),
        (print_module(report.value), "tree", True),
    ]
    assert report.runs[0].verifying is None
    assert report.runs[1].verifying is not None


def test_only_changed_modules_are_verified_and_time_is_kept_apart() -> None:
    phases = [Phase("same", 2, nothing), Phase("short", 3, shorten)]
    report = Instrumentation(clock=seconds()).run(phases, Product(given()))
    assert report.verified == 1.0
    assert [(r.seconds, r.verifying) for r in report.runs] == [(1.0, None), (1.0, 1.0)]
    report = Instrumentation(verify=False, clock=seconds()).run(phases[1:], Product(given()))
    assert (report.verified, report.runs[0].verifying) == (None, None)


def test_broken_ir_is_shown_before_it_is_refused() -> None:
    watch = Watch()
    with pytest.raises(VerifyError) as caught:
        Instrumentation(observers=(watch,)).run([Phase("bad", 2, damage)], Product(given()))
    assert caught.value.diagnostics[0].notes[-1] == "found after `bad`"
    assert "cf.return" not in (watch.runs[0].text or "cf.return")
    module = given()
    damage(module)
    with pytest.raises(VerifyError) as caught:
        Instrumentation().run([], Product(module))
    assert caught.value.diagnostics[0].notes[-1] == "found after the input"


def test_a_phase_that_changes_in_secret_is_caught() -> None:
    def lie(module: Module) -> Product:
        return Product(shorten(module).value, changed=False)

    with pytest.raises(AssertionError, match="`lie` says that it changed nothing"):
        Instrumentation(observers=(Watch(),)).run([Phase("lie", 2, lie)], Product(given()))


def test_everything_is_frozen() -> None:
    for module in (instrumentation, observers):
        classes = [c for c in vars(module).values() if isinstance(c, type)]
        own = [c for c in classes if c.__module__ == module.__name__ and fields_of(c)]
        assert own
        assert all(c.__dataclass_params__.frozen for c in own)


def fields_of(cls: Any) -> bool:
    return hasattr(cls, "__dataclass_fields__") and bool(fields(cls))
