"""What bound attentions of the Triton backend have in common: layers of one pool."""

from __future__ import annotations

from torch import Tensor

from sglc_runtime.attention.pool import KvPool
from sglc_runtime.kernels.triton.attend import Scores
from sglc_runtime.kernels.triton.store import store


class TritonLayers:
    """An attention that stores, and attends to what is stored; see `SplitAttention`."""

    def __init__(self, pool: KvPool, out_slots: Tensor) -> None:
        self._pool = pool
        self._out_slots = out_slots

    def __call__(
        self,
        layer: int,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        *,
        scale: float,
        window: int | None = None,
        softcap: float | None = None,
        sinks: Tensor | None = None,
    ) -> Tensor:
        """Store k and v, attend; see `Attention`."""
        store(by_row(k), by_row(v), *self.pool(layer), self._out_slots)
        return self.attend(layer, q, scale=scale, window=window, softcap=softcap, sinks=sinks)

    def pool(self, layer: int) -> tuple[Tensor, Tensor]:
        """Keys and values [slots, Hk, D] of a layer."""
        return self._pool.keys[layer], self._pool.values[layer]

    def attend(
        self,
        layer: int,
        q: Tensor,
        *,
        scale: float,
        window: int | None = None,
        softcap: float | None = None,
        sinks: Tensor | None = None,
    ) -> Tensor:
        """Attend to what is in the pool; see `SplitAttention`."""
        return self._attend(layer, by_row(q), Scores(scale, window, softcap, sinks))

    def _attend(self, layer: int, q: Tensor, scores: Scores) -> Tensor:
        raise NotImplementedError


def by_row(x: Tensor) -> Tensor:
    """`x` [T, H, D] with the heads of a row side by side, as the kernels read them."""
    return x if x.stride(2) == 1 and x.stride(1) == x.shape[2] else x.contiguous()
