"""
Every program of SGLang's tests, examples and benchmarks compiles, and most of it is lifted.

`pytest -s tests/upstream/test_lifting.py` prints the table.
"""

from __future__ import annotations

import pytest

from tests.upstream.lifting import Share, share
from tests.upstream.test_modes import FILES, FOLDERS, HERE

FLOOR = 0.98
"""Least share of model operations that is lifted, over all files."""


@pytest.fixture(scope="module")
def shares() -> dict[str, Share]:
    return {str(path.relative_to(HERE).with_suffix("")): share(path) for path in FILES}


def total(shares: list[Share]) -> Share:
    return Share(*(sum(getattr(s, n) for s in shares) for n in Share.__slots__[:4]))


def table(shares: dict[str, Share]) -> str:
    rows = [*shares.items()]
    for folder in FOLDERS:
        rows.append((folder, total([s for n, s in shares.items() if n.startswith(folder)])))
    rows.append(("all", total(list(shares.values()))))
    lines = [f"{'file':46} programs compiled  model ops  lifted"]
    lines += [
        f"{name:46} {s.programs:8} {s.compiled:8} {s.operations:10} {s.lifted / s.operations:7.1%}"
        for name, s in rows
    ]
    return "\n".join(lines)


def test_every_program_compiles(shares: dict[str, Share]) -> None:
    live = [name for name, s in shares.items() if s.compiled < s.programs or not s.programs]
    assert live == []


def test_most_model_operations_are_lifted(shares: dict[str, Share]) -> None:
    print("\n" + table(shares))
    every = total(list(shares.values()))
    missing = [f"{name}:{line}" for name, s in shares.items() for line in s.missing]
    assert every.lifted / every.operations >= FLOOR, "\n".join(missing)
