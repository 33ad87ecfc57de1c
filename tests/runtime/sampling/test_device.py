"""Sampling on a device, in the interpreter, against float64 and the C kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
import triton
import triton.language as tl
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from torch import Tensor

from sglc_runtime.constraints.bitmaps import packed
from sglc_runtime.kernels.triton.sampling_row import draw_uniform
from sglc_runtime.kernels.triton.sampling_shape import SamplingShape
from sglc_runtime.protocol import Sampling
from sglc_runtime.sampling.device import DeviceSampler, sample_on_device
from sglc_runtime.sampling.drawing import draw
from sglc_runtime.sampling.inputs import SamplingInputs
from sglc_runtime.sampling.philox import uniforms
from tests.runtime.sampling.test_drawing import possible, run, samplings

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
KEYS = st.sampled_from([0, 1, 2**31, 2**32 + 5, 2**63, 2**64 - 1])


@dataclass(frozen=True)
class Row:
    """One row's parameters, as the engine has them."""

    sampling: Sampling
    key: int = 0
    sample: int = 0
    token: int = 0
    allowed: Any = None
    """Bool [vocab]; None allows all."""

    @property
    def uniform(self) -> float:
        return float(uniforms(self.key, self.sample, self.token, 1)[0])


def inputs_of(rows: list[Row], vocab: int) -> SamplingInputs:
    words = -(-vocab // 32)
    # What is not masked may hold anything.
    masks = np.full((len(rows), words), 0x55555555, dtype=np.int32)
    for row, line in zip(rows, masks, strict=True):
        if row.allowed is not None:
            line[:] = packed(row.allowed)
    asked = [row.sampling for row in rows]
    on_host = (
        torch.tensor([0.0 if s.temperature < 1e-6 else 1 / s.temperature for s in asked]),
        torch.tensor([s.top_k for s in asked], dtype=torch.int32),
        torch.tensor([s.top_p for s in asked]),
        torch.tensor([s.min_p for s in asked]),
        torch.from_numpy(np.array([row.key for row in rows], dtype=np.uint64).view(np.int64)),
        torch.tensor([row.sample for row in rows]),
        torch.tensor([row.token for row in rows]),
        torch.tensor([row.allowed is not None for row in rows], dtype=torch.int32),
        torch.from_numpy(masks),
    )
    return SamplingInputs(*[tensor.to(DEVICE) for tensor in on_host])


def sample(
    logits: Tensor, rows: list[Row], *, chunk: int = 128, room: int = 512, times: int = 1
) -> list[int]:
    """Tokens of all rows, with everything that is written poisoned before."""
    out = torch.full((len(rows),), -(10**9), device=DEVICE)
    sampler = DeviceSampler(
        len(rows), logits.shape[1], DEVICE, SamplingShape(chunk, 4, 512, 8, room)
    )
    for tensor in sampler.memory():
        tensor.fill_(-77)
    for _ in range(times):
        sampler(logits.to(DEVICE), inputs_of(rows, logits.shape[1]), out)
    return out.tolist()


def masked(logits: Tensor, rows: list[Row]) -> Tensor:
    return torch.stack(
        [
            line
            if row.allowed is None
            else line.masked_fill(~torch.tensor(row.allowed), -torch.inf)
            for line, row in zip(logits, rows, strict=True)
        ]
    )


@st.composite
def batches(draw_one: Any, limits: Any = samplings) -> tuple[Tensor, list[Row]]:
    vocab = draw_one(st.sampled_from([1, 7, 64, 65, 300]))
    noise = np.random.default_rng(draw_one(st.integers(0, 2**31)))
    spread = draw_one(st.sampled_from([0.0, 0.3, 1.0, 5.0, 40.0]))
    rows = [
        Row(
            draw_one(limits), draw_one(KEYS), int(noise.integers(4)), int(noise.integers(2**34)),
            noise.random(vocab) < 0.3 if draw_one(st.booleans()) else None,
        )
        for _ in range(draw_one(st.integers(1, 3)))
    ]  # fmt: skip
    # Rounded logits have many ties; spread 0 is uniform, where only ids decide.
    logits = np.round(noise.standard_normal((len(rows), vocab)) * spread * 8) / 8
    return torch.from_numpy(logits.astype(np.float32)), rows


PLAIN = st.builds(Sampling, temperature=st.sampled_from([0.0, 0.3, 1.0, 3.0]))
UNSHRUNK = (Phase.explicit, Phase.generate)
"""An example takes most of a second in the interpreter: what fails is small enough as it is."""


@settings(max_examples=8, deadline=None, phases=UNSHRUNK)
@given(batches(PLAIN))
def test_greedy_and_plain_rows_with_masks(batch: tuple[Tensor, list[Row]]) -> None:
    check(*batch)


@settings(max_examples=6, deadline=None, phases=UNSHRUNK)
@given(batches(), st.sampled_from([3, 512]))
def test_rows_with_limits(batch: tuple[Tensor, list[Row]], room: int) -> None:
    """With room for few candidates searches read the whole row."""
    check(*batch, room=room)


def check(logits: Tensor, rows: list[Row], **how: Any) -> None:
    """Tokens are the C kernel's, or both are what float64 gives to within a few last places."""
    tokens = sample(logits, rows, **how)
    shaped = masked(logits, rows)
    runs = [run(row.sampling, row.uniform, logits.shape[1]) for row in rows]
    in_c = draw(shaped, range(len(rows)), runs)
    for line, row, token, other in zip(shaped, rows, tokens, in_c, strict=True):
        if not line.isfinite().any():
            assert token == other == 0
        elif token != other:
            assert {token, other} <= possible(line, row.sampling, row.uniform)
        else:
            assert token in possible(line, row.sampling, row.uniform)


LIMITED = Sampling(temperature=0.8, top_k=40, top_p=0.9, min_p=0.01)
PEAKED = np.random.default_rng(3).standard_normal((4, 700)).astype(np.float32) * 4


def test_a_row_depends_on_itself_alone_and_on_nothing_before() -> None:
    rows = [Row(LIMITED, 5), Row(Sampling(), 6), Row(Sampling(temperature=0), 7), Row(LIMITED, 8)]
    logits = torch.from_numpy(PEAKED)
    together = sample(logits, rows, times=2)
    for i in (1, 3):
        assert sample(logits[i : i + 1], rows[i : i + 1], chunk=1024) == [together[i]]


@pytest.mark.parametrize("room", [8, 256])
def test_ties_go_to_the_lower_id(room: int) -> None:
    """All of 200 tokens are equal, and 0 and -0 too: only ids decide, even where search ends."""
    logits = torch.zeros(4, 200)
    logits[:, ::2] = -0.0
    rows = [
        Row(Sampling(temperature=0)),
        Row(Sampling(top_k=10), 1),
        Row(Sampling(top_p=0.1), 2),
        Row(Sampling(top_k=1), 3, allowed=np.arange(200) > 70),
    ]
    wanted = [0, int(rows[1].uniform * 10), int(rows[2].uniform * 21), 71]
    assert sample(logits, rows, chunk=64, room=room) == wanted


def test_infinite_logits_and_what_is_not_a_number() -> None:
    """As in C: an infinite logit is taken, without any possible token it is 0; NaN never comes."""
    logits = torch.from_numpy(PEAKED.copy())
    logits[0, [300, 50]] = torch.inf
    logits[1, :] = -torch.inf
    logits[2, :] = torch.nan
    logits[2, 9] = -3.0
    logits[3, :699] = torch.nan
    nothing = np.zeros(700, dtype=np.bool_)
    rows = [Row(LIMITED), Row(Sampling()), Row(LIMITED), Row(Sampling())]
    assert sample(logits, rows) == [50, 0, 9, 699]
    forbidden = [Row(LIMITED, allowed=nothing), Row(Sampling(), allowed=nothing)]
    assert sample(logits[2:], forbidden) == [0, 0]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_logits_of_16_bits_in_a_wider_tensor(dtype: torch.dtype) -> None:
    """Rows may lie apart, and are not widened before."""
    cut = torch.from_numpy(PEAKED[:3]).to(dtype)[:, :350]
    assert cut.stride(0) == 700
    check(cut, [Row(LIMITED, 1), Row(Sampling(), 2), Row(Sampling(temperature=0))])


def test_a_sharp_distribution_with_limits_that_hardly_hold() -> None:
    """Weights far below the largest, limits at the ends of their ranges."""
    logits = torch.tensor([[0.0, 20.0, 19.0, -30.0, 5.0] + [-200.0] * 60]).repeat(4, 1)
    samplings = [
        Sampling(top_p=1e-6), Sampling(top_p=0.9999999), Sampling(min_p=1.0),
        Sampling(min_p=1e-9, top_k=64, temperature=2.0),
    ]  # fmt: skip
    rows = [Row(sampling, key) for key, sampling in enumerate(samplings)]
    check(logits, rows)
    assert sample(logits, rows)[0] == 1


@triton.jit
def noise_kernel(keys, samples, tokens, out):  # type: ignore[no-untyped-def]
    row = tl.program_id(0)
    tl.store(out + row, draw_uniform(keys, samples, tokens, row))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**64 - 1), st.integers(0, 2**31), st.integers(0, 2**63 - 1))
def test_noise_is_that_of_the_host_bit_for_bit(key: int, index: int, token: int) -> None:
    words = [torch.from_numpy(np.array([n], dtype=np.uint64).view(np.int64)) for n in (key, index)]
    out = torch.zeros(1, dtype=torch.float64, device=DEVICE)
    noise_kernel[(1,)](*(w.to(DEVICE) for w in words), torch.tensor([token], device=DEVICE), out)
    assert out.item() == uniforms(key, index, token, 1)[0]


def test_what_does_not_fit_is_refused() -> None:
    rows = [Row(Sampling())]
    inputs, out = inputs_of(rows, 100), torch.zeros(1, dtype=torch.int64)
    with pytest.raises(
        ValueError, match="1 rows of 100 and 1 tokens do not fit a sampler of 4 rows"
    ):
        DeviceSampler(4, 99, "cpu")(torch.zeros(1, 100), inputs, out)
    with pytest.raises(ValueError, match="do not cover 200"):
        sample_on_device(torch.zeros(1, 200), inputs, out)
    with pytest.raises(ValueError, match="side by side"):
        sample_on_device(torch.zeros(100, 1).t().expand(1, 100)[:, ::2], inputs, out)
    with pytest.raises(ValueError, match="1048576 tokens"):
        DeviceSampler(1, 2**21, "cpu")
