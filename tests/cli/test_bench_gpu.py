"""`sglc bench gpu`: without a GPU, on tiny shapes, and from files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

pytest.importorskip("triton")

from sglc.cli.app import app

RUNNER = CliRunner()
TINY = ["bench", "gpu", "--tiny", "--device", "cpu", "--repeats", "1"]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of two parts, each measured in a process."""
    target = tmp_path_factory.mktemp("bench") / "gpu.json"
    result = RUNNER.invoke(app, [*TINY, "--only", "decode-8b", "--json", str(target)])
    assert result.exit_code == 0, result.output
    assert "[3/3] decode step, 8B" in result.stderr
    assert "TINY shapes" in result.stdout
    return target


def changed(source: Path, target: Path, **changes: Any) -> Path:
    found = json.loads(source.read_text(encoding="utf-8"))
    found.update(changes)
    target.write_text(json.dumps(found), encoding="utf-8")
    return target


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so() -> None:
    result = RUNNER.invoke(app, ["bench", "gpu"])
    assert result.exit_code == 2
    assert "torch finds no GPU here; `sglc bench gpu --interpret`" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_what_was_measured_is_not_measured_again(measured: Path, tmp_path: Path) -> None:
    target = tmp_path / "gpu.json"
    target.write_bytes(measured.read_bytes())
    result = RUNNER.invoke(app, [*TINY, "--only", "decode-8b", "--json", str(target), "--resume"])
    assert result.exit_code == 0, result.output
    assert "decode step, 8B ..." not in result.stderr
    before, after = (json.loads(path.read_text())["parts"] for path in (measured, target))
    assert before == after


def test_a_file_is_shown_again(measured: Path) -> None:
    result = RUNNER.invoke(app, ["bench", "gpu", "--from", str(measured), "--markdown"])
    assert result.exit_code == 0, result.output
    rows = [line for line in result.stdout.splitlines() if line.startswith("| 8B, decode step")]
    assert len(rows) == 1
    assert "| ≥ 70% | ≥ 85% | missed |" in rows[0]


def test_what_went_wrong_is_said(measured: Path, tmp_path: Path) -> None:
    wrong = {
        "name": "k, s, float32",
        "kernel": "k",
        "dtype": "float32",
        "ok": False,
        "error": 0.5,
        "message": "",
    }
    worst = {
        "kernel": "k", "dtype": "float32", "cases": 1, "wrong": 1, "error": 0.5, "tolerance": 1e-5,
        "at": "k, s, float32",
    }  # fmt: skip
    parts = {
        "check": {
            "status": "measured", "message": "", "found": {"cases": [wrong], "worst": [worst]}
        },
        "profile": {"status": "failed", "message": "RuntimeError: x", "found": {}},
    }  # fmt: skip
    source = changed(measured, tmp_path / "wrong.json", parts=parts)
    result = RUNNER.invoke(app, ["bench", "gpu", "--from", str(source)])
    assert result.exit_code == 1
    assert "profile: failed: RuntimeError: x" in result.stderr
    assert "k, k, s, float32: error 0.5" in result.stderr
    assert "| k | float32 | 1 | 5.0e-01 | 1e-05 | 1 |" in result.stdout
    source = changed(measured, tmp_path / "partial.json", partial=True)
    result = RUNNER.invoke(app, ["bench", "gpu", "--from", str(source)])
    assert result.exit_code == 130
    assert "PARTIAL" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tiny", "--device", "cpu", "--only", "nothing"], "no part 'nothing'"),
        (["--interpret", "--only", "decode-8b"], "runs the part `check` alone"),
        (["--resume"], "name the file"),
        (["--from", "nowhere.json"], "cannot read `nowhere.json`"),
        (["--device", "xpu"], "no CUDA device"),
        (["--device", "cpu"], "`--device cpu` is for `--tiny`"),
        (["--device", "cuda:1", "--interpret"], "leave `--device` out"),
        ([*TINY[2:], "--json", "nowhere/gpu.json"], "cannot write `nowhere/gpu.json`: No such"),
        ([*TINY[2:], "--json", "."], "it is a folder"),
        (["--budget", "0"], "greater than or equal to 1"),
    ],
)
def test_wrong_use(arguments: list[str], said: str) -> None:
    result = RUNNER.invoke(app, ["bench", "gpu", *arguments])
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_a_file_of_another_command(tmp_path: Path) -> None:
    source = tmp_path / "engine.json"
    source.write_text(json.dumps({"schema": 1, "kind": "engine"}), encoding="utf-8")
    result = RUNNER.invoke(app, ["bench", "gpu", "--from", str(source)])
    assert result.exit_code == 2
    assert "another version or command" in result.stderr


@pytest.mark.parametrize("missing", ["settings", "environment", "parts", "rows", "load", "date"])
@pytest.mark.parametrize("resume", [False, True])
def test_a_damaged_file(measured: Path, tmp_path: Path, missing: str, resume: bool) -> None:
    found = json.loads(measured.read_text(encoding="utf-8"))
    del found[missing]
    source = tmp_path / "gpu.json"
    source.write_text(json.dumps(found), encoding="utf-8")
    how = [*TINY, "--json", str(source), "--resume"] if resume else [*TINY, "--from", str(source)]
    result = RUNNER.invoke(app, how)
    assert result.exit_code == 2, result.output
    assert f"is damaged: Object missing required field `{missing}`" in result.stderr


def test_a_file_of_other_settings(measured: Path) -> None:
    again = [*TINY[:-1], "2", "--only", "decode-8b", "--json", str(measured), "--resume"]
    result = RUNNER.invoke(app, again)
    assert result.exit_code == 2
    assert "measured with other settings: repeats 1" in result.stderr
