"""
Passes do not change what a script means: every prompt, the text, the value, the failure.

Random scripts run on the recording backend, whose answers depend on prompt, parameters and seed,
under each pipeline, and from their printed IR.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from sglc.backends.recording import RecordingBackend
from sglc.diagnostics.core import SglcError
from sglc.ir.core import Module
from sglc.ir.printer import print_module
from sglc.passes.pipeline import Pipeline
from sglc.programs.program import RunOptions, load
from sglc.programs.target import load_module, parse_target
from tests.differential.observing import wait_until_idle
from tests.passes.random_scripts import scripts

PIPELINES = (
    "promote",
    "prefix-hoist",
    "fork-parallel",
    "promote,prefix-hoist,fork-parallel",
)
Prompts = dict[str, list[str]]
Behaviour = tuple[Prompts, str, object, object]
"""Prompts by state in order, text, value, failure: all that can be observed of a run."""


def behaviour(path: Path, pipeline: str) -> Behaviour:
    backend = RecordingBackend(seeded=True)
    how = RunOptions(backend=backend, seed=3, pipeline=Pipeline.parse(pipeline))
    failure: object = None
    value: object = None
    text = ""
    try:
        state = load(f"{path}:main").run(how, topic="cats")
        text, value = state.text(), state.ret_value
    except SglcError as error:
        first = error.diagnostics[0]
        place = (first.span.line, first.span.column) if first.span else None
        failure = (type(error).__name__, first.code, first.message, place)
    # What nobody waits for, such as a branch whose record is not used, may still be under way.
    wait_until_idle(backend)
    return backend.prompts, text, value, failure


def check_same(reference: Behaviour, other: Behaviour, what: str) -> None:
    """Equal; after one branch failed, other branches may have come further side by side."""
    assert other[1:] == reference[1:], what
    if "fork-parallel" not in what:
        assert other[0] == reference[0], what
    for state, prompts in reference[0].items():
        assert other[0][state][: len(prompts)] == prompts, what


def check_marks(path: Path, prompts: Prompts) -> None:
    """Text that prefix-hoist claims for `main` is what its prompts start with."""
    module = compiled(path, "promote,prefix-hoist")
    segments = module.funcs["main"].attrs.get("prefix", ())
    claimed = segments[0] if isinstance(segments, tuple) and segments else ""
    assert isinstance(claimed, str)
    assert all(prompt.startswith(claimed) for prompt in prompts.get("root", []))


def compiled(path: Path, pipeline: str) -> Module:
    module = load_module(parse_target(str(path)))
    Pipeline.parse(pipeline).run(module)
    return module


def check_script(source: str) -> Behaviour:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "p.sgl")
        path.write_text(source, "utf-8")
        reference = behaviour(path, "")
        for pipeline in PIPELINES:
            check_same(reference, behaviour(path, pipeline), pipeline)
        for pipeline in ("", PIPELINES[-1]):
            dump = Path(folder, "p.sglir")
            dump.write_text(print_module(compiled(path, pipeline)), "utf-8")
            check_same(reference, behaviour(dump, ""), f"dump after `{pipeline}`")
        check_marks(path, reference[0])
        return reference


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(scripts())
def test_random_scripts(source: str) -> None:
    check_script(source)


HAND_WRITTEN = {
    "checkpoint": """
def main(topic: str) -> str:
    "a "
    y = "start"
    try:
        y = gen(max_tokens=2)
        z = int(y)
        y = "not reached"
    except value_error:
        "failed after ${y}"
    last = gen(max_tokens=3)
    return "${y} ${last}"
""",
    "break through try and if": """
def main(topic: str) -> str:
    "a "
    x = "none"
    for i in range(5):
        try:
            x = gen(max_tokens=2)
            if i == 2:
                " leaving "
                break
            n = int(x)
        except value_error:
            "turn ${i} "
            if i == 1:
                continue
            "more "
    x = gen(max_tokens=3)
    return x
""",
    "failure in a branch": """
def main(topic: str) -> str:
    "Topics "
    fork t in ["a", "b"] as r:
        "Same start, then ${t}: "
        d = gen(max_tokens=5)
        n = int(d)
    return "unreachable"
""",
    "fork in a fork": """
def main(topic: str) -> str:
    "Topics "
    fork t in ["a", "b"] as r:
        "Outer ${t}: "
        d = gen(max_tokens=2)
        fork u in ["c", "d"] as q:
            "Inner ${u}: "
            e = gen(max_tokens=2)
        for i in q:
            "[${i.e}]"
    for j in r:
        "${j.d} "
    s = gen(max_tokens=2)
    return s
""",
}


@pytest.mark.parametrize("name", HAND_WRITTEN)
def test_hand_written_scripts(name: str) -> None:
    prompts, _, _, failure = check_script(HAND_WRITTEN[name])
    assert prompts
    assert (failure is not None) == name.startswith("failure")
