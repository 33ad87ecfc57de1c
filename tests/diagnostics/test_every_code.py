"""Every registered code is triggered by something real: a page's example, or a case below."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from sglc.diagnostics.codes import CODES
from sglc.diagnostics.core import Diagnostic, SglcError
from sglc.programs.failures import diagnose_any

Case = Callable[[Path], Iterable[str]]


def _raised(action: Callable[[], object]) -> list[str]:
    with pytest.raises(SglcError) as raised:
        action()
    return [d.code for d in raised.value.diagnostics]


def _of(diagnostics: Iterable[Diagnostic]) -> list[str]:
    return [d.code for d in diagnostics]


def bug_in_a_row(folder: Path) -> list[str]:
    return _of(diagnose_any(AssertionError("ours")).diagnostics)


CASES: dict[str, Case] = {
    "SGL0599": bug_in_a_row,
}
"""Codes whose cause is nothing that a page could show."""


@pytest.mark.parametrize("code", CASES)
def test_case_triggers_its_code(code: str, tmp_path: Path) -> None:
    assert code in CASES[code](tmp_path)


def test_every_code_has_an_example_that_is_run_or_a_case() -> None:
    """Examples are run by test_pages.py."""
    shown = {code for code, page in CODES.items() if page.failing}
    assert shown | CASES.keys() == CODES.keys()
    assert not shown & CASES.keys()
    assert len(CODES) >= 60
