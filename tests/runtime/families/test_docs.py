"""docs/models.md names every family that is compared, and its program runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sglc_runtime.families.table import FAMILIES

PAGE = (Path(__file__).parents[3] / "docs" / "models.md").read_text(encoding="utf-8")


def test_the_table_has_every_family() -> None:
    rows = re.findall(
        r"^\| ([^|`]+) \| `(\w+)` \| ([^|]+) \| (\d+) of (\d+) \|", PAGE, re.MULTILINE
    )
    assert [(name, kind) for name, kind, *_ in rows] == [(f.name, f.model_type) for f in FAMILIES]
    for family, (_, _, by, equal, compared) in zip(FAMILIES, rows, strict=True):
        assert by == ("C, torch, transformers" if family.native else "transformers")
        assert equal == compared == str(144 * (3 if family.native else 1))


def test_the_program_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(program, "models.md", "exec"), {})
    assert capsys.readouterr().out == "LlamaForCausalLM native float32 2048\n"
