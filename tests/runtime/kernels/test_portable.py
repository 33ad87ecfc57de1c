"""The attention kernel is C for any processor, whatever vectors this one has."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import pytest

import sglc_runtime.kernels.build as build


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="flags of x86")
@pytest.mark.parametrize("machine", ["x86-64", "x86-64-v3"])
def test_attention_compiles_without_and_with_avx(machine: str, tmp_path: Path) -> None:
    try:
        compiler = build.find_compiler()
    except build.CompilerUnavailable as error:
        pytest.skip(str(error))
    source = Path(build.__file__).with_name("attention.c")
    flags = ["-std=gnu11", "-O1", f"-march={machine}", "-ffp-contract=off", "-w", "-S"]
    command = [compiler, *flags, str(source), "-o", str(tmp_path / "attention.s")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[:2000]
