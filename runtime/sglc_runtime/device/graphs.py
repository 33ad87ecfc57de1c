"""
Runs steps: recorded once for each size and then replayed, or called every time.

A recording replays the same kernels over the same addresses, which is what makes a step cheap to
launch. How it is made is a `Capture`; on GPUs that is a CUDA graph (`cuda_graphs`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NamedTuple, Protocol

import torch

log = logging.getLogger(__name__)

Action = Callable[[], None]


class Form(NamedTuple):
    """What a recording holds for: everything of a step that is not in its inputs."""

    rows: int
    shared: bool = False
    """Shared pieces are read apart."""


class Recorder(Protocol):
    """Runs actions that do the same every time, over tensors at the same addresses."""

    most: int
    """Rows of the largest step that is recorded; 0 where none is."""

    def ready(self, form: Form) -> bool:
        """Whether such a step can be run without preparation."""
        ...

    def prepare(self, form: Form, action: Action) -> None:
        """Try `action` and record it where that is possible; its inputs are padding."""
        ...

    def run(self, form: Form, action: Action) -> None:
        """Do what `action` does."""
        ...


class Eager:
    """Calls the action."""

    most = 0

    def ready(self, form: Form) -> bool:
        """There is nothing to prepare."""
        return True

    def prepare(self, form: Form, action: Action) -> None:
        """Call it once: kernels are compiled, and memory that is missing is missed now."""
        action()

    def run(self, form: Form, action: Action) -> None:
        """Call it."""
        action()


class NotCapturable(Exception):
    """The action does something that a recording cannot repeat; the message says what."""


class Capture(Protocol):
    """Makes recordings."""

    def warm_up(self, action: Action) -> None:
        """
        Run the action as it will be recorded. Raises what it raises, and NotCapturable where it
        waits for the device.
        """
        ...

    def record(self, action: Action) -> Action:
        """A call that repeats the action; the action must have been warmed up."""
        ...


class Graphs:
    """
    Records steps of up to `most` rows, each size when it is first prepared.

    Where one cannot be recorded it is called like larger ones, and a warning says why: for lack of
    memory that size and all above it, for anything else all of them.
    """

    def __init__(self, capture: Capture, most: int) -> None:
        self._capture = capture
        self.most = most
        self._replays: dict[Form, Action] = {}

    @property
    def recorded(self) -> tuple[Form, ...]:
        """What has a recording, the smallest first."""
        return tuple(sorted(self._replays))

    def ready(self, form: Form) -> bool:
        """Whether it is recorded, or never will be."""
        return form in self._replays or form.rows > self.most

    def prepare(self, form: Form, action: Action) -> None:
        """Record a step; raises what `action` itself raises."""
        if form.rows > self.most:
            action()
            return
        try:
            self._capture.warm_up(action)
        except NotCapturable as reason:
            self._give_up(0, f"decode steps run without CUDA graphs: {reason}")
            return
        try:
            self._replays[form] = self._capture.record(action)
        except torch.OutOfMemoryError as error:
            self._give_up(
                form.rows - 1,
                f"no memory for the CUDA graph of a decode step of {form.rows} rows, which now runs"
                f" without; lower cuda_graph_max_bs or mem_fraction_static: {error}",
            )
        except RuntimeError as error:
            self._give_up(0, f"decode steps run without CUDA graphs, capture failed: {error}")

    def run(self, form: Form, action: Action) -> None:
        """Replay the recording, or call the action."""
        replay = self._replays.get(form)
        (action if replay is None else replay)()

    def _give_up(self, most: int, message: str) -> None:
        self.most = min(self.most, most)
        log.warning("%s", message)
