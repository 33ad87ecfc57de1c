"""Every code that the sources mention has a page, and docs/errors.md shows all pages."""

from __future__ import annotations

import re
from pathlib import Path

from sglc.diagnostics.codes import CODES
from sglc.diagnostics.document import errors_document
from tests.golden_files import updating

ROOT = Path(__file__).parent.parent.parent


def test_every_code_in_the_sources_has_a_page() -> None:
    used = {
        code
        for folder in ("sglc", "runtime/sglc_runtime")
        for path in (ROOT / folder).rglob("*.py")
        for code in re.findall(r"SGL0\d{3}\b", path.read_text(encoding="utf-8"))
    }
    assert sorted(used - set(CODES)) == []


def test_errors_document_is_up_to_date() -> None:
    """`SGLC_UPDATE_GOLDEN=1` rewrites it."""
    path = ROOT / "docs" / "errors.md"
    if updating():
        path.write_text(errors_document(), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == errors_document()
