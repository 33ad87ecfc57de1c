"""Examples of explanation pages are programs: the wrong one gets the code, the right one none."""

from __future__ import annotations

from pathlib import Path

import pytest

from sglc.diagnostics.codes import CODES
from sglc.diagnostics.page import Page, example
from sglc.frontends.script import check_script

SCRIPTS = [p for p in CODES.values() if p.language == "sgl" and p.failing]
STATIC = [p for p in SCRIPTS if p.code < "SGL03"]


@pytest.mark.parametrize("page", STATIC, ids=lambda p: p.code)
def test_wrong_example_gets_exactly_this_code(page: Page, tmp_path: Path) -> None:
    found = check_script(example(page.failing), file="x.sgl", folder=tmp_path)
    assert [d.code for d in found] == [page.code]
    assert found[0].span is not None


@pytest.mark.parametrize("page", SCRIPTS, ids=lambda p: p.code)
def test_right_example_is_clean(page: Page, tmp_path: Path) -> None:
    assert list(check_script(example(page.fixed), file="x.sgl", folder=tmp_path)) == []
