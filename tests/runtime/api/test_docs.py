"""The programs of docs/engine.md run, as a user would run them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sglc_runtime import RequestError, Sampling
from sglc_runtime.errors import FailureKind

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "engine.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_programs_of_the_page_run() -> None:
    """Side by side: each starts an engine of its own."""
    running = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", block],
            env=os.environ | {"PYTHONPATH": f"{ROOT / 'runtime'}{os.pathsep}{ROOT / 'grammar'}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for block in BLOCKS
    ]
    try:
        said = [process.communicate(timeout=250) for process in running]
    finally:
        for process in running:
            process.kill()
    assert [err for _, err in said] == [""] * len(BLOCKS)
    first, second, third, fourth = (out for out, _ in said)
    assert first == " Paris\n"
    assert re.fullmatch(r"\('.*',\) \['.*', ' (yes|no)'\]\n", second)
    assert third.count("\n") == 2
    assert fourth.startswith("bad_request top_p must be")


@pytest.mark.parametrize("kind", FailureKind.__args__)  # type: ignore[attr-defined]
def test_every_kind_of_failure_is_named(kind: FailureKind) -> None:
    assert f"`{kind}`" in PAGE
    assert RequestError(kind, "why").kind == kind


def test_every_sampling_parameter_is_named() -> None:
    assert not [name for name in Sampling.__struct_fields__ if f"`{name}`" not in PAGE]
