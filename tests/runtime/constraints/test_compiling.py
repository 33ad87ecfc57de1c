"""Grammars are compiled beside the step loop, within limits, once."""

from __future__ import annotations

import json
import time
from threading import Event

import pytest

from sglc_runtime.constraints.compiler import KEPT, GrammarCompiler
from sglc_runtime.constraints.matcher import Constraint
from sglc_runtime.engine import EngineLoop
from sglc_runtime.protocol import (
    Cancel,
    Done,
    Failed,
    Generate,
    Generated,
    Sampling,
    Submit,
    Text,
)
from tests.runtime.engine.driving import failure, make_engine, only, run


@pytest.fixture(scope="module")
def engine() -> EngineLoop:
    return make_engine()


def submit(number: int, **sampling: object) -> Submit:
    fields: dict[str, object] = {"max_new_tokens": 8, "temperature": 0.0}
    asked = Sampling(**(fields | sampling))  # type: ignore[arg-type]
    return Submit(number, (Text("Go "),), (Generate(asked),))


def compiler_of(engine: EngineLoop) -> GrammarCompiler:
    return engine.context._grammars


class Slow:
    """Holds back the compilation of what contains `word` until it is let go."""

    def __init__(self, engine: EngineLoop, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go = Event()
        self.compiled: list[str] = []
        real = compiler_of(engine)._compile

        def compile_slowly(kind: str, source: str) -> Constraint:
            if word in source:
                assert self.go.wait(2)
            self.compiled.append(source)
            return real(kind, source)  # type: ignore[arg-type]

        monkeypatch.setattr(compiler_of(engine), "_compile", compile_slowly)


def test_others_go_on_meanwhile(engine: EngineLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(engine, "slow", monkeypatch)
    held = [submit(1, regex="slow|x"), submit(2, regex="slow|x"), submit(3, regex="slow|x")]
    engine.submit([*held, submit(4), submit(5, regex="quick|z")])
    done: list[int] = []
    while len(done) < 2:
        assert engine.step()
        engine.check_integrity()
        done += [event.id for event in only(engine.take_events(), Done)]
    assert sorted(done) == [4, 5]
    assert engine.step()  # waits a moment, and is still busy
    engine.submit([Cancel(3)])
    assert failure(engine.take_events()).kind == "cancelled"
    slow.go.set()
    events = run(engine, [])
    assert {event.id for event in only(events, Generated)} == {1, 2}
    assert sorted(slow.compiled) == ["quick|z", "slow|x"]


def test_a_deadline_holds_while_compiling(
    engine: EngineLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(engine, "late", monkeypatch)
    asked = submit(1, regex="late")
    engine.submit([Submit(1, asked.prefix, asked.steps, deadline=0.05)])
    events = []
    while engine.step():
        events += engine.take_events()
    slow.go.set()
    assert failure(events).kind == "deadline"


@pytest.mark.parametrize(
    "sampling",
    [
        {"regex": "(a{1000}){1000}"},
        {"regex": "a{100000}"},
        {"regex": "((x{100}){100}){100}"},
        {"ebnf": 'root ::= "a"{90000}'},
        {"ebnf": "root ::= " + "(" * 30_000},
        {"json_schema": json.dumps({"type": "string", "pattern": "^(a{999}){999}$"})},
        {"json_schema": json.dumps({"type": "array", "minItems": 10**6})},
        {"json_schema": '{"items":' * 3000 + "{}" + "}" * 3000},
    ],
)
def test_too_much_is_refused_at_once(engine: EngineLoop, sampling: dict[str, str]) -> None:
    began = time.monotonic()
    events = run(engine, [submit(1, **sampling), submit(2)])
    assert time.monotonic() - began < 5
    assert failure(events).kind == "bad_request"
    assert len(failure(events).message) < 300
    assert [event.id for event in only(events, Generated)] == [2]


@pytest.mark.parametrize(
    "sampling",
    [
        {"regex": "a{20000}b"},
        {"regex": "((a+)+)+b"},
        {"regex": ".*a.{30}"},
        {"regex": "(a|b|ab){5000}"},
        {"regex": r"(\w+\s?){500}"},
        {"ebnf": "start: x{4000}\nx: (y | z)\ny: /[ab]+/\nz: /[bc]+/"},
        {"ebnf": 'root ::= root root | "a" | ""'},
        {"json_schema": json.dumps({"anyOf": [{"pattern": f"x{i}.*y"} for i in range(60)]})},
    ],
)  # fmt: skip
def test_hard_grammars_hold_up_nobody(engine: EngineLoop, sampling: dict[str, str]) -> None:
    """They are followed, or end their own request; a pass is never held for long."""
    engine.submit([submit(1, **sampling, max_new_tokens=20), submit(2, max_new_tokens=40)])
    longest, events = 0.0, []
    while True:
        began = time.monotonic()
        if not engine.step():
            break
        longest = max(longest, time.monotonic() - began)
        events += engine.take_events()
    assert longest < 3
    assert 2 in [event.id for event in only(events, Generated)]
    ended = [event for event in events if isinstance(event, Generated | Failed) and event.id == 1]
    assert len(ended) == 1


def test_a_dead_end_says_so(engine: EngineLoop) -> None:
    events = run(engine, [submit(1, ebnf="start: more\nmore: more"), submit(2)])
    assert failure(events).message.startswith("constraint failed: ")
    assert [event.id for event in only(events, Generated)] == [2]


def test_compiled_grammars_are_kept_and_bounded(engine: EngineLoop) -> None:
    grammars = compiler_of(engine)
    first = grammars.begin("regex", "kept")
    assert grammars.begin("regex", "kept") is first
    assert grammars.begin("ebnf", 'root ::= "kept"') is not first
    for number in range(KEPT):
        grammars.begin("regex", f"[a-c]{{{number % 7}}}{number}")
    assert len(grammars._compiled) == KEPT
    assert grammars.begin("regex", "kept") is not first


def test_copies_share_until_they_move(engine: EngineLoop) -> None:
    grammars = compiler_of(engine)
    token = engine.context.encode("a", False)[0]
    one, two = grammars.start("regex", "ab|c"), grammars.start("regex", "ab|c")
    assert one.matcher is two.matcher
    one.accept(token)
    assert one.matcher is not two.matcher
    assert not one.accepting
    assert two.mask is not None
    assert grammars.start("regex", "ab|c").mask is two.mask


def test_the_end_is_allowed_where_the_text_is_whole(engine: EngineLoop) -> None:
    ends = engine.context.eos_ids
    for source, whole in (("a?", True), ("a", False)):
        mask = compiler_of(engine).start("regex", source).mask
        assert mask is not None
        for end in ends:
            assert bool(mask.view("uint32")[end // 32] >> end % 32 & 1) is whole
