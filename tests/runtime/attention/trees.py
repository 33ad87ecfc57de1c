"""Random batches over a tree of prefixes, for tests of what cuts and computes them."""

from __future__ import annotations

import random
from dataclasses import dataclass

from sglc_runtime.models.base import Run


@dataclass(frozen=True)
class TreeBatch:
    """Runs and positions as a `Batch` has them, and each row's slots from position 0 up."""

    runs: tuple[Run, ...]
    positions: list[int]
    paths: list[list[int]]


def decode_tree(seed: int) -> TreeBatch:
    """One row for each sequence; some are at a position inside what they share."""
    random_ = random.Random(seed)
    tree = tree_batch(seed, rows=random_.randint(1, 24), most=1)
    positions, paths = [], []
    for position, path in zip(tree.positions, tree.paths, strict=True):
        at = position if random_.random() < 0.9 else random_.randint(0, position)
        positions.append(at)
        paths.append(path[: at + 1])
    return TreeBatch(tree.runs, positions, paths)


def tree_batch(
    seed: int, *, slots: int = 4096, longest: int = 90, rows: int = 12, most: int = 6
) -> TreeBatch:
    """
    Sequences that decode or extend after a random tree of shared prefixes.

    `most` is how many rows one of them has at most.
    """
    random_ = random.Random(seed)
    free = list(range(slots))
    starts = iter(sorted(random_.sample(range(0, slots, 8), slots // 8 // 2)))

    def extents(length: int) -> list[tuple[int, int]]:
        """Stretches of the pool, most of one piece."""
        found = []
        while length:
            take = length if random_.random() < 0.6 else random_.randint(1, length)
            take = min(take, 8)
            found.append((free[next(starts)], take))
            length -= take
        return found

    runs: list[Run] = []
    positions: list[int] = []
    paths: list[list[int]] = []

    def grow(first: int, count: int, position: int, path: list[int], depth: int) -> None:
        """Sequences [first, first + count) after `path`, which ends at `position`."""
        if count > 1 and depth < 4:
            length = random_.randint(0 if depth else 1, longest // (depth + 1))
            shared = extents(length)
            end = rows_of[first + count] if first + count < len(rows_of) else sum(sizes)
            at = position
            for start, size in shared:
                runs.append(Run(rows_of[first], end, start, size, at))
                path = [*path, *range(start, start + size)]
                at += size
            left = random_.randint(1, count - 1)
            grow(first, left, at, path, depth + 1)
            grow(first + left, count - left, at, path, depth + 1)
            return
        for index in range(first, first + count):
            new = sizes[index]
            own, at, mine = extents(random_.randint(0, longest // 3) + new), position, path
            row = rows_of[index]
            for start, size in own:
                runs.append(Run(row, row + new, start, size, at))
                mine = [*mine, *range(start, start + size)]
                at += size
            for offset in range(new):
                positions.append(at - new + offset)
                paths.append(mine[: at - new + offset + 1])

    sizes: list[int] = []
    while sum(sizes) < rows:
        sizes.append(random_.choice([1, 1, 1, random_.randint(min(2, most), most)]))
    rows_of = [sum(sizes[:index]) for index in range(len(sizes))]
    grow(0, len(sizes), 0, [], 0)
    return TreeBatch(tuple(runs), positions, paths)
