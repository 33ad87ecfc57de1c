"""From encoded documents to training batches: rows of whole documents, masked from each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Ints = npt.NDArray[np.int64]

TOKENS_PER_BATCH = 4096
WIDTHS = (128, 256, 512, 1024, 2048)
PAD = 3
FIRST_ORDINARY = 8
OPEN_ROWS = 16


@dataclass(frozen=True, slots=True)
class Encoded:
    """Documents end to end: ids `[tokens]`, answer flags `[tokens]`, lengths `[documents]`."""

    ids: Ints
    answer: npt.NDArray[np.bool_]
    lengths: Ints

    def save(self, path: Path) -> None:
        """Write the arrays to an `.npz` file."""
        np.savez(path, ids=self.ids.astype(np.uint16), answer=self.answer, lengths=self.lengths)

    @staticmethod
    def load(path: Path) -> Encoded:
        """Read what `save` wrote."""
        with np.load(path) as arrays:
            return Encoded(arrays["ids"].astype(np.int64), arrays["answer"], arrays["lengths"])


@dataclass(frozen=True, slots=True)
class Batch:
    """One step's input: ids `[B, T]`, mask `[B, 1, T, T]`, flat positions and their targets."""

    ids: Tensor
    mask: Tensor
    chosen: Tensor
    targets: Tensor
    tokens: int


def fill_rows(
    lengths: Ints, members: Ints, width: int, rng: np.random.Generator
) -> list[list[int]]:
    """Put the documents `members` into rows of at most `width` tokens, best of a few open rows."""
    rows: list[list[int]] = []
    opened: list[tuple[int, list[int]]] = []
    for index in rng.permutation(members):
        size = int(lengths[index])
        for slot, (used, row) in enumerate(opened):
            if used + size <= width:
                row.append(int(index))
                opened[slot] = (used + size, row)
                break
        else:
            opened.append((size, [int(index)]))
            if len(opened) > OPEN_ROWS:
                fullest = max(range(len(opened)), key=lambda slot: opened[slot][0])
                rows.append(opened.pop(fullest)[1])
    return rows + [row for _, row in opened]


def epoch(lengths: Ints, rng: np.random.Generator) -> list[tuple[int, list[list[int]]]]:
    """Return one pass over the documents as shuffled `(width, rows of document numbers)`."""
    plan: list[tuple[int, list[list[int]]]] = []
    low = 0
    for width in WIDTHS:
        rows = fill_rows(lengths, np.flatnonzero((lengths > low) & (lengths <= width)), width, rng)
        count = TOKENS_PER_BATCH // width
        order = rng.permutation(len(rows))
        rows = [rows[i] for i in order]
        plan += [(width, rows[i : i + count]) for i in range(0, len(rows), count)]
        low = width
    return [plan[i] for i in rng.permutation(len(plan))]


def documents_batch(
    data: Encoded,
    starts: Ints,
    width: int,
    rows: list[list[int]],
    prompt_share: float,
    rng: np.random.Generator,
) -> Batch:
    """Lay out `rows`; the loss counts answer tokens and a random share of the prompt tokens."""
    shape = (len(rows), width)
    ids = np.full(shape, PAD, np.int64)
    targets = np.full(shape, PAD, np.int64)
    owner = np.full(shape, -1, np.int32)
    answer = np.zeros(shape, np.bool_)
    inside = np.zeros(shape, np.bool_)
    tokens = 0
    for r, row in enumerate(rows):
        at = 0
        for number, index in enumerate(row):
            size, start = int(data.lengths[index]), int(starts[index])
            end = at + size
            ids[r, at:end] = data.ids[start : start + size]
            targets[r, at : end - 1] = data.ids[start + 1 : start + size]
            answer[r, at : end - 1] = data.answer[start + 1 : start + size]
            inside[r, at : end - 1] = True
            owner[r, at:end] = number
            at, tokens = end, tokens + size
    counted = inside & (answer | (rng.random(shape) < prompt_share))
    return _assemble(ids, targets, owner, counted, tokens)


def repeats_batch(vocabulary: int, width: int, rng: np.random.Generator) -> Batch:
    """Rows of random tokens in which blocks come back: only copying can predict the repeats."""
    shape = (TOKENS_PER_BATCH // width, width)
    ids = np.full(shape, PAD, np.int64)
    owner = np.full(shape, -1, np.int32)
    counted = np.zeros(shape, np.bool_)
    for r in range(shape[0]):
        at, number = 0, 0
        while at < width - 8:
            size = int(rng.integers(3, 25))
            block = rng.integers(FIRST_ORDINARY, vocabulary, size)
            gap = rng.integers(FIRST_ORDINARY, vocabulary, int(rng.integers(0, 6)))
            times = int(rng.integers(1, 3))
            row = np.concatenate([block] + [part for _ in range(times) for part in (gap, block)])
            row = row[: width - at]
            end = at + len(row)
            ids[r, at:end] = row
            owner[r, at:end] = number
            counted[r, at + size + len(gap) : end - 1] = True
            at, number = end, number + 1
    targets = np.full(shape, PAD, np.int64)
    targets[:, :-1] = ids[:, 1:]
    return _assemble(ids, targets, owner, counted, ids.size)


def _assemble(
    ids: Ints,
    targets: Ints,
    owner: npt.NDArray[np.int32],
    counted: npt.NDArray[np.bool_],
    tokens: int,
) -> Batch:
    chosen = np.flatnonzero(counted)
    owners = torch.from_numpy(owner)
    width = ids.shape[1]
    same = owners[:, :, None] == owners[:, None, :]
    mask = same & torch.ones(width, width, dtype=torch.bool).tril()
    return Batch(
        ids=torch.from_numpy(ids),
        mask=mask[:, None],
        chosen=torch.from_numpy(chosen),
        targets=torch.from_numpy(targets.reshape(-1)[chosen]),
        tokens=tokens,
    )


def batches(
    data: Encoded,
    vocabulary: int,
    seed: int,
    start: int,
    repeat_share: float,
    repeat_steps: int,
    prompt_share: float,
) -> Iterator[Batch]:
    """
    Yield the batches of steps `start`, `start + 1`, ...; a step's batch depends on no other.

    In the first `repeat_steps` steps `repeat_share` of the batches are random repeats, later a
    tenth of that share.
    """
    starts = np.concatenate([[0], np.cumsum(data.lengths)]).astype(np.int64)
    step, passes = 0, 0
    while True:
        plan = iter(epoch(data.lengths, np.random.default_rng([seed, passes])))
        passes += 1
        while True:
            rng = np.random.default_rng([seed, 1000, step])
            share = repeat_share if step < repeat_steps else repeat_share / 10
            repeat = rng.random() < share
            entry = None if repeat else next(plan, None)
            if not repeat and entry is None:
                break
            if step >= start:
                if entry is None:
                    yield repeats_batch(vocabulary, int(rng.choice([64, 128, 256])), rng)
                else:
                    yield documents_batch(data, starts, *entry, prompt_share, rng)
            step += 1
