"""A submitted request: its path, and the step it is at."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Segments
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sglc_runtime.errors import RequestError
from sglc_runtime.protocol import Ids, Segment, Step, Submit

if TYPE_CHECKING:
    from sglc_runtime.steps import StepRun

Encode = Callable[[str, bool], tuple[int, ...]]
"""Ids of a whole text run; the flag says that it is the path's first."""


@dataclass(slots=True)
class Path:
    """
    The ids of one state, and text that waits to be encoded.

    A path opens with a text run, even an empty one: that is where the BOS stands.
    """

    ids: list[int] = field(default_factory=list)
    text: str = ""
    opened: bool = False

    def append(self, segments: Segments[Segment], encode: Encode, vocab_size: int) -> None:
        """Append segments; adjacent texts join. Raises RequestError for ids out of range."""
        for segment in segments:
            if isinstance(segment, Ids):
                wrong = [token for token in segment.ids if not 0 <= token < vocab_size]
                if wrong:
                    raise RequestError("bad_request", f"no token has id {wrong[0]}")
                if segment.given and not segment.ids:
                    continue  # appending nothing must not end a text run
                if segment.given and not self.opened and not self.text:
                    bos = encode("", True)
                    # As for text in which the BOS is spelled: no other comes before it.
                    self.opened = bool(bos) and segment.ids[: len(bos)] == bos
                self.encode(encode)
                self.ids += segment.ids
            else:
                self.text += segment.text

    def encode(self, encode: Encode) -> None:
        """Turn the waiting text, whole, into ids."""
        if self.text or not self.opened:
            self.ids += encode(self.text, not self.opened)
            self.text, self.opened = "", True


@dataclass(slots=True, eq=False)
class Request:
    """A chain of steps on one path."""

    id: int
    priority: int
    steps: tuple[Step, ...]
    stream: bool
    prefix: tuple[Segment, ...]
    deadline: float | None = None
    """Seconds from submission."""
    uses: int = 0
    """Later requests known to start with this one's whole path."""
    next_use: int | None = None
    """How many requests come before the first of those."""
    arrival: int = 0
    """How many requests came before it."""
    path: Path = field(default_factory=Path)
    step: int = 0
    run: StepRun | None = None

    @classmethod
    def of(cls, submit: Submit) -> Request:
        """A request that has not started."""
        return cls(
            submit.id,
            submit.priority,
            submit.steps,
            submit.stream,
            submit.prefix,
            submit.deadline,
            submit.uses,
            submit.next_use,
        )
