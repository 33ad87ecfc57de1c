"""Parts of weights: together they are the whole, and each is read alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from sglc_runtime.models.checkpoint import Checkpoint
from sglc_runtime.models.config import DecoderConfig, parse_decoder, read_config
from sglc_runtime.models.errors import LoadError
from sglc_runtime.models.safe_file import SafeFile
from sglc_runtime.models.weights import LayerWeights, WeightReader
from sglc_runtime.parallel.split import WHOLE, Split, check_split
from tests.runtime.tiny_checkpoints import Family, config_of, write_checkpoint

CPU = torch.device("cpu")


def decoder(heads: int, kv_heads: int, inner: int, vocab: int = 100) -> DecoderConfig:
    raw = config_of(
        "llama",
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        intermediate_size=inner,
        head_dim=8,
        vocab_size=vocab,
    )
    return parse_decoder(Path(), raw)


@given(
    st.integers(1, 8), st.integers(1, 4), st.integers(1, 4), st.integers(1, 5), st.integers(1, 70)
)
def test_parts_are_the_whole(size: int, groups: int, ratio: int, wide: int, vocab: int) -> None:
    """Query heads, inner dimension and vocabulary are cut in order, without gap or overlap."""
    config = decoder(size * groups * ratio, groups * size, size * wide, vocab)
    splits = [Split(rank, size) for rank in range(size)]
    for parts, total in (
        ([s.heads(config) for s in splits], config.num_heads * config.head_dim),
        ([s.kv_heads(config) for s in splits], config.num_kv_heads * config.head_dim),
        ([s.inner(config, 1) for s in splits], config.intermediate_size),
        ([s.vocabulary(config) for s in splits], vocab),
    ):
        indices = [i for part in parts for i in range(part.start, part.stop)]
        assert indices == list(range(total))
    assert all(
        s.vocabulary(config).stop - s.vocabulary(config).start <= s.rows(config) for s in splits
    )


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3))
def test_every_query_head_has_its_own_kv_head(kv_heads: int, sharing: int, ratio: int) -> None:
    """Where there are fewer KV heads than processes, `sharing` of them hold the same one."""
    size = kv_heads * sharing
    config = decoder(size * ratio, kv_heads, size)
    group = config.num_heads // kv_heads
    for rank in range(size):
        split = Split(rank, size)
        local = split.local(config)
        head, kv = split.heads(config), split.kv_heads(config)
        first_kv = kv.start // config.head_dim
        assert local.num_kv_heads == 1
        for place in range(local.num_heads):
            assert (head.start // config.head_dim + place) // group == first_kv


@pytest.mark.parametrize(
    ("heads", "kv_heads", "inner", "size", "said"),
    [
        (9, 3, 96, 2, "the model's 9 attention heads; tp_size 3 would work"),
        (8, 4, 30, 4, "its intermediate size of 30; tp_size 2 would work"),
        (12, 6, 96, 4, "its 6 KV heads; tp_size 2, 3, 6, 12 would work"),
        (5, 5, 96, 5, "its intermediate size of 96; no tp_size above 1 would work"),
    ],
)
def test_sizes_that_do_not_divide(
    heads: int, kv_heads: int, inner: int, size: int, said: str
) -> None:
    with pytest.raises(LoadError, match=re.escape(f"tp_size {size} does not divide {said}")):
        check_split(decoder(heads, kv_heads, inner), size)


@pytest.mark.parametrize(
    ("heads", "kv_heads", "size"), [(8, 2, 2), (8, 2, 4), (8, 2, 8), (9, 3, 3), (4, 4, 1)]
)
def test_sizes_that_divide(heads: int, kv_heads: int, size: int) -> None:
    check_split(decoder(heads, kv_heads, 72), size)


FAMILIES: tuple[tuple[Family, dict[str, object]], ...] = (
    ("llama", {"attention_bias": True, "mlp_bias": True}),
    ("qwen2", {"tie_word_embeddings": True}),
    ("qwen3", {"num_attention_heads": 8, "num_key_value_heads": 2}),
)


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize(("family", "settings"), FAMILIES, ids=[f for f, _ in FAMILIES])
def test_what_is_read_in_parts_is_what_is_read_whole(
    family: Family, settings: dict[str, object], size: int, tmp_path: Path
) -> None:
    folder = write_checkpoint(tmp_path, family, vocab_size=390, **settings)
    config = parse_decoder(folder, read_config(folder))
    with Checkpoint(folder) as files:
        whole = WeightReader(config, files, CPU, torch.float32, WHOLE)
        parts = [
            WeightReader(config, files, CPU, torch.float32, Split(rank, size))
            for rank in range(size)
        ]
        vocab = torch.cat([part.embedding() for part in parts])
        assert torch.equal(vocab[: config.vocab_size], whole.embedding())
        assert not vocab[config.vocab_size :].any()
        if (head := whole.head()) is not None:
            assert torch.equal(
                torch.cat([_given(part.head()) for part in parts])[: config.vocab_size], head
            )
        else:
            assert all(part.head() is None for part in parts)
        for layer, *own in zip(whole.layers(), *(part.layers() for part in parts), strict=True):
            _same_layer(config, layer, own)


def _given(tensor: Tensor | None) -> Tensor:
    assert tensor is not None
    return tensor


def _same_layer(config: DecoderConfig, whole: LayerWeights, parts: list[LayerWeights]) -> None:
    size = len(parts)
    assert torch.equal(torch.cat([p.o.weight for p in parts], 1), whole.o.weight)
    assert torch.equal(torch.cat([p.down.weight for p in parts], 1), whole.down.weight)
    # What is summed afterwards has its bias once.
    for bias, wanted in (
        ([p.o.bias for p in parts], whole.o.bias),
        ([p.down.bias for p in parts], whole.down.bias),
    ):
        assert bias[1:] == [None] * (size - 1)
        assert (bias[0] is None) == (wanted is None)
        assert wanted is None or torch.equal(_given(bias[0]), wanted)
    x = torch.randn(3, config.hidden_size, generator=torch.Generator().manual_seed(0))
    gate, up = torch.nn.functional.linear(x, whole.gate_up.weight, whole.gate_up.bias).chunk(2, -1)
    halves = [torch.nn.functional.linear(x, p.gate_up.weight, p.gate_up.bias) for p in parts]
    torch.testing.assert_close(torch.cat([h.chunk(2, -1)[0] for h in halves], -1), gate)
    torch.testing.assert_close(torch.cat([h.chunk(2, -1)[1] for h in halves], -1), up)
    for rank, part in enumerate(parts):
        local = Split(rank, size).local(config)
        rows = (local.num_heads + 2 * local.num_kv_heads) * config.head_dim
        assert part.qkv.weight.shape == (rows, config.hidden_size)
        first = rank * local.num_heads * config.head_dim
        wanted_q = whole.qkv.weight[first : first + local.num_heads * config.head_dim]
        assert torch.equal(part.qkv.weight[: len(wanted_q)], wanted_q)
        for name in ("input_norm", "post_norm", "q_norm", "k_norm"):
            mine, theirs = getattr(part, name), getattr(whole, name)
            assert (mine is None and theirs is None) or torch.equal(mine, theirs)


def test_only_the_part_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole reads are for what no process divides: norms."""
    folder = write_checkpoint(tmp_path, "llama")
    config = parse_decoder(folder, read_config(folder))
    read: list[str] = []
    before = SafeFile.read
    monkeypatch.setattr(
        SafeFile, "read", lambda self, name: read.append(name) or before(self, name)
    )
    with Checkpoint(folder) as files:
        reader = WeightReader(config, files, CPU, None, Split(1, 2))
        held = reader.embedding().nbytes
        held += _given(reader.head()).nbytes
        for layer in reader.layers():
            for projection in (layer.qkv, layer.o, layer.gate_up, layer.down):
                held += projection.weight.nbytes
    assert {name.rsplit(".", 2)[1] for name in read} == {
        "input_layernorm",
        "post_attention_layernorm",
    }
    assert held == config.parameters * 4 // 2


def test_a_part_of_a_wrong_shape_is_named(tmp_path: Path) -> None:
    from sglc_runtime.models.config import read_json

    folder = write_checkpoint(tmp_path, "llama")
    config = read_json(folder / "config.json")
    config["intermediate_size"] = 128
    decoder_config = parse_decoder(folder, config)
    with Checkpoint(folder) as files:
        reader = WeightReader(decoder_config, files, CPU, None, Split(0, 2))
        with pytest.raises(LoadError, match=r"mlp.gate_proj.weight has shape \(96, 64\)"):
            next(reader.layers())
