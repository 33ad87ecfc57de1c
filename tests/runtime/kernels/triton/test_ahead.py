"""Kernels compile for GPUs that are not there, without spills."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sglc_runtime.kernels.triton.ahead import Compiled, main, problem


def test_kernels_compile_for_every_architecture() -> None:
    """In a process of its own: here Triton interprets."""
    pytest.importorskip("triton")
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    command = [sys.executable, "-m", "sglc_runtime.kernels.triton.ahead"]
    command += ["--dims", "128", "--dtypes", "bf16"]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split("|") for line in done.stdout.splitlines()[2:]]
    assert len(rows) == 5 * 3
    assert {row[2].strip() for row in rows} == {"80", "90", "100"}
    assert all(int(row[3]) > 0 for row in rows)


def test_what_must_not_be_shipped() -> None:
    assert problem(Compiled("k", 90, 128, 1000, 0)) is None
    assert problem(Compiled("k", 90, 255, 1000, 8)) == "spills 8 bytes"
    assert "shared memory" in (problem(Compiled("k", 80, 128, 200_000, 0)) or "")


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "head dimensions" in capsys.readouterr().out
