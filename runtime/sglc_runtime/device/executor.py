"""
How the engine runs decode steps without waiting for them.

A step goes out with `launch` and its tokens come back with `Pending.tokens`. Between the two the
engine may launch the next step: where a row's id is not known yet, it is taken on the device from
the tokens of the step before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sglc_runtime.batching import Work

if TYPE_CHECKING:
    from sglc_runtime.generation import SampleRun


@dataclass(frozen=True, slots=True)
class DecodeStep:
    """
    One id for each of some sequences, in row order, and what is sampled behind it.

    `work` has one position each; `runs[i]` samples behind row i, as token `tokens[i]` of its
    sample. `sources[i]` is -1 where the id is known, else the row of the step before whose token it
    is. `version` is the radix tree's.
    """

    work: tuple[Work, ...]
    runs: tuple[SampleRun, ...]
    tokens: tuple[int, ...]
    sources: tuple[int, ...]
    version: int


class Pending(Protocol):
    """A step that has been launched."""

    def tokens(self) -> list[int]:
        """The token of each row; waits for the device. May be called once."""
        ...


class DecodeExecutor(Protocol):
    """Runs decode steps on one device, in the order in which they are launched."""

    def accepts(self, step: DecodeStep) -> bool:
        """
        Whether the step can run here: enough rows in a bucket, nothing that is sampled on the host
        (penalties, log probabilities, logits that somebody looks at).
        """
        ...

    def launch(self, step: DecodeStep, previous: Pending | None) -> Pending:
        """
        Begin a step and return at once. `previous` is the step that `sources` speak of; it may have
        been read already. Raises what the model raises; then nothing of the step counts.
        """
        ...
