"""
The stateful test of leaks at length.

    python -m tests.runtime.engine.leak_campaign --operations 100000 --seed 1

Prints how often each operation was done and how requests failed; a leak is made small and shown.
"""

from __future__ import annotations

import argparse
from time import perf_counter

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.runtime.engine.leak_machine import OPERATIONS
from tests.runtime.engine.test_leaks import Leaks

STEPS = 250
"""Operations on one engine."""
ROUND = 10
"""Engines between two lines of progress."""


def main() -> None:
    """Run until so many operations were done; raises what the machine finds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--operations", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = perf_counter()
    done, number = 0, options.seed
    while done < options.operations:
        run_state_machine_as_test(
            seed(number)(Leaks),
            settings=settings(
                max_examples=ROUND,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                print_blob=True,
                verbosity=Verbosity.normal,
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
            ),
        )
        done = sum(Leaks.done[name] for name in OPERATIONS)
        seconds = perf_counter() - began
        print(f"seed {number}: {done} operations in {seconds:.0f} s", flush=True)
        number += 1
    for name, count in sorted(Leaks.done.items()):
        print(f"{name:<28}{count}")


if __name__ == "__main__":
    main()
