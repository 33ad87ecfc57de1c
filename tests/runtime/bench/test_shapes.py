"""Random checkpoints: the sizes they should have, and a tokenizer that gives text back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from tokenizers import Tokenizer

from sglc_runtime.bench.lab import TINY
from sglc_runtime.bench.shapes import (
    QWEN3_06B,
    SMOLLM2_135M,
    Shape,
    checkpoint,
    sizes,
    tokenizer_of,
    write_checkpoint,
)

TOKENIZER = Tokenizer.from_str(tokenizer_of(6000))


def test_real_shapes_have_as_many_weights_as_the_models() -> None:
    counts = {}
    for shape in (QWEN3_06B, SMOLLM2_135M):
        total = 0
        for _, size in sizes(shape):
            count = 1
            for length in size:
                count *= length
            total += count
        counts[shape.name] = total
        # Matrices alone; norms are the rest.
        assert 0 < total - shape.weights < total / 1000
    assert counts == {"Qwen3-0.6B": 596_049_920, "SmolLM2-135M": 134_515_008}


@pytest.mark.parametrize("family", ["qwen3", "llama"])
def test_a_written_checkpoint(family: str, tmp_path: Path) -> None:
    shape = replace(TINY, family=family)
    write_checkpoint(tmp_path, shape)
    with safe_open(tmp_path / "model.safetensors", "pt") as file:
        found = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    assert found == dict(sizes(shape))


def test_a_checkpoint_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SGLC_CACHE", str(tmp_path))
    other: Shape = replace(TINY, layers=1)
    folder = checkpoint(TINY)
    before = (folder / "model.safetensors").stat().st_mtime_ns
    assert checkpoint(TINY) == folder != checkpoint(other)
    assert (folder / "model.safetensors").stat().st_mtime_ns == before
    assert sorted(path.name.partition("-")[0] for path in (tmp_path / "bench").iterdir()) == [
        "Tiny",
        "Tiny",
    ]


@given(st.text())
def test_text_comes_back(text: str) -> None:
    assert TOKENIZER.decode(TOKENIZER.encode(text).ids, skip_special_tokens=False) == text


def test_all_ids_are_used_and_digits_stand_alone() -> None:
    assert sorted(TOKENIZER.get_vocab().values()) == list(range(6000))
    assert TOKENIZER.encode("83724901").tokens == list("83724901")
    assert len(TOKENIZER.encode("hello world").ids) < len("hello world")
