"""The decoder for GPUs against the one in torch operations, in Triton's interpreter without one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from sglc_runtime.attention.make import PooledAttention, make_attention
from sglc_runtime.models.base import Batch, Run, SplitAttention
from sglc_runtime.models.config import parse_decoder, read_config
from sglc_runtime.models.fused import FusedModel, suits_fused
from sglc_runtime.models.load_native import load_native
from sglc_runtime.models.native import NativeModel
from tests.runtime.models.driving import greedy
from tests.runtime.models.test_native import prompts
from tests.runtime.tiny_checkpoints import Family, write_checkpoint

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
NEW = 2
CASES: dict[str, tuple[Family, dict[str, Any]]] = {
    "llama-tied-bias": (
        "llama",
        {
            "tie_word_embeddings": True,
            "attention_bias": True,
            "mlp_bias": True,
            "num_hidden_layers": 1,
        },
    ),
    "llama-head-dim": (
        "llama",
        {"head_dim": 24, "num_key_value_heads": 4, "num_hidden_layers": 1},
    ),
    "mistral-window": ("mistral", {"sliding_window": 3}),
    "qwen2-window": (
        "qwen2",
        {"use_sliding_window": True, "sliding_window": 3, "max_window_layers": 1},
    ),
    "qwen3-bias": ("qwen3", {"attention_bias": True, "num_hidden_layers": 1}),
}


def load(folder: Path, *, fused: bool, dtype: str = "float32") -> NativeModel:
    model = load_native(folder, device=DEVICE, dtype=dtype, in_c=False, fused=fused)
    assert isinstance(model, NativeModel)
    assert isinstance(model, FusedModel) is fused
    return model


def batch_of(ids: list[int], *, rows: list[int], start: int = 0) -> Batch:
    """One sequence from `start` on in slots of the same numbers."""
    positions = torch.arange(start, start + len(ids), device=DEVICE)
    return Batch(
        torch.tensor(ids, device=DEVICE), positions, positions,
        torch.tensor(rows, dtype=torch.int64, device=DEVICE),
        (Run(0, len(ids), 0, start + len(ids), 0),),
    )  # fmt: skip


def forward(model: NativeModel, attention: PooledAttention, batch: Batch) -> torch.Tensor:
    return model.forward(batch, attention.bind(batch))


@pytest.mark.parametrize(
    ("name", "backend"), [*((name, "triton") for name in CASES), ("qwen3-bias", "torch")]
)
def test_logits_equal_those_of_torch_operations(name: str, backend: str, tmp_path: Path) -> None:
    """With attention that stores by itself too; a prompt, then one row behind it."""
    family, overrides = CASES[name]
    folder = write_checkpoint(tmp_path, family, **{"num_hidden_layers": 2} | overrides)
    fused, plain = load(folder, fused=True), load(folder, fused=False)
    # One row alone takes many programs, of which the interpreter runs some 200 a second.
    fused.invariant = name != "qwen3-bias"
    ids = prompts(384)[1][:5]
    first = batch_of(ids[:-1], rows=[*range(len(ids) - 1)])
    second = batch_of(ids[-1:], rows=[0], start=len(ids) - 1)
    mine = make_attention(backend, fused.spec, 64, DEVICE)
    theirs = make_attention("torch", plain.spec, 64, DEVICE)
    assert isinstance(mine.bind(first), SplitAttention) is (backend == "triton")
    for batch in (first, second):
        torch.testing.assert_close(
            forward(fused, mine, batch), forward(plain, theirs, batch), rtol=1e-4, atol=1e-3
        )
    for mine_pool, pool in ((mine.keys, theirs.keys), (mine.values, theirs.values)):
        used = slice(len(ids))
        torch.testing.assert_close(mine_pool[:, used], pool[:, used], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("family", ["llama", "mistral", "qwen2", "qwen3"])
def test_greedy_tokens_equal_those_of_transformers(family: Family, tmp_path: Path) -> None:
    """Prompts in chunks beside rows that decode, slots scattered."""
    from transformers import AutoModelForCausalLM

    folder = write_checkpoint(tmp_path, family, num_hidden_layers=1)
    oracle = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
    asked = [prompt[:length] for prompt, length in zip(prompts(384), (3, 5), strict=False)]
    want = [
        oracle.generate(
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.int64),
            max_new_tokens=NEW,
            min_new_tokens=NEW,
            eos_token_id=None,
            do_sample=False,
        )[0, len(prompt) :].tolist()
        for prompt in asked
    ]
    model = load(folder, fused=True)
    model.invariant = True
    attention = make_attention("triton", model.spec, 64, DEVICE)
    if DEVICE.type == "cpu":
        assert greedy(model, attention, asked, NEW, chunk=4) == want


def test_16_bits(tmp_path: Path) -> None:
    """As torch's operations round, but for sums in another order."""
    folder = write_checkpoint(tmp_path, "qwen3", num_hidden_layers=1)
    fused, plain = (load(folder, fused=fused, dtype="float16") for fused in (True, False))
    batch = batch_of(prompts(384)[3][:5], rows=[0, 4])
    got = forward(fused, make_attention("triton", fused.spec, 16, DEVICE), batch)
    want = forward(plain, make_attention("torch", plain.spec, 16, DEVICE), batch)
    assert (got - want).abs().max() < 2e-2 * want.abs().max()


@pytest.mark.parametrize("held", [torch.float8_e4m3fn, torch.float8_e5m2], ids=str)
def test_pools_of_8_bits(held: torch.dtype, tmp_path: Path) -> None:
    """Nearly all numbers are rounded alike by both, and so logits are close."""
    folder = write_checkpoint(tmp_path, "qwen3", num_hidden_layers=1)
    batch = batch_of(prompts(384)[3][:5], rows=[4])
    logits, pools = [], []
    for backend, fused in (("triton", True), ("torch", False)):
        model = load(folder, fused=fused)
        attention = make_attention(backend, model.spec, 5, DEVICE, held)
        logits.append(forward(model, attention, batch))
        pools.append(attention)
    for mine, theirs in ((pools[0].keys, pools[1].keys), (pools[0].values, pools[1].values)):
        same = mine.contiguous().view(torch.uint8) == theirs.contiguous().view(torch.uint8)
        assert same.float().mean() > 0.98
    assert (logits[0] - logits[1]).abs().max() < 0.05 * logits[1].abs().max()


def test_no_row_is_wanted(tmp_path: Path) -> None:
    model = load(write_checkpoint(tmp_path, num_hidden_layers=1), fused=True)
    attention = make_attention("torch", model.spec, 16, DEVICE)
    assert forward(model, attention, batch_of([5, 6, 7], rows=[])).shape == (0, 384)


def test_which_models_it_takes(tmp_path: Path) -> None:
    gpu = torch.device("cuda")
    config = parse_decoder(tmp_path, read_config(write_checkpoint(tmp_path)))
    assert suits_fused(config, gpu)
    assert not suits_fused(config, torch.device("cpu"))
    for size in ({"head_dim": 512}, {"hidden_size": 20480}):
        folder = tmp_path / next(iter(size))
        folder.mkdir()
        assert not suits_fused(parse_decoder(folder, read_config(tmp_path) | size), gpu)
