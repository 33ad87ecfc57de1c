"""
Buffers of the host that the device reads and writes while the host goes on.

There are two sets. A set is used again only when the tokens of its step have been read, so the host
never waits for a copy: it waits for tokens, once a step.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sglc_runtime.device.lane import Lane, Mark

SETS = 2
"""One that the device works with, one that the host fills."""


class Launched:
    """A step that has been launched; see `executor.Pending`."""

    def __init__(self, host: Tensor, mark: Mark) -> None:
        self._host = host
        self._mark = mark
        self._tokens: list[int] | None = None

    def tokens(self) -> list[int]:
        """The token of each row; waits for this step, not for later ones."""
        if self._tokens is None:
            self._mark.wait()
            self._tokens = self._host.tolist()
        return self._tokens


class BufferSet:
    """Inputs on their way to the device, and tokens on their way back."""

    def __init__(self, lane: Lane, block: int, masks: tuple[int, int], tokens: int) -> None:
        self.block = lane.host_buffer((block,), torch.uint8)
        self.masks = lane.host_buffer(masks, torch.int32)
        self.tokens = lane.host_buffer((tokens,), torch.int64)
        self._block: NDArray[np.uint8] = self.block.numpy()
        self.mask_rows: NDArray[np.int32] = self.masks.numpy()
        self.launched: Launched | None = None

    def settle(self) -> None:
        """Make the buffers free: what the device reads of them has been read."""
        if self.launched is not None:
            self.launched.tokens()
            self.launched = None

    def put(self, data: NDArray[np.uint8]) -> Tensor:
        """The buffer with `data` in it."""
        self._block[: len(data)] = data
        return self.block[: len(data)]
