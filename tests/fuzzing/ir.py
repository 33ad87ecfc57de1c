"""
Fuzz the readers of the IR, by hand.

    python -m tests.fuzzing.ir --inputs 100000 --seed 1
    python -m tests.fuzzing.ir --atheris --inputs 100000

The first makes inputs by mutating dumps of real programs, as text and as JSON, and from random
bytes. The second lets atheris (a coverage-guided fuzzer, `pip install atheris`) change the text of
dumps, with the readers instrumented. Every input must give a diagnostic or a module that prints,
reads back, optimises and runs; whatever else happens is printed with the input, status 1.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback
from collections.abc import Callable


def main() -> int:
    """Run as the arguments say; 1 when something was found."""
    parser = argparse.ArgumentParser(description="fuzz the readers of the IR")
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--atheris", action="store_true")
    given = parser.parse_args()
    return guided(given.inputs, given.seed) if given.atheris else mutate(given.inputs, given.seed)


def mutate(inputs: int, seed: int) -> int:
    """Random mutations; prints the first input that breaks each check."""
    from tests.fuzzing import ir_checks, ir_inputs

    kinds: tuple[tuple[Callable[[random.Random], str], Callable[..., None]], ...] = (
        (ir_inputs.mutated_text, ir_checks.check_text),
        (ir_inputs.mutated_text, ir_checks.check_text),
        (ir_inputs.random_text, ir_checks.check_text),
        (ir_inputs.mutated_json, ir_checks.check_json),
    )
    tally, found, start = ir_checks.Tally(), set[str](), time.monotonic()
    for number in range(inputs):
        rng = random.Random(f"{seed} {number}")
        make, check = kinds[number % len(kinds)]
        text = make(rng)
        if number and number % 10_000 == 0:
            print(f"{number} inputs, {len(found)} findings", flush=True)
        try:
            check(text, tally)
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            key = f"{type(error).__name__} at {where.filename}:{where.lineno}"
            if key not in found:
                found.add(key)
                said = f"\n--- seed {seed}, input {number}: {key}: {error}"[:400]
                print(f"{said}\n{text[:3000]}".encode("utf-8", "backslashreplace").decode())
    print(f"{inputs} inputs in {time.monotonic() - start:.0f} s: {tally}")
    print(f"{len(found)} findings")
    return bool(found)


def guided(inputs: int, seed: int) -> int:
    """Coverage-guided; atheris ends the process itself."""
    import atheris

    with atheris.instrument_imports(include=["sglc.ir"]):
        import sglc.ir.jsonio
        import sglc.ir.parser
        import sglc.ir.printer
        import sglc.ir.verifier  # noqa: F401
    from tests.fuzzing import ir_checks, ir_inputs

    tally = ir_checks.Tally()

    def one(data: bytes) -> None:
        text = data.decode("utf-8", errors="replace")
        (ir_checks.check_json if text.startswith("{") else ir_checks.check_text)(text, tally)

    def change(data: bytes, size: int, seed: int) -> bytes:
        rng = random.Random(seed)
        if rng.random() < 0.5:
            return atheris.Mutate(data, size)
        kind = rng.choice((ir_inputs.mutated_text, ir_inputs.mutated_json, ir_inputs.random_text))
        return kind(rng).encode("utf-8", errors="replace")[:size]

    options = [f"-runs={inputs}", f"-seed={seed}", "-max_len=20000", "-timeout=30"]
    atheris.Setup([sys.argv[0], *options], one, custom_mutator=change)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
