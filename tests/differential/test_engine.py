"""Random programs on the real engine: eager and compiled agree bit for bit, at any temperature."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sglc.backends.local import LocalBackend
from tests.differential.fuzzing.on_engine import compare_on_engine, tiny_engine

CHUNKS, PROGRAMS = 3, 30

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalBackend]:
    with tiny_engine(tmp_path_factory.mktemp("llama")) as backend:
        yield backend


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_programs(engine: LocalBackend, chunk: int, fresh: int, tmp_path: Path) -> None:
    print(f"SGLC_DIFF_SEED={fresh}")
    for seed in range(fresh + chunk, fresh + PROGRAMS, CHUNKS):
        assert compare_on_engine(engine, seed, tmp_path) == [], seed
