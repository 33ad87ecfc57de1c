"""Every mutant is noticed, by the check that docs/passes.md names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutation import checks
from tests.mutation.document import BEGIN, END, table
from tests.mutation.mutants import MUTANTS, Mutant, Seen

DOCS = Path(__file__).parents[2] / "docs" / "passes.md"


def test_nothing_is_found_without_a_mutant() -> None:
    assert checks.caught_by() == ""


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name.replace(" ", "_"))
def test_mutant_is_noticed(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Seen()
    mutant.apply(monkeypatch, seen)
    found = checks.caught_by()
    assert seen.changes, "the mutant changed nothing"
    assert found == mutant.caught_by


def test_the_table_of_mutants_is_generated() -> None:
    text = DOCS.read_text(encoding="utf-8")
    written = text.partition(BEGIN)[2].partition(END)[0]
    assert written.strip() == table().strip(), (
        "write the output of `python -m tests.mutation.document`"
    )
    assert len(MUTANTS) >= 20
