"""Both executors of bodies without host code do what the function does as it is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sglc.backends.recording import RecordingBackend
from sglc.execution.session import ExecOptions
from sglc.language.function import SglFunction
from tests.differential import regression_programs
from tests.differential.observing import differences, load_module, observe
from tests.differential.twin_programs import twin_program
from tests.execution.silent_programs import silent_program
from tests.upstream.test_modes import FILES, batch, single

WAYS = {
    "emitted": ExecOptions(),
    "region": ExecOptions(executor="region"),
    "region without deferral": ExecOptions(executor="region", deferred=False),
    "region, branches in turn": ExecOptions(executor="region", parallel=False),
}
ARGUMENTS = ("Who?", 2, ["x", "y"])


def region_of(program: Any) -> object:
    """The region program of a function, None where its body or its IR does not allow one."""
    silence = program._program.compiled().silence
    return None if silence is None else silence.region()


def compare(run: Callable[..., Any], path: Path, *, delays: bool) -> list[str]:
    eager = observe(run, str(path), compiled=False, options=ExecOptions(), delays=delays)
    return [
        f"{name}: {difference}"
        for name, options in WAYS.items()
        for difference in differences(
            eager, observe(run, str(path), compiled=True, options=options, delays=delays)
        )
    ]


@pytest.mark.parametrize("chunk", range(4))
def test_random_programs(chunk: int, tmp_path: Path) -> None:
    kinds: Counter[str] = Counter()
    for seed in range(chunk, 40, 4):
        source = silent_program(seed)
        path = tmp_path / f"silent_{seed}.py"
        path.write_text(source)
        program = load_module(path).program
        kinds["region" if region_of(program) is not None else "other"] += 1

        def run(program: Any = program, **how: Any) -> Any:
            return program.run(*ARGUMENTS, **how)

        found = compare(run, path, delays=seed % 2 == 0)
        assert not found, "\n".join([f"seed {seed}", *found, source])
    assert kinds["region"] >= 6, kinds


@pytest.mark.parametrize(
    "program",
    [p for p in vars(regression_programs).values() if isinstance(p, SglFunction)],
    ids=lambda program: str(program.func.__name__),
)
def test_what_random_testing_found(program: SglFunction) -> None:
    assert compare(program.run, Path(regression_programs.__file__), delays=True) == []


def test_twins_of_scripts(tmp_path: Path) -> None:
    kinds: Counter[str] = Counter()
    for seed in range(24):
        path = tmp_path / f"twin_{seed}.py"
        path.write_text(twin_program(seed).python)
        program = load_module(path).program
        if region_of(program) is None:
            kinds["other"] += 1
            continue
        kinds["region"] += 1

        def run(program: Any = program, **how: Any) -> Any:
            return program.run("Who?", 2, **how)

        assert compare(run, path, delays=seed % 2 == 0) == [], seed
    assert kinds["region"] >= 3, kinds


def test_upstream_programs() -> None:
    kinds: Counter[str] = Counter()
    for path in FILES:
        for case in load_module(path).CASES:
            if region_of(case.program) is None:
                kinds["other"] += 1
                continue
            kinds["region"] += 1
            ways = [(False, ExecOptions()), (True, ExecOptions(executor="region"))]
            if case.rows:
                eager, region = (batch(case, *how) for how in ways)
                assert eager == region, path
            else:
                seen = [single(case, str(path), *how) for how in ways]
                assert differences(*seen) == [], path
    assert kinds["region"] >= 3, kinds


FAILURES = """
import sglc as sgl


@sgl.function
def in_a_role(s, q):
    s += "BOOM" + sgl.gen("a")
    with s.user():
        s += q + s["a"]
        s += sgl.gen("b")
    return s["b"]


@sgl.function
def open_read_before_a_role(s, q):
    f = s.fork(2)
    for each in f:
        each += "BOOM" + sgl.gen("a")
    s += q
    s += f[0]["a"]
    with s.assistant():
        s += sgl.gen("b")
    s["kept"] = "no"
    return s["b"]


@sgl.function
def second_of_two_reads(s, q):
    fine = s.fork(1)
    for each in fine:
        each += "fine" + sgl.gen("a")
    bad = s.fork(1)
    for each in bad:
        each += "BOOM" + sgl.gen("a")
    s += q + fine[0]["a"] + bad[0]["a"] + sgl.gen("c")
    return "end"


@sgl.function
def in_a_condition(s, q):
    s += q + sgl.gen("a") + "BOOM" + sgl.gen("b")
    if "x" in s["a"] or "y" in s["b"]:
        s += "then"
    return 1
"""


@pytest.mark.parametrize(
    "name", ["in_a_role", "open_read_before_a_role", "second_of_two_reads", "in_a_condition"]
)
@pytest.mark.parametrize("delays", [False, True])
def test_failures(name: str, delays: bool, tmp_path: Path) -> None:
    path = tmp_path / "failures.py"
    path.write_text(FAILURES)
    program = getattr(load_module(path), name)
    assert region_of(program) is not None
    assert compare(lambda **how: program.run("q", **how), path, delays=delays) == []


def test_a_replaced_name_runs_live(tmp_path: Path) -> None:
    path = tmp_path / "renamed.py"
    path.write_text(
        "import sglc as sgl\n\n\n@sgl.function\ndef program(s, q):\n"
        "    s += str(q) + sgl.gen('a')\n    s += s['a']\n"
    )
    module = load_module(path)
    backend = RecordingBackend(rules={"": "said"})
    how: dict[str, Any] = {"backend": backend, "options": ExecOptions(executor="region")}
    assert module.program.run("x", **how).text() == "xsaidsaid"
    module.str = lambda value: f"<{value}>"
    assert module.program.run("x", **how).text() == "<x>saidsaid"
