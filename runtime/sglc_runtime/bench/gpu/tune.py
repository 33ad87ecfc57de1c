"""
Tries tiles for the attention kernels on the GPU that is there, and writes a table of the best.

`python -m sglc_runtime.bench.gpu.tune --out tiles.json`; the table then takes the place of
`sglc_runtime/attention/tiles.json`. Each entry is tuned on the realistic cases that it decides:
one number is changed at a time, as long as that makes them faster. What does not compile, does not
fit or is wrong counts as slow.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from time import monotonic

import torch
from torch import Tensor

from sglc_runtime.arguments import output_file
from sglc_runtime.attention import tiles
from sglc_runtime.bench.gpu.devices import require
from sglc_runtime.bench.gpu.settings import GpuSettings
from sglc_runtime.bench.gpu.timer import Timer, median_seconds, timer_for
from sglc_runtime.bench.gpu.trees import geometric_mean
from sglc_runtime.kernels.triton.cases.case import TOLERANCE, Case, relative_error
from sglc_runtime.kernels.triton.cases.catalog import catalog
from sglc_runtime.kernels.triton.forms import launches_of

Entry = Mapping[str, int]
Table = dict[str, list[dict[str, int]]]
Score = Callable[[Entry], float]
"""Seconds; infinite for what cannot be used."""
VALUES: dict[str, tuple[int, ...]] = {
    "block_n": (16, 32, 64, 128),
    "stages": (1, 2, 3, 4, 5),
    "warps": (2, 4, 8),
    "block_m": (16, 32, 64, 128),
}
"""What is tried for each number, the one that matters most first."""
BETTER = 0.98
"""Of the time before, at most: less is noise."""
REPEATS = 10
STORED = Path(tiles.__file__).with_name("tiles.json")


@dataclass(frozen=True, slots=True)
class Tuned:
    """The best entry and what it takes beside the one that was there."""

    entry: dict[str, int]
    before: float
    after: float
    tried: int


def descend(entry: Entry, score: Score, *, late: Callable[[], bool] = lambda: False) -> Tuned:
    """Change one number after the other, round by round, until no change helps or it is late."""
    best = dict(entry)
    known = {_key(best): score(best)}
    before = fastest = known[_key(best)]
    improved = True
    while improved and not late():
        improved = False
        for other in neighbours(best):
            if late():
                break
            if _key(other) not in known:
                known[_key(other)] = score(other)
            if known[_key(other)] < BETTER * fastest:
                best, fastest, improved = other, known[_key(other)], True
                break
    return Tuned(best, before, fastest, len(known))


def neighbours(entry: Entry) -> Iterator[dict[str, int]]:
    """Entries that differ in one number, nearest values first."""
    for field, values in VALUES.items():
        for value in sorted(values, key=lambda each: abs(each - entry[field])):
            if value != entry[field]:
                yield {**entry, field: value}


def _key(entry: Entry) -> tuple[int, ...]:
    return tuple(entry[field] for field in VALUES)


def with_entry(table: Table, kind: str, index: int, entry: Entry) -> Table:
    """The table with one entry changed."""
    changed = {name: [*entries] for name, entries in table.items()}
    changed[kind][index] = dict(entry)
    return changed


def decided_by(cases: Sequence[Case], table: Table, kind: str, index: int) -> list[Case]:
    """Cases whose launches change with an entry."""
    entry = table[kind][index]
    other = with_entry(table, kind, index, {**entry, "warps": 2 if entry["warps"] != 2 else 4})
    return [case for case in cases if _launched(case, table) != _launched(case, other)]


def _launched(case: Case, table: Table) -> list[tuple[object, ...]]:
    with tiles.using(table):
        return [
            (launch.grid, sorted(launch.constants.items(), key=str), launch.warps, launch.stages)
            for launch in launches_of(case)
        ]


class CaseTimes:
    """Times cases with other tables; what they must compute is computed once."""

    def __init__(
        self, cases: Sequence[Case], device: torch.device, timer: Timer, *, repeats: int = REPEATS
    ) -> None:
        self._cases = cases
        self._device = device
        self._timer = timer
        self._repeats = repeats
        self._expected: dict[str, dict[str, Tensor]] = {}

    def seconds(self, table: Table) -> float:
        """Geometric mean of the cases; infinite where one fails or is wrong."""
        with tiles.using(table), torch.inference_mode():
            found = []
            for case in self._cases:
                seconds = self._of(case)
                if seconds == inf:
                    return inf
                found.append(seconds)
        return geometric_mean(found)

    def _of(self, case: Case) -> float:
        try:
            inputs = case.inputs(self._device)
            if case.name not in self._expected:
                self._expected[case.name] = case.expect(inputs)
            got = case.run(inputs)
            wrong = any(
                relative_error(value, self._expected[case.name][name]) > TOLERANCE[case.dtype]
                for name, value in got.items()
            )
            if wrong:
                return inf
            return median_seconds(self._timer, lambda: case.run(inputs), self._repeats)
        except Exception as error:  # does not compile, does not fit, has no room for its rows
            print(f"  {type(error).__name__}: {str(error).splitlines()[:1]}", file=sys.stderr)
            return inf


def tune(
    table: Table,
    cases: Sequence[Case],
    device: torch.device,
    timer: Timer,
    *,
    kinds: Sequence[str] = (),
    budget: float = inf,
    save: Callable[[Table], None] = lambda table: None,
) -> Table:
    """Tune every entry that some case shows the time of; `save` gets the table after each."""
    deadline = monotonic() + budget
    for kind in kinds or [*table]:
        for index, entry in enumerate(table[kind]):
            decided = decided_by(cases, table, kind, index)
            if not decided or monotonic() >= deadline:
                continue
            times = CaseTimes(decided, device, timer)
            now = table

            def score(
                other: Entry, kind: str = kind, index: int = index, times: CaseTimes = times,
                now: Table = now,
            ) -> float:  # fmt: skip
                return times.seconds(with_entry(now, kind, index, other))

            found = descend(entry, score, late=lambda: monotonic() >= deadline)
            table = with_entry(table, kind, index, found.entry)
            print(
                f"{kind} {dict(entry)}: {len(decided)} cases, {found.tried} tried,"
                f" {1e6 * found.before:.1f} us -> {1e6 * found.after:.1f} us, {found.entry}",
                flush=True,
            )
            save(table)
    return table


def to_text(table: Table) -> str:
    """The table as it is stored: an entry a line."""
    kinds = [
        f'  "{kind}": [\n' + ",\n".join(f"    {json.dumps(each)}" for each in entries) + "\n  ]"
        for kind, entries in table.items()
    ]
    return "{\n" + ",\n".join(kinds) + "\n}\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Tune, and write the table after every entry."""
    parser = argparse.ArgumentParser(prog="python -m sglc_runtime.bench.gpu.tune")
    parser.add_argument("--out", type=output_file, required=True, help="where the table is written")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--kinds", default="", help="such as decode,extend; default all")
    parser.add_argument("--budget", type=float, default=inf, help="seconds")
    chosen = parser.parse_args(argv)
    table: Table = json.loads(STORED.read_text(encoding="utf-8"))
    kinds = [kind for each in chosen.kinds.split(",") if (kind := each.strip())]
    try:
        require(GpuSettings(device=chosen.device))
        if unknown := sorted(set(kinds) - table.keys()):
            raise ValueError(f"no kind {unknown[0]!r}; there are: {', '.join(table)}")
        if not chosen.device.startswith("cuda"):
            raise ValueError("tiles are tuned on a GPU: times elsewhere say nothing")
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    device = torch.device(chosen.device)
    tune(
        table,
        [case for case in catalog() if not case.small],
        device,
        timer_for(device),
        kinds=kinds,
        budget=chosen.budget,
        save=lambda found: chosen.out.write_text(to_text(found), encoding="utf-8") and None,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
