"""Tuning of tiles: the search, which cases an entry decides, and what is written."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest
import torch

pytest.importorskip("triton")

from sglc_runtime.attention import tiles
from sglc_runtime.bench.gpu.timer import ClockTimer
from sglc_runtime.bench.gpu.tune import (
    STORED,
    VALUES,
    CaseTimes,
    Table,
    decided_by,
    descend,
    main,
    neighbours,
    to_text,
    tune,
    with_entry,
)
from sglc_runtime.kernels.triton.cases.case import Case
from sglc_runtime.kernels.triton.cases.catalog import catalog

pytestmark = pytest.mark.skipif(
    os.environ.get("TRITON_INTERPRET") != "1", reason="Triton was imported for a GPU"
)
START = {"dim": 128, "float32": 0, "block_m": 16, "block_n": 64, "warps": 4, "stages": 2}
CPU = torch.device("cpu")


@pytest.fixture
def table() -> Table:
    found: Table = json.loads(STORED.read_text())
    return found


def small(kernel: str) -> Case:
    return next(
        case
        for case in catalog()
        if case.small and case.kernel == kernel and case.dtype == torch.float32
    )


def distance(entry: Mapping[str, int]) -> float:
    """As if the best were 128 keys, 8 warps and 5 stages."""
    return 1 + abs(entry["block_n"] - 128) + abs(entry["warps"] - 8) + abs(entry["stages"] - 5)


def test_the_best_is_found_one_number_at_a_time() -> None:
    found = descend(START, distance)
    assert found.entry == {**START, "block_n": 128, "warps": 8, "stages": 5}
    assert (found.before, found.after) == (distance(START), 1)
    assert found.tried < 40


def test_what_cannot_be_used_is_not_chosen() -> None:
    found = descend(START, lambda entry: inf if entry["stages"] > 2 else distance(entry))
    assert found.entry["stages"] == 2
    assert descend(START, lambda entry: inf).entry == START


def test_differences_within_the_noise_change_nothing() -> None:
    found = descend(START, lambda entry: 1 - 1e-3 * entry["stages"])
    assert found.entry == START


def test_it_ends_when_it_is_late() -> None:
    assert descend(START, distance, late=lambda: True).tried == 1


def test_neighbours_differ_in_one_number() -> None:
    found = [*neighbours(START)]
    assert len(found) == sum(len(values) - 1 for values in VALUES.values())
    assert all(sum(each[name] != START[name] for name in START) == 1 for each in found)


def test_an_entry_decides_the_cases_that_use_it(table: Table) -> None:
    cases = [small("attend decode"), small("attend extend"), small("swiglu")]
    names = {
        kind: {
            case.kernel
            for index in range(len(table[kind]))
            for case in decided_by(cases, table, kind, index)
        }
        for kind in ("decode", "extend")
    }
    assert "attend decode" in names["decode"]
    assert "attend extend" in names["extend"]
    assert "swiglu" not in names["decode"] | names["extend"]
    assert json.loads(STORED.read_text()) == tiles._table()


def test_tables_are_used_and_put_back(table: Table) -> None:
    before = json.loads(json.dumps(tiles._table()))
    changed = with_entry(table, "decode", 0, START)
    with tiles.using(changed):
        assert tiles._table() == changed
    assert tiles._table() == before
    with pytest.raises(AttributeError), tiles.using({"decode": []}):
        tiles.no_such_name  # noqa: B018
    assert tiles._table() == before


def test_wrong_and_broken_configurations_count_as_slow(table: Table) -> None:
    case = small("attend fixed")
    assert 0 < CaseTimes([case], CPU, ClockTimer(), repeats=1).seconds(table) < inf

    def doubled(inputs: dict[str, object]) -> dict[str, torch.Tensor]:
        return {name: 2 * value for name, value in case.run(inputs).items()}

    assert (
        CaseTimes([replace(case, run=doubled)], CPU, ClockTimer(), repeats=1).seconds(table) == inf
    )

    def broken(inputs: dict[str, object]) -> dict[str, torch.Tensor]:
        raise RuntimeError("out of resources")

    assert (
        CaseTimes([replace(case, run=broken)], CPU, ClockTimer(), repeats=1).seconds(table) == inf
    )


def test_a_table_is_written_as_it_is_stored(table: Table) -> None:
    assert json.loads(to_text(table)) == table
    saved: list[Table] = []
    found = tune(table, [small("attend decode")], CPU, ClockTimer(), budget=0, save=saved.append)
    assert found == table
    assert not saved


def test_without_a_gpu_nothing_is_tuned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", str(tmp_path / "x.json"), "--device", "cpu"]) == 2
    assert "on a GPU" in capsys.readouterr().err
    assert main(["--out", str(tmp_path / "x.json"), "--device", "cpu", "--kinds", "no"]) == 2
    assert "no kind 'no'; there are: decode" in capsys.readouterr().err
