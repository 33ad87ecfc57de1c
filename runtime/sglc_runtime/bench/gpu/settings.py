"""How to measure: plain data that goes from process to process."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from sglc_runtime.bench.lab import TINY
from sglc_runtime.bench.shapes import LLAMA_31_8B, QWEN3_06B, Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuSettings:
    """What the parts need to know."""

    device: str = "cuda"
    repeats: int = 5
    """Of whole jobs of the engine; kernels repeat more often."""
    tiny: bool = False
    """Tiny shapes on any device: only to see that everything runs."""
    jobs: int = 0
    """Processes that compile; 0 takes one for each core."""

    @property
    def torch_device(self) -> torch.device:
        """The device as torch has it."""
        return torch.device(self.device)

    @property
    def large(self) -> Shape:
        """The shape of Llama-3.1-8B."""
        return TINY if self.tiny else LLAMA_31_8B

    @property
    def small(self) -> Shape:
        """The shape of Qwen3-0.6B."""
        return TINY if self.tiny else QWEN3_06B

    def tokens(self, full: int) -> int:
        """`full`, or a 32nd of it for tiny shapes."""
        return max(2, full // 32) if self.tiny else full

    @property
    def kernel_repeats(self) -> int:
        """Of one kernel."""
        return 2 if self.tiny else 20
