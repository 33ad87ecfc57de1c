"""Examples of explanation pages are run: the wrong one gets the code, the right one does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from sglc.diagnostics.codes import CODES
from sglc.diagnostics.page import Page
from tests.diagnostics.sandbox import codes, sandbox

PAGES = [page for page in CODES.values() if page.failing]
REMARKS = [c for c in CODES if "SGL03" <= c < "SGL038"]
"""Remarks stand beside others: several things can be said about one program."""
PRAISE = ("SGL0361",)
"""Remarks about what is good: the right example gets them."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.code)
def test_wrong_example_gets_the_code(page: Page, tmp_path: Path) -> None:
    with sandbox(tmp_path):
        found = codes(page, page.failing, broken=True)
    if page.code in PRAISE:
        assert page.code not in found
    elif page.code in REMARKS or page.code[:5] == "SGL04":
        assert page.code in found
    else:
        assert found == [page.code]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.code)
def test_right_example_does_not(page: Page, tmp_path: Path) -> None:
    with sandbox(tmp_path):
        found = codes(page, page.fixed, broken=False)
    if page.code in PRAISE:
        assert page.code in found
    elif page.code in REMARKS:
        assert page.code not in found
    else:
        assert found == []
