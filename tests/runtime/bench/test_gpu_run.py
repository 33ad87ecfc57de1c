"""`sglc bench gpu` on tiny shapes on the CPU: every part, and what becomes of failures."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import pytest
import torch

pytest.importorskip("triton")

from sglc_runtime.bench.gpu import check, parts, process
from sglc_runtime.bench.gpu.ceilings import Ceilings
from sglc_runtime.bench.gpu.devices import require
from sglc_runtime.bench.gpu.environment import ASKED, parse_query
from sglc_runtime.bench.gpu.lab import GpuLab
from sglc_runtime.bench.gpu.outcome import Outcome, outcome, run_here
from sglc_runtime.bench.gpu.parts import PARTS, Part, check_part, kernels_part
from sglc_runtime.bench.gpu.profile import largest, synchronisations, waits
from sglc_runtime.bench.gpu.rows import ROWS
from sglc_runtime.bench.gpu.run import chosen, run_gpu
from sglc_runtime.bench.gpu.settings import GpuSettings
from sglc_runtime.kernels.triton.cases.case import Case
from sglc_runtime.kernels.triton.cases.catalog import catalog

pytestmark = pytest.mark.skipif(
    os.environ.get("TRITON_INTERPRET") != "1", reason="Triton was imported for a GPU"
)
SETTINGS = GpuSettings(device="cpu", tiny=True, repeats=1)
CPU = torch.device("cpu")
CEILINGS = Ceilings(1e10, 1e11)


PARENT = """
import subprocess, sys, time
child = [sys.executable, "-c", sys.argv[1]]
kept = subprocess.Popen(child, stdin=subprocess.PIPE, start_new_session=True)
time.sleep(60)
"""


def here(
    part: Part,
    settings: GpuSettings,
    ceilings: Ceilings | None,
    previous: dict[str, Any] | None,
    report: Callable[[str], None],
    *,
    deadline: float | None = None,
) -> Outcome:
    return run_here(part, GpuLab(settings, report, lambda found: None, ceilings, previous))


def lab(previous: dict[str, Any] | None = None, saved: list[Any] | None = None) -> GpuLab:
    return GpuLab(
        SETTINGS,
        lambda message: None,
        lambda found: None if saved is None else saved.append(json.loads(json.dumps(found))),
        CEILINGS,
        previous,
    )


def ran(*names: str, **options: Any) -> dict[str, Any]:
    result = run_gpu(chosen(names), SETTINGS, lambda _: None, runner=here, **options)
    found: dict[str, Any] = json.loads(json.dumps(result))
    return found


ROW_NAMES = [row.name for row in ROWS]


@pytest.mark.parametrize("name", ROW_NAMES)
def test_every_row_is_measured(name: str) -> None:
    result = ran(name)
    part = result["parts"][name]
    assert part["status"] == "measured", "".join(part["traceback"])
    entry = next(row for row in result["rows"] if row["name"] == name)
    assert entry["value"]["low"] <= entry["value"]["median"] <= entry["value"]["high"]
    assert entry["value"]["median"] > 0
    assert entry["ours"]["value"] > 0
    assert entry["verdict"] in ("missed", "met", "reached", "no target")
    if name == "agreement":
        assert entry["detail"]["fine"]
        assert entry["value"]["median"] == 100
    if name == "tree-attention":
        (shape,) = entry["detail"]["shapes"]
        assert shape["pieces"] > 0
        assert 0 <= shape["difference"] < 2e-2
    if name == "requests-0.6b":
        assert entry["detail"]["same_ids"] >= 6


def test_every_row_is_a_part_and_has_the_targets_of_the_issue() -> None:
    assert {part.name for part in PARTS} >= {*ROW_NAMES}
    targets = {row.name: (row.target.must, row.target.reach) for row in ROWS if row.target}
    assert targets == {
        "decode-8b": (70, 85),
        "decode-0.6b": (45, 70),
        "decode-attention": (80, 92),
        "prefill-8b": (55, 70),
        "tree-attention": (2, 5),
        "requests-0.6b": (2, 5),
        "branches-8b": (1.5, 3),
    }


def test_profile_of_a_tiny_model() -> None:
    part = ran("profile")["parts"]["profile"]
    assert part["status"] == "measured", "".join(part["traceback"])
    (profile,) = part["found"].values()
    assert profile["largest"]
    assert sum(entry["share"] for entry in profile["largest"]) <= 1.001


def test_ranking_of_events() -> None:
    events = [
        {"name": name, "calls": 2, "seconds": seconds}
        for name, seconds in (("a", 1.0), ("cudaStreamSynchronize", 0.0), ("b", 3.0))
    ]
    assert [(entry["name"], entry["share"]) for entry in largest(events, 5)] == [
        ("b", 0.75),
        ("a", 0.25),
    ]
    assert waits(events) == {"cudaStreamSynchronize": 2}
    assert synchronisations(lambda: None, CPU) == {}


def spoiled(case: Case, value: float) -> Case:
    def run(inputs: Any) -> Any:
        got = case.run(inputs)
        next(iter(got.values())).view(-1)[-1] = value
        return got

    return replace(case, run=run)


def test_wrong_kernels_are_found() -> None:
    case = next(case for case in catalog() if case.small and case.kernel == "swiglu")
    good = check.check(case, CPU)
    assert good.ok
    assert good.error is not None
    assert good.error <= good.tolerance
    assert not check.check(spoiled(case, 1e3), CPU).ok
    unwritten = check.check(spoiled(case, float("nan")), CPU)
    assert (unwritten.ok, unwritten.error) == (False, None)
    assert "not written" in unwritten.message

    def broken(_: Any) -> Any:
        raise RuntimeError("no luck\nat all")

    assert check.check(replace(case, run=broken), CPU).message == "RuntimeError: no luck"
    (worst,) = check.worst_of([asdict(good), asdict(unwritten)])
    assert (worst["cases"], worst["wrong"], worst["error"]) == (2, 1, None)
    json.dumps(asdict(unwritten), allow_nan=False)


@pytest.fixture
def two_cases(monkeypatch: pytest.MonkeyPatch) -> list[Case]:
    cases = [case for case in catalog() if case.small and case.dtype == torch.float32]
    kept = [next(c for c in cases if c.kernel == kernel) for kernel in ("swiglu", "add_norm")]
    monkeypatch.setattr(parts, "catalog", lambda: iter(kept))
    return kept


def test_checks_go_on_where_a_process_died(two_cases: list[Case]) -> None:
    saved: list[Any] = []
    found = check_part(lab(saved=saved))
    assert [entry["ok"] for entry in found["cases"]] == [True, True]
    assert [each["trying"] for each in saved] == [case.name for case in two_cases]
    # The process died in the second case: the next one does not try it again.
    found = check_part(lab(previous=saved[1]))
    assert [entry["ok"] for entry in found["cases"]] == [True, False]
    assert "process ended" in found["cases"][1]["message"]
    assert [entry["wrong"] for entry in found["worst"]] == [0, 1]


def test_a_broken_device_ends_the_process_and_not_the_part(
    two_cases: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    def illegal(_: Any) -> Any:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    broken = [replace(two_cases[0], run=illegal), two_cases[1]]
    monkeypatch.setattr(parts, "catalog", lambda: iter(broken))
    part = Part(name="check", what="", run=check_part)
    first = here(part, SETTINGS, None, None, lambda _: None)
    assert first["status"] == "broken"
    second = here(part, SETTINGS, None, first["found"], lambda _: None)
    assert second["status"] == "measured"
    assert [entry["ok"] for entry in second["found"]["cases"]] == [False, True]


def test_kernels_are_timed_beside_ceilings(two_cases: list[Case]) -> None:
    found = kernels_part(lab())["cases"]
    assert {entry["kernel"] for entry in found} == {"swiglu", "add_norm"}
    for entry in found:
        assert entry["low"] <= entry["seconds"] <= entry["high"]
        share = 100 * entry["bytes"] / entry["seconds"] / CEILINGS.bandwidth
        assert entry["bandwidth_share"] == pytest.approx(share)


def failing(lab: GpuLab) -> dict[str, Any]:
    lab.save({"half": 1})
    raise RuntimeError("no luck")


def test_one_failure_leaves_the_other_parts() -> None:
    given = [
        Part(name="a", what="a", run=failing),
        Part(name="b", what="b", run=lambda lab: {"x": 1}),
    ]
    written: list[Any] = []
    result = run_gpu(given, SETTINGS, lambda _: None, runner=here, write=written.append)
    assert result["parts"]["a"]["status"] == "failed"
    assert result["parts"]["a"]["message"] == "RuntimeError: no luck"
    assert result["parts"]["a"]["found"] == {"half": 1}
    assert result["parts"]["b"]["found"] == {"x": 1}
    assert [len(each["parts"]) for each in written] == [1, 2, 2]
    assert not result["partial"]


def test_what_is_measured_is_kept_and_the_rest_goes_on() -> None:
    seen: list[Any] = []

    def run(lab: GpuLab) -> dict[str, Any]:
        seen.append(lab.previous)
        return {"x": 2}

    given = [Part(name=name, what=name, run=run) for name in "abc"]
    first = run_gpu([], SETTINGS, lambda _: None)
    first["parts"] = {
        "a": outcome("measured", {"x": 1}),
        "b": outcome("partial", {"half": 1}),
    }
    result = run_gpu(given, SETTINGS, lambda _: None, runner=here, previous=first)
    assert [result["parts"][name]["found"]["x"] for name in "abc"] == [1, 2, 2]
    assert seen == [{"half": 1}, None]
    with pytest.raises(ValueError, match="other settings"):
        run_gpu(given, replace(SETTINGS, repeats=7), lambda _: None, previous=first)
    with pytest.raises(ValueError, match="another version"):
        run_gpu(given, SETTINGS, lambda _: None, previous={"schema": 0})


def test_no_part_begins_after_the_time_is_over() -> None:
    given = [Part(name="a", what="a", run=lambda lab: {"x": 1})]
    result = run_gpu(given, SETTINGS, lambda _: None, runner=here, budget=0)
    assert result["parts"]["a"]["status"] == "not measured"


def test_an_interrupt_ends_it_with_what_there_is() -> None:
    def interrupted(lab: GpuLab) -> dict[str, Any]:
        raise KeyboardInterrupt

    given = [
        Part(name="a", what="a", run=lambda lab: {"x": 1}),
        Part(name="b", what="b", run=interrupted),
    ]
    result = run_gpu(given, SETTINGS, lambda _: None, runner=here)
    assert result["partial"]
    assert [*result["parts"]] == ["a"]


def test_parts_bring_what_they_need() -> None:
    assert [part.name for part in chosen(["decode-8b"])] == ["environment", "ceilings", "decode-8b"]
    assert [part.name for part in chosen(["check"])] == ["environment", "check"]
    assert chosen([]) == [*PARTS]
    with pytest.raises(ValueError, match="no part 'nothing'; there are: environment"):
        chosen(["nothing"])


def test_a_process_that_is_late_or_dies() -> None:
    part = Part(name="no such part", what="", run=failing)
    found = process.run_apart(part, SETTINGS, None, None, lambda _: None)
    assert found["status"] == "failed"
    assert "StopIteration" in found["message"]
    late = process.run_apart(part, SETTINGS, None, {"half": 1}, lambda _: None, deadline=0.0)
    assert (late["status"], late["found"]) == ("partial", {"half": 1})
    assert "time" in late["message"]


def test_only_a_kernel_that_hung_is_to_blame_for_lateness() -> None:
    found = outcome("partial", {"cases": [1], "trying": "store"})
    assert process.unblamed(found, 1.0)["found"] == {"cases": [1], "trying": None}
    assert process.unblamed(found, 2 * process.STUCK) == found
    other = outcome("partial", {"half": 1})
    assert process.unblamed(other, 1.0) == other


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_process_ends_with_its_parent(how: signal.Signals) -> None:
    """Whoever ends the parent alone, a shell's `timeout` for instance, leaves nothing behind."""
    waiting = "import time; from sglc_runtime.bench.gpu.child import end_with_parent"
    waiting += "; end_with_parent(); print('there', flush=True); time.sleep(60)"
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, waiting], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == "there\n"
    parent.send_signal(how)
    parent.wait()
    # The other end of what the child prints to is closed when the child is gone.
    assert parent.stdout.read() == ""


def test_what_nvidia_smi_says() -> None:
    text = ", ".join(map(str, range(len(ASKED)))) + "\nsecond GPU\n"
    assert parse_query(text)["driver_version"] == "0"
    assert parse_query("No devices were found") == {}


@pytest.mark.parametrize(
    ("device", "said"), [("cuda", "finds no GPU"), ("xpu", "no CUDA device"), ("gpu:x", "unknown")]
)
def test_a_device_that_is_not_there(device: str, said: str) -> None:
    if device == "cuda" and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(ValueError, match=said):
        require(replace(SETTINGS, device=device))
    require(SETTINGS)


def test_kernels_are_interpreted_without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    assert process._environment(SETTINGS)["TRITON_INTERPRET"] == "1"
    assert "TRITON_INTERPRET" not in process._environment(replace(SETTINGS, device="cuda"))
    assert os.environ["TRITON_INTERPRET"] == "1"
