"""Every code that the compiler's own layers report has a page."""

from __future__ import annotations

import re
from pathlib import Path

from sglc.diagnostics.codes import CODES

SOURCES = Path(__file__).parents[2] / "sglc"


def test_codes_have_pages() -> None:
    used = {
        code
        for folder in ("ir", "passes", "graph")
        for path in (SOURCES / folder).rglob("*.py")
        for code in re.findall(r'"(SGL\d{4})"', path.read_text("utf-8"))
    }
    assert len(used) >= 20
    assert used <= CODES.keys()
