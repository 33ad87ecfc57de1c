"""Both backends against attention written out in float64."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from sglc_runtime.attention.c_attention import CAttention
from sglc_runtime.attention.make import AttentionUnavailable, bytes_per_slot, make_attention
from sglc_runtime.attention.torch_attention import TorchAttention
from sglc_runtime.models.base import Batch, Run
from tests.runtime.attention.cases import make_spec

TOLERANCE = {torch.float32: 2e-6, torch.bfloat16: 1.5e-2}


def oracle(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    positions: Tensor,
    scale: float,
    window: int | None,
    softcap: float | None,
    sinks: Tensor | None,
) -> Tensor:
    """q [T, H, D] at `positions` over k, v [N, Hk, D] of positions 0..N-1, one pair at a time."""
    heads, group = q.shape[1], q.shape[1] // k.shape[1]
    out = torch.zeros(q.shape, dtype=torch.float64)
    for row, position in enumerate(positions.tolist()):
        first = 0 if window is None else max(0, position - window + 1)
        for head in range(heads):
            keys = k[first : position + 1, head // group].double()
            logits = keys @ q[row, head].double() * scale
            if softcap is not None:
                logits = softcap * torch.tanh(logits / softcap)
            weights = logits.exp()
            total = weights.sum()
            if sinks is not None:
                total = total + sinks[head].double().exp()
            out[row, head] = (
                weights[:, None] * v[first : position + 1, head // group].double()
            ).sum(0) / total
    return out


@pytest.mark.parametrize("name", ["c", "torch"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize(
    ("heads", "kv_heads", "dim"), [(4, 2, 32), (3, 3, 64), (8, 1, 16), (6, 2, 80), (2, 1, 20)]
)
@pytest.mark.parametrize(
    ("window", "softcap", "sinks"),
    [(None, None, False), (7, None, False), (40, 3.0, False), (None, None, True), (5, 2.0, True)],
)
def test_against_float64(
    name: str,
    dtype: torch.dtype,
    heads: int,
    kv_heads: int,
    dim: int,
    window: int | None,
    softcap: float | None,
    sinks: bool,
) -> None:
    """A decode row, an extend and a prefill in one batch, scattered extents."""
    generator = torch.Generator().manual_seed(heads * dim)
    spec = make_spec(heads, kv_heads, dim, layers=2, dtype=dtype)
    made = make_attention(name, spec, 600, "cpu", dtype)
    assert isinstance(made, CAttention if name == "c" else TorchAttention)

    def normal(length: int, count: int) -> Tensor:
        return torch.randn(length, count, dim, generator=generator).to(dtype)

    extents = [[(300, 50), (10, 27)], [(400, 33), (100, 40)], [(200, 45)]]
    computed = [1, 9, 45]
    runs, slots, positions, parts, row = [], [], [], [], 0
    for pieces, count in zip(extents, computed, strict=True):
        length = sum(size for _, size in pieces)
        where = [s for start, size in pieces for s in range(start, start + size)]
        k, v, q = normal(length, kv_heads), normal(length, kv_heads), normal(count, heads)
        done = torch.tensor(where[: length - count], dtype=torch.int64)
        made.keys[1, done] = k[: length - count]
        made.values[1, done] = v[: length - count]
        at = 0
        for start, size in pieces:
            runs.append(Run(row, row + count, start, size, at))
            at += size
        slots += where[length - count :]
        positions.append(torch.arange(length - count, length))
        parts.append((q, k, v, positions[-1]))
        row += count
    batch = Batch(
        ids=torch.zeros(row, dtype=torch.int64),
        positions=torch.cat(positions),
        out_slots=torch.tensor(slots),
        rows=torch.arange(row),
        runs=tuple(runs),
    )
    sink = torch.randn(heads, generator=generator) if sinks else None
    options: dict[str, Any] = {"window": window, "softcap": softcap, "sinks": sink}
    scale = 1.3 * dim**-0.5
    # Strided rows, as slices of a fused projection are.
    fused = torch.cat(
        [
            torch.cat([q for q, _, _, _ in parts]),
            torch.cat([k[-len(q) :] for q, k, _, _ in parts]),
            torch.cat([v[-len(q) :] for q, _, v, _ in parts]),
        ],
        1,
    )
    got = made.bind(batch)(
        1,
        fused[:, :heads],
        fused[:, heads : heads + kv_heads],
        fused[:, heads + kv_heads :],
        scale=scale,
        **options,
    )
    want = torch.cat([oracle(q, k, v, at, scale, **options) for q, k, v, at in parts])
    assert got.dtype == dtype
    assert got.shape == want.shape
    torch.testing.assert_close(got.double(), want, rtol=0, atol=TOLERANCE[dtype])


def test_large_logits_stay_exact() -> None:
    """Scores of +-300 neither overflow nor lose the winner."""
    spec = make_spec(1, 1, 8)
    made = make_attention("c", spec, 64)
    q = torch.full((40, 1, 8), 10.0)
    k = torch.linspace(-4, 4, 40)[:, None, None].expand(40, 1, 8).contiguous()
    v = torch.arange(40.0)[:, None, None].expand(40, 1, 8).contiguous()
    batch = Batch(
        torch.zeros(40, dtype=torch.int64),
        torch.arange(40),
        torch.arange(40),
        torch.arange(40),
        (Run(0, 40, 0, 40, 0),),
    )
    out = made.bind(batch)(0, q, k, v, scale=1.0)
    want = oracle(q, k, v, torch.arange(40), 1.0, None, None, None)
    torch.testing.assert_close(out.double(), want, rtol=1e-5, atol=1e-5)


def test_copy_slots_copies_every_layer() -> None:
    for name in ("c", "torch"):
        made = make_attention(name, make_spec(2, 2, 8, layers=3), 10)
        made.keys.normal_()
        made.values.normal_()
        keys, values = made.keys.clone(), made.values.clone()
        made.copy_slots(torch.tensor([1, 2]), torch.tensor([7, 5]))
        assert torch.equal(made.keys[:, [7, 5]], keys[:, [1, 2]])
        assert torch.equal(made.values[:, [7, 5]], values[:, [1, 2]])
        assert torch.equal(made.keys[:, [0, 9]], keys[:, [0, 9]])


def test_make_attention_refuses_what_cannot_run() -> None:
    spec = make_spec(2, 2, 8, dtype=torch.float16)
    with pytest.raises(AttentionUnavailable, match="float16"):
        make_attention("c", spec, 10)
    assert make_attention("auto", spec, 10).name == "torch"
    with pytest.raises(ValueError, match="unknown"):
        make_attention("cuda", spec, 10)
    assert bytes_per_slot(spec) == 2 * 2 * 8 * 2


@pytest.mark.parametrize("name", ["c", "torch"])
def test_bad_batches_are_refused(name: str) -> None:
    made = make_attention(name, make_spec(2, 2, 8), 16)
    q = torch.zeros(1, 2, 8)

    def attend(run: Run, slot: int = 0, position: int = 3) -> None:
        one = torch.tensor([slot])
        batch = Batch(one, torch.tensor([position]), one, one, (run,))
        made.bind(batch)(0, q, q, q, scale=1.0)

    attend(Run(0, 1, 0, 4, 0))
    with pytest.raises(ValueError, match="gap or end"):
        attend(Run(0, 1, 0, 3, 0))
    with pytest.raises(ValueError, match="gap or end"):
        attend(Run(0, 1, 0, 4, 1))
    with pytest.raises(ValueError, match="outside"):
        attend(Run(0, 2, 0, 4, 0))
    if name == "c":
        with pytest.raises(ValueError, match="outside"):
            attend(Run(0, 1, 14, 4, 0))
        with pytest.raises(ValueError, match="outside"):
            attend(Run(0, 1, 0, 4, 0), slot=16)


@pytest.mark.parametrize(
    ("heads", "kv_heads", "dim"),
    [(16, 8, 128), (9, 3, 64), (32, 8, 128), (2, 2, 96), (8, 1, 256), (71, 1, 16), (2, 1, 576)],
)
@pytest.mark.parametrize("given", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("pool", [torch.float32, torch.bfloat16], ids=str)
def test_shapes_and_types_of_real_models(
    heads: int, kv_heads: int, dim: int, given: torch.dtype, pool: torch.dtype
) -> None:
    """Several spans of positions; the pool's type is not that of q, k and v."""
    length, count, split = 530, 5, 301
    generator = torch.Generator().manual_seed(heads)
    made = make_attention("c", make_spec(heads, kv_heads, dim, dtype=pool), 700, "cpu", pool)
    k, v = (torch.randn(length, kv_heads, dim, generator=generator).to(given) for _ in range(2))
    # [H, T, D] in memory, as transformers has it.
    q = torch.randn(heads, count, dim, generator=generator).to(given).transpose(0, 1)
    done = length - count
    slots = torch.cat([torch.arange(100, 100 + split), torch.arange(450, 450 + length - split)])
    made.keys[0, slots[:done]] = k[:done].to(pool)
    made.values[0, slots[:done]] = v[:done].to(pool)
    positions = torch.arange(done, length)
    runs = (Run(0, count, 100, split, 0), Run(0, count, 450, length - split, split))
    batch = Batch(positions, positions, slots[done:], torch.arange(count), runs)
    options: dict[str, Any] = {"window": 300, "softcap": 20.0, "sinks": torch.randn(heads)}
    got = made.bind(batch)(0, q, k[done:], v[done:], scale=dim**-0.5, **options)
    assert torch.equal(made.keys[0, slots].float(), k.to(pool).float())
    want = oracle(q, k.to(pool), v.to(pool), positions, dim**-0.5, **options)
    assert got.dtype == given
    torch.testing.assert_close(got.double(), want, rtol=0, atol=TOLERANCE[given])


def test_stores_in_bfloat16_round_to_nearest_even() -> None:
    made = make_attention("c", make_spec(1, 1, 37, dtype=torch.bfloat16), 8, "cpu", torch.bfloat16)
    bits = torch.randint(-(2**31), 2**31, (1, 1, 37), generator=torch.Generator().manual_seed(0))
    x = bits.to(torch.int32).view(torch.float32)
    x[0, 0, :6] = torch.tensor([float("nan"), float("inf"), -float("inf"), -0.0, 3.4e38, 1e-45])
    x[0, 0, 6:8] = torch.tensor([0x3F808000, 0x3F818000], dtype=torch.int32).view(torch.float32)
    zero = torch.zeros(1, dtype=torch.int64)
    made.bind(Batch(zero, zero, zero + 5, zero, (Run(0, 1, 5, 1, 0),)))(0, x, x, x, scale=1.0)
    want = x[0].to(torch.bfloat16)
    for stored in (made.keys[0, 5], made.values[0, 5]):
        assert torch.equal(stored.isnan(), want.isnan())
        kept = ~want.isnan()
        assert torch.equal(stored[kept].view(torch.int16), want[kept].view(torch.int16))


def test_inputs_that_do_not_fit_are_refused() -> None:
    made = make_attention("c", make_spec(2, 1, 8), 16)
    zero = torch.zeros(1, dtype=torch.int64)
    bound = made.bind(Batch(zero, zero, zero, zero, (Run(0, 1, 0, 1, 0),)))
    q, k = torch.zeros(1, 2, 8), torch.zeros(1, 1, 8)
    bound(0, q, k, k, scale=1.0)
    with pytest.raises(ValueError, match="do not fit"):
        bound(0, q, q, k, scale=1.0)
    with pytest.raises(ValueError, match="not of one kind"):
        bound(0, q, k.bfloat16(), k, scale=1.0)
    with pytest.raises(ValueError, match="outside"):
        made.bind(Batch(zero, zero - 1, zero, zero, (Run(0, 1, 0, 1, 0),)))
