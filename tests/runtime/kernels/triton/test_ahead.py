"""Kernels compile, as they are launched, for GPUs that are not there; none spills."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("triton")

from sglc_runtime.kernels.triton.ahead import ARCHITECTURES, Compiled, main, wide
from sglc_runtime.kernels.triton.cases.catalog import catalog
from sglc_runtime.kernels.triton.forms import form_of, launches_of

FORMS = """
import json, sys
import torch
from sglc_runtime.kernels.triton.cases.catalog import catalog
from sglc_runtime.kernels.triton.forms import form_of, launches_of
from sglc_runtime.kernels.triton.launch import Launch

case = next(case for case in catalog() if case.kernel == "store")
(launch,) = launches_of(case)
form = form_of(case, launch, 90)
key, value, keys, values, slots, step, *rest = launch.arguments
tilted = Launch(launch.kernel, launch.grid, (key[:, :, 1:], value, keys, values, slots, 1, *rest),
                launch.constants, launch.warps, launch.stages)
other = form_of(case, tilted, 90)
names = form.source.fn.arg_names
print(json.dumps([
    {name: kind for name, kind in form.source.signature.items()},
    {names[at]: said for (at,), said in form.source.attrs.items() if said},
    other.source.signature["key_step"],
    [names[at] for (at,), said in other.source.attrs.items() if said],
    [names[at] for (at,) in form.source.constants],
    form.options["num_warps"],
]))
"""


def _compiling(*arguments: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, since Triton interprets here."""
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment, capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip


PROMPT = """
from sglc_runtime.kernels.triton.ahead import compile_form, selected
from sglc_runtime.kernels.triton.forms import forms_of

case = next(
    case for case in selected(["attend extend"], ["bfloat16"])
    if not case.small and "32/8 x 128" in case.name
)
compiled = compile_form(next(forms_of([case], 90)))
print(compiled.products, compiled.copies > 0, compiled.spills)
"""


@pytest.mark.slow
def test_prompts_use_what_hopper_has() -> None:
    """Products of whole groups of warps, and keys that are on their way before they are needed."""
    done = _compiling("-c", PROMPT)
    assert done.stdout.split() == ["wgmma", "True", "0"], done.stdout + done.stderr


@pytest.mark.slow
def test_every_kernel_compiles_for_every_architecture(tmp_path: Path) -> None:
    with ThreadPoolExecutor() as side_by_side:
        done = [*side_by_side.map(partial(_compile_some, tmp_path), ARCHITECTURES)]
    functions = {launch.kernel.fn.__name__ for case in catalog() for launch in launches_of(case)}
    for compiled in done:
        assert {each.function for each in compiled} == functions
        assert all(each.registers > 0 for each in compiled)
        # Steps have 16 rows in a tile, fewer than the widest products of these GPUs take.
        (tile,) = {each.products for each in compiled if each.function == "decode_kernel"}
        assert tile == "mma"


def _compile_some(folder: Path, architecture: int) -> list[Compiled]:
    target = folder / f"{architecture}.json"
    done = _compiling(
        "-m", "sglc_runtime.kernels.triton.ahead",
        "--few", "--architectures", str(architecture), "--json", str(target),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = [Compiled(**each) for each in json.loads(target.read_text())]
    assert {each.architecture for each in found} == {architecture}
    assert len(done.stdout.splitlines()) == 2 + len(found)
    return found


def test_forms_are_those_of_a_launch_on_a_device() -> None:
    """Integers 1 are constants; pointers and steps that are multiples of 16 are known to be."""
    done = _compiling("-c", FORMS)
    assert done.returncode == 0, done.stderr
    signature, aligned, step, other_aligned, constants, warps = json.loads(done.stdout)
    assert signature["key"] == "*fp32"
    assert signature["slots"] == "*i64"
    assert signature["key_step"] == "i32"
    assert signature["DIM"] == "constexpr"
    assert {"key", "value", "keys", "values", "slots", "key_step"} <= aligned.keys()
    assert all(said == [["tt.divisibility", 16]] for said in aligned.values())
    assert step == "constexpr"
    assert "key" not in other_aligned
    assert "value" in other_aligned
    assert {"DIM", "WIDE"} <= set(constants)
    assert "key_step" not in constants
    assert warps == 4


def test_the_interpreter_compiles_nothing() -> None:
    case = next(catalog())
    if not os.environ.get("TRITON_INTERPRET"):
        pytest.skip("kernels are compiled here")
    with pytest.raises(RuntimeError, match="TRITON_INTERPRET"):
        form_of(case, launches_of(case)[0], 90)


def test_what_must_not_be_shipped() -> None:
    good = Compiled(kernel="k", function="f", architecture=90, registers=128, shared=1000)
    assert good.problem is None
    assert replace(good, spills=8).problem == "spills 8 bytes"
    assert "shared memory" in (replace(good, architecture=80, shared=200_000).problem or "")
    assert replace(good, shared=200_000).problem is None
    assert "tensor memory" in (replace(good, tensor_memory=513).problem or "")
    assert "ValueError" in (replace(good, error="ValueError: x").problem or "")


def test_architectures_side_by_side() -> None:
    one = Compiled(kernel="k, s, float32", function="f", architecture=80, registers=64, shared=2048)
    found = [
        one,
        replace(one, architecture=90, spills=4),
        replace(one, kernel="j", registers=32, products="mma"),
        replace(one, kernel="j", architecture=90, products="none"),
    ]
    assert [*wide(found, (80, 90))] == [
        "| kernel | function | sm_80 | sm_90 |\n|---|---|---|---|",
        "| k, s, float32 | f | 64, 2 KiB | **spills 4 bytes** |",
        "| j | f | 32, 2 KiB, mma | 64, 2 KiB |",
    ]


@pytest.mark.parametrize(
    ("option", "said"), [("--kernels", "store"), ("--dtypes", "bfloat16, float16, float32")]
)
def test_unknown_names_are_refused(
    option: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([option, "nothing"]) == 2
    assert "no 'nothing'" in (error := capsys.readouterr().err)
    assert said in error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--architectures", "75x"], "'75x': numbers from 75 on"),
        (["--architectures", "12"], "'12': numbers from 75 on"),
        (["--json", "nowhere/x.json"], "there is no folder nowhere"),
        (["--json", "."], ". is a folder"),
    ],
)
def test_wrong_use(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert said in capsys.readouterr().err


def test_where_kernels_are_interpreted_none_is_compiled(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    assert main(["--kernels", "merge"]) == 2
    assert capsys.readouterr() == (
        "",
        "error: kernels are interpreted here: set TRITON_INTERPRET=0\n",
    )
