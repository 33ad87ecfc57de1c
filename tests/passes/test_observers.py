"""Printing, dumping and the table of times."""

from __future__ import annotations

from pathlib import Path

import pytest

from sglc.diagnostics.core import UsageError
from sglc.passes.instrumentation import PhaseRun, Product, Report
from sglc.passes.observers import Dump, Print, times_table


def run(name: str, number: int, text: str, before: str | None, **more: object) -> PhaseRun:
    values: dict[str, object] = {
        "seconds": 0.25,
        "changed": text != before,
        "remarks": (),
        "module": number > 0,
        "text": text,
        "before": before,
    }
    return PhaseRun(name, number, **(values | more))  # type: ignore[arg-type]


RUNS = [
    run("parse", 0, "tree", None),
    run("lower", 1, "one\n", "tree"),
    run("promote", 2, "one\n", "one\n"),
    run("fork-parallel", 3, "two\n", "one\n"),
]


def printed(**options: object) -> list[str]:
    out: list[str] = []
    for one in RUNS:
        Print(out.append, **options)(one)  # type: ignore[arg-type]
    return out


def test_print_everything() -> None:
    assert printed() == [
        "// ----- after parse -----\ntree",
        "// ----- after lower -----\none",
        "// ----- after promote -----\none",
        "// ----- after fork-parallel -----\ntwo",
    ]


def test_print_some_and_print_changes() -> None:
    assert printed(phases=frozenset({"promote"})) == ["// ----- after promote -----\none"]
    assert printed(phases=frozenset()) == []
    assert printed(only_changes=True)[1:] == [
        "// ----- after lower -----\none",
        "// ----- after promote -----\n// no change",
        "// ----- after fork-parallel -----\ntwo",
    ]


def test_dumps_are_numbered_and_end_with_a_newline(tmp_path: Path) -> None:
    for one in RUNS:
        Dump(tmp_path)(one)
    assert {p.name: p.read_text("utf-8") for p in tmp_path.iterdir()} == {
        "00.parse.txt": "tree\n",
        "01.lower.sglir": "one\n",
        "02.promote.sglir": "one\n",
        "03.fork-parallel.sglir": "two\n",
    }


def test_a_dump_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "01.lower.sglir").mkdir()
    with pytest.raises(UsageError, match=r"cannot write `.*01\.lower\.sglir`: is a directory"):
        Dump(tmp_path)(RUNS[1])


def test_table_of_times() -> None:
    runs = [run("lower", 1, "", None, verifying=0.25), run("promote", 2, "", "")]
    assert times_table(Report(Product(None), tuple(runs), 0.25)).splitlines() == [
        "phase           ms  share",
        "lower      250.000    25%",
        "promote    250.000    25%  no change",
        "verify     500.000    50%  2 times",
        "total     1000.000   100%",
    ]
    nothing = times_table(Report(Product(None))).splitlines()
    assert nothing[-1] == "total       0.000      -"
