"""The registry of codes."""

import re

import pytest

from sglc.diagnostics.codes import CODES, explain
from sglc.diagnostics.core import UsageError


def test_codes_are_well_formed_and_sorted_by_module() -> None:
    assert all(re.fullmatch(r"SGL0[1-6]\d\d", code) for code in CODES)
    assert list(CODES) == sorted(CODES)


@pytest.mark.parametrize("page", CODES.values(), ids=lambda p: p.code)
def test_page_reads_well(page) -> None:
    assert page.title[0].islower() or page.title[0] == "`"
    assert not page.title.endswith(".")
    assert page.meaning.strip().endswith(".")
    assert bool(page.failing) == bool(page.fixed)
    assert all(len(line) <= 100 for line in page.text().splitlines())


def test_explain_prints_meaning_and_both_examples_in_any_case() -> None:
    text = explain("sgl0203")
    assert text.startswith("SGL0203: name may be unset\n")
    assert text.index("Wrong:") < text.index("Right:")
    assert "    def main(question: str):\n" in text


def test_unknown_code_is_a_usage_error_with_a_suggestion() -> None:
    with pytest.raises(UsageError) as raised:
        explain("SGL0290")
    assert raised.value.diagnostics[0].helps[0].startswith("did you mean `SGL0")
