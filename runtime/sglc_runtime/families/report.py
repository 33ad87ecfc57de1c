"""All families compared, as rows of a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from sglc_runtime.families.checkpoints import write_family
from sglc_runtime.families.compare import (
    LENGTHS,
    MARGIN,
    Implementation,
    Outcome,
    judge,
    load,
    make_prompts,
    reference,
    run_engine,
)
from sglc_runtime.families.table import FAMILIES, Family


@dataclass(frozen=True, slots=True)
class Row:
    """One family by one implementation."""

    family: Family
    dtype: str
    outcome: Outcome

    @property
    def passed(self) -> bool:
        """Equal; in bfloat16 also where the reference itself was undecided."""
        allowed = 0.0 if self.dtype == "float32" else MARGIN
        same = self.outcome.equal == self.outcome.prompts
        return same or (self.dtype != "float32" and self.outcome.margin <= allowed)


def implementations(family: Family) -> tuple[Implementation, ...]:
    """What can run `family`: both native decoders where they apply, and transformers."""
    if not family.native:
        return ("transformers",)
    return ("native, C", "native, torch", "transformers")


def compare_family(folder: Path, family: Family, *, dtype: str, new: int) -> list[Row]:
    """Write a checkpoint into `folder` and run it every way. Raises LoadError, EngineError."""
    kind: torch.dtype = getattr(torch, dtype)
    write_family(folder, family, dtype=kind)
    prompts = make_prompts(LENGTHS)
    want, margins = reference(folder, prompts, new, kind)
    return [
        Row(
            family,
            dtype,
            judge(name, run_engine(folder, load(folder, name, dtype), prompts, new), want, margins),
        )
        for name in implementations(family)
    ]


def compare_all(
    families: Iterable[Family] = FAMILIES, *, dtype: str = "float32", new: int = 24
) -> Iterator[Row]:
    """Every family by every implementation, one after another."""
    for family in families:
        with TemporaryDirectory(prefix="sglc-family-") as folder:
            yield from compare_family(Path(folder), family, dtype=dtype, new=new)


def as_markdown(rows: Iterable[Row]) -> Iterator[str]:
    """Lines of a table."""
    yield "| family | model type | implementation | dtype | prompts | tokens compared | equal |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        got = row.outcome
        equal = f"{got.equal}/{got.prompts}"
        if got.equal < got.prompts:
            equal += f", margins up to {got.margin:.3f}"
        cells = (
            row.family.name,
            f"`{row.family.model_type}`",
            got.implementation,
            row.dtype,
            str(got.prompts),
            str(got.tokens),
            equal + ("" if row.passed else " **differs**"),
        )
        yield f"| {' | '.join(cells)} |"
