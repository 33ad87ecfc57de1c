"""
Random programs in both languages: the same prompts.

Python's calling path of a nested run is the run, a script's is the branch, so branches call only
fragments. After a failed generation the languages differ in where they notice it, so what follows
is not compared between them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.differential.fuzzing.twins import compare_twins

CHUNKS = 5


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_twins(chunk: int, fresh: int, programs: int, tmp_path: Path) -> None:
    print(f"SGLC_DIFF_SEED={fresh}")
    for seed in range(fresh + chunk, fresh + programs // 10, CHUNKS):
        found, python, script = compare_twins(seed, tmp_path)
        assert not found, "\n".join([f"seed {seed}", *found, python, script])
