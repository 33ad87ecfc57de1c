"""Random scripts mean the same however they are run; see `fuzzing.comparing_scripts`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.differential.fuzzing.kinds import ScriptKind

CHUNKS = 8


def compare(seeds: list[int], folder: Path) -> int:
    """Compare scripts; how many of them the checks refused."""
    kind, refused = ScriptKind(), 0
    for seed in seeds:
        found = kind.compare(seed, folder)
        assert not found.differences, "\n".join([f"seed {seed}", *found.differences, found.source])
        refused += found.counts["refused"]
    return refused


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_corpus(chunk: int, tmp_path: Path) -> None:
    assert compare(list(range(chunk, 48, CHUNKS)), tmp_path) <= 2


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_fresh_scripts(chunk: int, fresh: int, programs: int, tmp_path: Path) -> None:
    """Repeat a failure with `SGLC_DIFF_SEED`, which the failing test prints with the scripts."""
    print(f"SGLC_DIFF_SEED={fresh}")
    compare(list(range(fresh + chunk, fresh + programs * 3 // 10, CHUNKS)), tmp_path)
