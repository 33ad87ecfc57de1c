"""The C decoder's linear layers: right, and one order of summation for any number of rows."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sglc_runtime.attention.make import make_attention
from sglc_runtime.models import c_native
from sglc_runtime.models.base import Batch, Run
from sglc_runtime.models.c_native import CModel
from sglc_runtime.models.config import parse_decoder, read_config
from sglc_runtime.models.dtypes import has_bf16
from sglc_runtime.models.load_native import load_native, suits_c
from sglc_runtime.models.packing import Quantization
from tests.runtime.models.driving import greedy
from tests.runtime.tiny_checkpoints import write_checkpoint

CPU = torch.device("cpu")


def test_stored_bfloat16_gives_the_same_continuations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Narrow storage is a matter of speed only."""
    folder = write_checkpoint(tmp_path, "llama", dtype=torch.bfloat16)
    made = []
    for keep in (0, 10**9):
        monkeypatch.setattr(c_native, "KEEP_FLOAT32", keep)
        model = load_native(folder, device=CPU, dtype="float32", in_c=True)
        assert isinstance(model, CModel)
        made.append(greedy(model, make_attention("c", model.spec, 128), [[5, 6, 7]], 20))
    assert made[0] == made[1]


def test_bad_positions_and_rows_are_refused(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, "llama")
    model = load_native(folder, device=CPU, dtype="auto", in_c=True)
    assert isinstance(model, CModel)
    attention = make_attention("c", model.spec, 1024)

    def forward(position: int, row: int) -> None:
        one = torch.tensor([0])
        run = Run(0, 1, 0, position + 1, 0)
        batch = Batch(one, torch.tensor([position]), one, torch.tensor([row]), (run,))
        model.forward(batch, attention.bind(batch))

    forward(511, 0)
    with pytest.raises(ValueError, match="context"):
        forward(512, 0)
    with pytest.raises(ValueError, match="outside the batch"):
        forward(3, 1)


def test_no_rows_wanted_gives_no_logits(tmp_path: Path) -> None:
    """Chunks of a prompt that is not complete yet."""
    folder = write_checkpoint(tmp_path, "qwen3")
    for in_c in (False, True):
        model = load_native(folder, device=CPU, dtype="auto", in_c=in_c)
        attention = make_attention("c", model.spec, 16)
        every, none = torch.arange(5), torch.empty(0, dtype=torch.int64)
        batch = Batch(every, every, every, none, (Run(0, 5, 0, 5, 0),))
        assert model.forward(batch, attention.bind(batch)).shape == (0, model.spec.vocab_size)


@pytest.mark.parametrize(("quantization", "most"), [("int8", 0.05), ("int4", 0.5)])
@pytest.mark.parametrize("tied", [False, True])
def test_quantized_logits_are_near_those_of_the_stored_weights(
    quantization: Quantization, most: float, tied: bool, tmp_path: Path
) -> None:
    folder = write_checkpoint(
        tmp_path, "qwen3", dtype=torch.bfloat16, initializer_range=0.05, tie_word_embeddings=tied
    )
    every = torch.arange(40)
    batch = Batch(every * 7 % 300, every, every, every, (Run(0, 40, 0, 40, 0),))
    made = []
    kinds: list[Quantization] = ["none", quantization]
    for kind in kinds:
        model = load_native(folder, device=CPU, dtype="auto", in_c=True, quantization=kind)
        assert isinstance(model, CModel)
        made.append(model.forward(batch, make_attention("c", model.spec, 64).bind(batch)))
    error = (made[1] - made[0]).norm() / made[0].norm()
    assert most / 100 < error < most


def test_weights_take_no_more_memory_than_they_are_stored_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tied embeddings once, bfloat16 as such, integers with a scale for each 32."""
    monkeypatch.setattr(c_native, "KEEP_FLOAT32", 0)
    folder = write_checkpoint(
        tmp_path,
        "llama",
        dtype=torch.bfloat16,
        tie_word_embeddings=True,
        vocab_size=4096,
        max_position_embeddings=16,
    )
    sizes: dict[str, float] = {}
    kinds: list[Quantization] = ["none", "int8", "int4"]
    for kind in kinds:
        model = load_native(folder, device=CPU, dtype="auto", in_c=True, quantization=kind)
        assert isinstance(model, CModel)
        weights = parse_decoder(folder, read_config(folder)).parameters
        sizes[kind] = model.weight_bytes / weights
    table = 4096 * model.spec.num_heads * model.spec.head_dim * 2 / weights
    assert 2 <= sizes["none"] < 2.1
    assert 1.06 <= sizes["int8"] - table < 1.2
    assert 0.56 <= sizes["int4"] - table < 0.7


def test_which_decoder_suits() -> None:
    cuda = torch.device("cuda")
    fp32, bf16 = torch.float32, torch.bfloat16
    small, large = 2_000_000, 600_000_000
    assert suits_c(CPU, fp32, large, bf16_cpu=True)
    assert suits_c(CPU, bf16, small, bf16_cpu=True)
    assert suits_c(CPU, bf16, large, bf16_cpu=False)
    assert not suits_c(CPU, bf16, large, bf16_cpu=True)
    assert not suits_c(CPU, torch.float16, small, bf16_cpu=False)
    assert not suits_c(cuda, fp32, small, bf16_cpu=False)


def test_bfloat16_instructions_are_read_from_the_processor_flags() -> None:
    zen3 = "model name\t: AMD EPYC\nflags\t\t: fpu avx2 fma f16c\n"
    assert not has_bf16(zen3)
    assert not has_bf16("flags : avx512f avx512bw avx512_vnni\n")
    assert not has_bf16("model name : avx512_bf16\n")
    assert has_bf16("flags : avx512f avx512_bf16 amx_tile\n")
    assert has_bf16("flags : avx512f amx_bf16\n")
    assert has_bf16("Features\t: fp asimd i8mm bf16\n")
