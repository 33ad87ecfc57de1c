"""Random Python programs mean the same however they are run; see `fuzzing.comparing`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.differential.fuzzing.kinds import PythonKind

CHUNKS = 8


def compare(seeds: list[int], folder: Path) -> None:
    kind = PythonKind()
    for seed in seeds:
        found = kind.compare(seed, folder)
        assert not found.differences, "\n".join([f"seed {seed}", *found.differences, found.source])


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_corpus(chunk: int, tmp_path: Path) -> None:
    compare(list(range(chunk, 120, CHUNKS)), tmp_path)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_fresh_programs(chunk: int, fresh: int, programs: int, tmp_path: Path) -> None:
    """Repeat a failure with `SGLC_DIFF_SEED`, which the failing test prints with the programs."""
    print(f"SGLC_DIFF_SEED={fresh}")
    compare(list(range(fresh + chunk, fresh + programs * 3 // 5, CHUNKS)), tmp_path)
