"""llama.cpp on the same random weights says the same; skipped where it is not installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from sglc_runtime.bench.agree import agree
from sglc_runtime.bench.gguf_file import NAMES, Kind, gguf_file, tensor_name
from sglc_runtime.bench.lab import TINY, Lab, Settings
from sglc_runtime.bench.large_rows import TOLERANCE
from sglc_runtime.bench.shapes import checkpoint, sizes

SETTINGS = Settings(repeats=1, threads=1, quick=True, large=TINY, medium=TINY)
PROMPTS = [[70, 71, 72, 73], [70, 71, 72, 74, 75], [99, 98]]


def test_every_weight_has_a_name() -> None:
    names = [tensor_name(name) for name, _ in sizes(TINY)]
    assert len(set(names)) == len(names) == 2 + TINY.layers * len(NAMES)


@pytest.mark.parametrize("kind", ["bf16", "q8_0", "q4_0"])
def test_same_tokens_and_nothing_left_of_earlier_calls(kind: Kind) -> None:
    pytest.importorskip("llama_cpp")
    pytest.importorskip("gguf")
    lab = Lab(SETTINGS, lambda _: None)
    llama = lab.llama(TINY, kind)
    together = llama.run(PROMPTS, 8).ids
    assert [llama.run([prompt], 8).ids[0] for prompt in PROMPTS] == together
    found = agree(lab.engine(TINY), PROMPTS, together)
    assert found.fine(TOLERANCE[kind]), found
    lab.release()


def test_a_file_is_made_once() -> None:
    pytest.importorskip("llama_cpp")
    pytest.importorskip("gguf")
    folder: Path = checkpoint(TINY)
    before = gguf_file(folder, "q8_0").stat().st_mtime_ns
    assert gguf_file(folder, "q8_0").stat().st_mtime_ns == before
    assert not [*folder.glob("*.gguf.*")]
