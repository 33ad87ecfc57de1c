"""
Print which families of models equal transformers, token for token.

`python -m sglc_runtime.families [--dtype bfloat16] [--new-tokens N] [NAME...]`; exits with 1 where
one differs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence

from sglc_runtime.families.report import Row, as_markdown, compare_all
from sglc_runtime.families.table import FAMILIES
from sglc_runtime.models.quiet import quiet_transformers


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m sglc_runtime.families", description=__doc__)
    parser.add_argument("names", nargs="*", help="families, by their name in the table; all")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--new-tokens", type=int, default=24)
    options = parser.parse_args(arguments)
    known = {family.name: family for family in FAMILIES}
    if unknown := [name for name in options.names if name not in known]:
        parser.error(f"unknown family {unknown[0]!r}; known are {', '.join(known)}")
    quiet_transformers()
    chosen = [known[name] for name in options.names] or FAMILIES
    rows: list[Row] = []

    def keep() -> Iterator[Row]:
        for row in compare_all(chosen, dtype=options.dtype, new=options.new_tokens):
            rows.append(row)
            yield row

    for line in as_markdown(keep()):
        print(line, flush=True)
    failed = [row for row in rows if not row.passed]
    tokens = sum(row.outcome.tokens for row in rows)
    print(f"{len(rows)} rows, {tokens} tokens compared, {len(failed)} rows differ", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
