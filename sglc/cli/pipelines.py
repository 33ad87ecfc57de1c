"""`--passes` and `--no-pass` to a pipeline."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sglc.passes.pipeline import Pipeline


def choose(passes: str | None, without: Iterable[str] | None) -> Pipeline:
    """The default pipeline, or the one given, less the passes left out; raises PassError."""
    from sglc.passes.pipeline import DEFAULT, Pipeline

    pipeline = DEFAULT if passes is None else Pipeline.parse(passes)
    for name in without or ():
        pipeline = pipeline.without(name)
    return pipeline
