"""
A row's attention output is bitwise the same however the pass around it was cut.

The C kernel reduces over fixed blocks of absolute positions. These tests vary everything that must
not matter: extents, forks in the middle of a block, shared runs, chunking, other rows, slots.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from sglc_runtime.attention.c_attention import CAttention
from sglc_runtime.kernels.library import load_library
from sglc_runtime.models.base import Batch, Run
from tests.runtime.attention.cases import make_spec

HEADS, KV_HEADS, DIM, SLOTS = 4, 2, 32, 1024
LENGTH = 150


@dataclass(frozen=True)
class Options:
    """What is passed on to the kernel."""

    window: int | None = None
    softcap: float | None = None
    sinks: bool = False


@dataclass(frozen=True)
class Sequence:
    """Query, key and value of every position."""

    q: Tensor
    k: Tensor
    v: Tensor


def sequence(seed: int, dtype: torch.dtype, length: int = LENGTH) -> Sequence:
    generator = torch.Generator().manual_seed(seed)

    def normal(heads: int) -> Tensor:
        return torch.randn(length, heads, DIM, generator=generator).to(dtype)

    return Sequence(normal(HEADS), normal(KV_HEADS), normal(KV_HEADS))


def backend(dtype: torch.dtype) -> CAttention:
    made = CAttention(make_spec(HEADS, KV_HEADS, DIM, dtype=dtype), SLOTS, dtype)
    made.keys.fill_(float("nan"))
    made.values.fill_(float("nan"))
    return made


def attend(
    attention: CAttention,
    parts: list[tuple[Sequence, int, int]],
    slots: list[list[int]],
    runs: list[Run],
    options: Options,
) -> Tensor:
    """One pass over rows [start, end) of each part, stored in the slots given."""
    positions = torch.tensor([p for _, start, end in parts for p in range(start, end)])
    out = torch.tensor([s for part in slots for s in part])
    batch = Batch(
        ids=torch.zeros_like(positions),
        positions=positions,
        out_slots=out,
        rows=torch.arange(len(positions)),
        runs=tuple(runs),
    )

    def cat(name: str) -> Tensor:
        return torch.cat([getattr(seq, name)[start:end] for seq, start, end in parts])

    sinks = torch.linspace(-1, 2, HEADS) if options.sinks else None
    return attention.bind(batch)(
        0,
        cat("q"),
        cat("k"),
        cat("v"),
        scale=DIM**-0.5,
        window=options.window,
        softcap=options.softcap,
        sinks=sinks,
    )


def whole(seq: Sequence, options: Options, slot: int = 0) -> Tensor:
    """The whole sequence in one pass and one extent: what every other way has to equal."""
    length = len(seq.q)
    runs = [Run(0, length, slot, length, 0)]
    slots = [list(range(slot, slot + length))]
    return attend(backend(seq.q.dtype), [(seq, 0, length)], slots, runs, options)


DTYPES = [torch.float32, torch.bfloat16]
OPTIONS = [
    Options(),
    Options(window=16),
    Options(window=33, softcap=5.0),
    Options(sinks=True),
]


@pytest.mark.parametrize("options", OPTIONS, ids=repr)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("fork", [1, 31, 32, 33, 40, 63, 64, 100])
def test_fork_inside_a_block_does_not_move_block_edges(
    fork: int, dtype: torch.dtype, options: Options
) -> None:
    """Branches after `fork` tokens: shared run, separate runs and no fork give equal bits."""
    stem = sequence(0, dtype)
    branches = []
    for seed in (1, 2, 3):
        own = sequence(seed, dtype)
        branches.append(
            Sequence(*(torch.cat([getattr(stem, n)[:fork], getattr(own, n)[fork:]]) for n in "qkv"))
        )
    wanted = [whole(branch, options) for branch in branches]

    for shared in (True, False):
        attention = backend(dtype)
        attend(
            attention, [(stem, 0, fork)], [list(range(fork))], [Run(0, fork, 0, fork, 0)], options
        )
        got: list[list[Tensor]] = [[] for _ in branches]
        for position in range(fork, LENGTH):
            runs = [Run(0, 3, 0, fork, 0)] if shared else []
            for row in range(3):
                if not shared:
                    runs.append(Run(row, row + 1, 0, fork, 0))
                runs.append(Run(row, row + 1, 200 * (row + 1), position - fork + 1, fork))
            out = attend(
                attention,
                [(branch, position, position + 1) for branch in branches],
                [[200 * (row + 1) + position - fork] for row in range(3)],
                runs,
                options,
            )
            for row in range(3):
                got[row].append(out[row])
        for want, rows in zip(wanted, got, strict=True):
            assert torch.equal(want[fork:], torch.stack(rows))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_extents_and_chunks_do_not_matter(data: st.DataObject) -> None:
    """Any cut into chunks, any cut of the KV into extents anywhere in the pool."""
    dtype = data.draw(st.sampled_from(DTYPES))
    options = data.draw(st.sampled_from(OPTIONS))
    seq = sequence(4, dtype)
    cuts = sorted(data.draw(st.sets(st.integers(1, LENGTH - 1), max_size=12)))
    edges = [0, *cuts, LENGTH]
    extents = list(pairwise(edges))
    gap = data.draw(st.integers(0, 3))
    base, slot_of = data.draw(st.integers(0, 5)), {}
    for index, (start, end) in enumerate(data.draw(st.permutations(extents))):
        for position in range(start, end):
            slot_of[position] = base + (position - start) + gap * index
        base += end - start
    chunks = sorted(data.draw(st.sets(st.integers(1, LENGTH - 1), max_size=5)))
    attention = backend(dtype)
    got = []
    for start, end in zip([0, *chunks], [*chunks, LENGTH], strict=True):
        runs = [Run(0, end - start, slot_of[a], min(b, end) - a, a) for a, b in extents if a < end]
        out = attend(
            attention, [(seq, start, end)], [[slot_of[p] for p in range(start, end)]], runs, options
        )
        got.append(out)
    assert torch.equal(whole(seq, options), torch.cat(got))


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_other_rows_do_not_matter(data: st.DataObject) -> None:
    """Sequences of any lengths packed together equal each alone."""
    dtype = data.draw(st.sampled_from(DTYPES))
    options = data.draw(st.sampled_from(OPTIONS))
    lengths = data.draw(st.lists(st.integers(1, 90), min_size=1, max_size=6))
    parts, slots, runs, row, slot = [], [], [], 0, 0
    for index, length in enumerate(lengths):
        parts.append((sequence(10 + index, dtype, length), 0, length))
        slots.append(list(range(slot, slot + length)))
        runs.append(Run(row, row + length, slot, length, 0))
        row, slot = row + length, slot + length + 3
    out = attend(backend(dtype), parts, slots, runs, options)
    row = 0
    for (seq, _, length), _ in zip(parts, slots, strict=True):
        assert torch.equal(whole(seq, options, slot=7), out[row : row + length])
        row += length


def test_nested_forks_share_runs_of_several_depths() -> None:
    """A tree: trunk of all rows, one branch of two rows, leaves; cut inside one block."""
    dtype, options = torch.float32, Options()
    stem, left = sequence(20, dtype, 80), sequence(21, dtype, 80)
    leaves = [sequence(22 + n, dtype, 80) for n in range(3)]

    def path(*pieces: tuple[Sequence, int, int]) -> Sequence:
        return Sequence(*(torch.cat([getattr(seq, n)[a:b] for seq, a, b in pieces]) for n in "qkv"))

    paths = [
        path((stem, 0, 37), (left, 37, 45), (leaves[0], 45, 50)),
        path((stem, 0, 37), (left, 37, 45), (leaves[1], 45, 50)),
        path((stem, 0, 37), (leaves[2], 37, 50)),
    ]
    attention = backend(dtype)
    attend(attention, [(stem, 0, 37)], [list(range(37))], [Run(0, 37, 0, 37, 0)], options)
    runs = [Run(0, 8, 0, 37, 0), Run(0, 8, 100, 8, 37)]
    attend(attention, [(left, 37, 45)], [list(range(100, 108))], runs, options)
    for row, first in ((0, 45), (1, 45), (2, 37)):
        count = 49 - first
        start = 200 + 50 * row
        runs = [Run(0, count, 0, 37, 0)]
        if first == 45:
            runs.append(Run(0, count, 100, 8, 37))
        runs.append(Run(0, count, start, count, first))
        slots = [list(range(start, start + count))]
        attend(attention, [(paths[row], first, 49)], slots, runs, options)
    runs = [
        Run(0, 3, 0, 37, 0),
        Run(0, 2, 100, 8, 37),
        Run(0, 1, 200, 5, 45),
        Run(1, 2, 250, 5, 45),
        Run(2, 3, 300, 13, 37),
    ]
    out = attend(attention, [(p, 49, 50) for p in paths], [[204], [254], [312]], runs, options)
    for row, one in enumerate(paths):
        assert torch.equal(whole(one, options)[49], out[row])


def test_runs_with_a_gap_are_refused() -> None:
    seq = sequence(0, torch.float32, 10)
    with pytest.raises(ValueError, match="runs"):
        attend(backend(torch.float32), [(seq, 9, 10)], [[9]], [Run(0, 1, 0, 5, 5)], Options())


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    """Set the kernels' threads; as before afterwards."""
    library = load_library()
    before = library.sglc_threads()
    yield library.sglc_set_threads
    library.sglc_set_threads(before)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("options", [Options(), Options(window=300, softcap=5.0, sinks=True)])
def test_threads_do_not_matter(
    dtype: torch.dtype, options: Options, threads: Callable[[int], None]
) -> None:
    """Few rows over many keys, whose spans run side by side, and many rows, whose tiles do."""
    seq = sequence(0, dtype, 900)
    alone = whole(seq, options)
    for count in (2, 3, 16):
        threads(count)
        assert torch.equal(alone, whole(seq, options))
        attention = backend(dtype)
        runs, slots = [Run(0, 880, 0, 880, 0)], [list(range(880))]
        attend(attention, [(seq, 0, 880)], slots, runs, options)
        for start, end in ((880, 881), (881, 900)):
            runs, slots = [Run(0, end - start, 0, end, 0)], [list(range(start, end))]
            got = attend(attention, [(seq, start, end)], slots, runs, options)
            assert torch.equal(alone[start:end], got)
