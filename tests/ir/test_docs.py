"""The reference page is generated from the declarations and its programs work."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sglc.ir.docs import PARTS, main, op_table, rewritten
from sglc.ir.ops import OPS
from sglc.ir.parser import parse_module
from sglc.ir.printer import print_module
from sglc.ir.verifier import verify

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "ir.md"


def test_the_table_is_up_to_date() -> None:
    page = PAGE.read_text("utf-8")
    assert rewritten(page) == page, "run `python -m sglc.ir.docs`"


def test_every_op_is_in_the_table() -> None:
    table = op_table()
    assert all(f"**`{name}(" in table for name in OPS)


def test_rewriting(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    parts = [f"<!-- {name}: begin -->\nOLD TABLE\n<!-- {name}: end -->\n" for name in PARTS]
    page.write_text(f"a\n{''.join(parts)}z\n")
    main(page)
    text = page.read_text("utf-8")
    assert "OLD TABLE" not in text
    assert op_table() in text
    assert (text[:2], text[-2:]) == ("a\n", "z\n")
    with pytest.raises(ValueError, match="has no"):
        rewritten("no markers")


def test_the_page_s_program_is_ir() -> None:
    (text,) = re.findall(r"```\n(sglir 1\n.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    module = parse_module(text)
    verify(module)
    assert print_module(module) == text


@pytest.mark.parametrize("name", ["ir.md", "passes.md"])
def test_python_in_the_pages_runs(name: str, tmp_path: Path) -> None:
    blocks = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs" / name).read_text("utf-8"), re.DOTALL
    )
    assert blocks
    header = (
        "from dataclasses import dataclass\nfrom typing import ClassVar\n"
        "from sglc.ir.core import Module\nfrom sglc.passes.base import Pass, PassResult\n"
    )
    file = tmp_path / "page.py"
    file.write_text(header + "\n".join(blocks), "utf-8")
    paths = ":".join(p for p in sys.path if p)
    result = subprocess.run(
        [sys.executable, str(file)],
        env={"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
