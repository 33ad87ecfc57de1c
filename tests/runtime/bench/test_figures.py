"""What a figure's value says beside its target, and names of rows."""

from __future__ import annotations

import pytest

from sglc_runtime.bench.figures import Target
from sglc_runtime.bench.rows import MODELS, ROWS, chosen
from sglc_runtime.bench.run import measuring_order


@pytest.mark.parametrize(
    ("value", "said"), [(0.84, "missed"), (0.85, "met"), (0.99, "met"), (1.0, "reached")]
)
def test_at_least(value: float, said: str) -> None:
    assert Target(0.85, 1.0).verdict(value) == said


@pytest.mark.parametrize(
    ("value", "said"), [(1.81, "missed"), (1.8, "met"), (1.31, "met"), (1.3, "reached")]
)
def test_at_most(value: float, said: str) -> None:
    assert Target(1.8, 1.3, at_most=True).verdict(value) == said


def test_targets_reach_further_than_they_must() -> None:
    for row in ROWS:
        if row.target is not None:
            assert row.target.verdict(row.target.reach) == "reached"
            assert row.target.verdict(row.target.must) == "met"


def test_rows_are_measured_model_by_model_and_listed_as_in_the_table() -> None:
    rows = measuring_order(ROWS)
    models = [row.model for row in rows]
    assert models == sorted(models, key=MODELS.index)
    assert sorted(map(id, rows)) == sorted(map(id, ROWS))
    assert chosen([]) == list(ROWS)
    last, first = ROWS[-1].name, ROWS[0].name
    assert [row.name for row in chosen([last, first])] == [first, last]
    with pytest.raises(ValueError, match="no row 'nothing'; there are: decode-llama"):
        chosen(["nothing", first])
