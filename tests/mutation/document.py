"""The table of mutants in docs/passes.md; `python -m tests.mutation.document` rewrites it."""

from __future__ import annotations

from pathlib import Path

from tests.mutation.mutants import MUTANTS

BEGIN, END = "<!-- mutants: begin -->", "<!-- mutants: end -->"
DOCS = Path(__file__).parents[2] / "docs" / "passes.md"


def table() -> str:
    """One row a mutant: what is wrong, where, and which check notices it first."""
    rows = ["| fault | in | noticed by |", "|---|---|---|"]
    rows += [f"| {m.name} | {m.where} | {m.caught_by} |" for m in MUTANTS]
    return "\n".join(rows)


def main() -> None:
    """Rewrite the table."""
    text = DOCS.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    DOCS.write_text(f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
