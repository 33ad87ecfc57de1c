"""
Comparing many random programs, in one process on one core.

    python -m tests.differential.campaign --kind python --programs 20000 --seed-from 1000000

`--state FILE` keeps the counts and the next seed, so that the same command goes on where it was
stopped. A program whose runs differ is made small and written to `--found FOLDER`; a mismatch makes
the exit status 1.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.differential.fuzzing.kinds import KINDS, Found, Kind

REPORT = 500
"""Programs after which the counts are printed."""


def main(arguments: list[str] | None = None) -> int:
    """Compare programs; 1 when any differed."""
    options = _parser().parse_args(arguments)
    counts: Counter[str] = Counter()
    seed = options.seed_from
    if options.state is not None and options.state.exists():
        kept = json.loads(options.state.read_text())
        counts.update(kept["counts"])
        seed = kept["seed"]
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, KINDS[options.kind]() as kind:
        while counts["programs"] < options.programs:
            if options.minutes and time.monotonic() - started > 60 * options.minutes:
                break
            found = kind.compare(seed, Path(folder))
            counts["programs"] += 1
            counts.update(found.counts)
            if found.differences:
                counts["mismatches"] += 1
                _report(kind, seed, found, options, Path(folder))
            seed += 1
            if counts["programs"] % REPORT == 0:
                _progress(options, counts, seed, started)
    _progress(options, counts, seed, started)
    return 1 if counts["mismatches"] else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="campaign", description=__doc__)
    parser.add_argument("--kind", choices=sorted(KINDS), default="python")
    parser.add_argument("--programs", type=int, default=20000)
    parser.add_argument("--seed-from", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=0.0, help="stop after this long")
    parser.add_argument("--state", type=Path, help="where counts are kept between calls")
    parser.add_argument("--found", type=Path, help="folder for programs that differ, made small")
    parser.add_argument("--no-shrink", action="store_true")
    return parser


def _progress(options: argparse.Namespace, counts: Counter[str], seed: int, started: float) -> None:
    seconds = time.monotonic() - started
    shown = ", ".join(f"{counts[name]} {name}" for name in ("programs", "mismatches"))
    more = ", ".join(f"{n} {name}" for name, n in sorted(counts.items()) if name not in shown)
    print(f"{shown} ({more}); next seed {seed}; {seconds:.0f} s", flush=True)
    if options.state is not None:
        options.state.write_text(json.dumps({"seed": seed, "counts": counts}))


def _report(kind: Kind, seed: int, found: Found, options: argparse.Namespace, folder: Path) -> None:
    print(f"seed {seed} differs:", *found.differences[:3], sep="\n    ", flush=True)
    source = found.source
    if not options.no_shrink:
        source = kind.shrunk(seed, found, folder)
        print(source, flush=True)
    if options.found is not None:
        options.found.mkdir(parents=True, exist_ok=True)
        (options.found / f"{options.kind}_{seed}.txt").write_text(
            "\n".join(["# " + d.replace("\n", " ") for d in found.differences]) + "\n" + source
        )


if __name__ == "__main__":
    sys.exit(main())
