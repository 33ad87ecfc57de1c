"""What a part of the benchmark gets: settings, ceilings, and a place for what it finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from sglc_runtime.bench.figures import MissingPeerError
from sglc_runtime.bench.gpu.ceilings import Ceilings
from sglc_runtime.bench.gpu.settings import GpuSettings
from sglc_runtime.bench.gpu.timer import Timer, timer_for

Progress = Callable[[str], None]
Save = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class GpuLab:
    """`save` keeps what was found so far, should the process not reach its end."""

    settings: GpuSettings
    report: Progress
    save: Save
    ceilings: Ceilings | None = None
    previous: dict[str, Any] | None = None
    """What the same part saved before it was cut short."""

    @property
    def device(self) -> torch.device:
        """What is measured."""
        return self.settings.torch_device

    def timer(self) -> Timer:
        """A timer of the device."""
        return timer_for(self.device)

    def known_ceilings(self) -> Ceilings:
        """The ceilings of this run; raises MissingPeerError where they were not measured."""
        if self.ceilings is None:
            raise MissingPeerError("the ceilings of this device were not measured")
        return self.ceilings
