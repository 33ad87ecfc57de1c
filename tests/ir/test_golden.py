"""Golden IR files parse, verify and print back as they stand, see `tests.golden_files`."""

from __future__ import annotations

from pathlib import Path

import pytest

from sglc.ir.parser import parse_module
from sglc.ir.printer import print_module
from sglc.ir.verifier import verify
from tests.golden_files import updating

FILES = sorted((Path(__file__).parent / "golden").glob("*.sglir"))


def test_there_are_golden_files() -> None:
    assert len(FILES) >= 2


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_golden_file_prints_back(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    module = parse_module(text, str(path))
    verify(module)
    printed = print_module(module)
    if updating():
        path.write_text(printed, encoding="utf-8")
    assert printed == text
