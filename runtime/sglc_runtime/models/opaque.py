"""
Attention as one operation that torch.compile does not look into.

The operation finds the attention of the pass that runs in a context variable. It says that it
changes `order`, a tensor that nobody reads: so it is never left out, although storing keys and
values is not among its results, and calls stay in the order of the layers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor

from sglc_runtime.models.base import Attention

active: ContextVar[Attention] = ContextVar("active")
"""The attention of the pass that runs."""


@torch.library.custom_op("sglc::attend", mutates_args=("order",))
def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    order: Tensor,
    layer: int,
    scale: float,
    window: int | None,
    softcap: float | None,
    sinks: Tensor | None,
) -> Tensor:
    """What `Attention.__call__` gives, [T, H, D] in memory of its own."""
    attention = active.get()
    out = attention(
        layer, query, key, value, scale=scale, window=window, softcap=softcap, sinks=sinks
    )
    if getattr(attention, "reuses_output", False):
        # Memory of a result may be used again by what is compiled, before the next call writes it.
        return out.clone()
    return out.contiguous()


@attend.register_fake
def _shape(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    order: Tensor,
    layer: int,
    scale: float,
    window: int | None,
    softcap: float | None,
    sinks: Tensor | None,
) -> Tensor:
    return query.new_empty(query.shape)


class OpaqueAttention:
    """An `Attention` for compiled code: calls the operation."""

    def __init__(self, device: torch.device) -> None:
        self._order = torch.zeros(1, device=device)
        self.device = self._order.device
        """As tensors that are there have it."""

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
        """See `Attention`."""
        out: Tensor = torch.ops.sglc.attend(
            q, k, v, self._order, layer, scale, window, softcap, sinks
        )
        return out


_opaque: dict[torch.device, OpaqueAttention] = {}


def opaque_on(device: torch.device) -> OpaqueAttention:
    """The one `OpaqueAttention` of a device; `make_opaque` has made it."""
    return _opaque[device]


def make_opaque(device: torch.device) -> OpaqueAttention:
    """The same, made where there is none: not in compiled code, which would make it every time."""
    made = OpaqueAttention(device)
    # Tensors on "cuda" say that they are on "cuda:0", which is another key.
    return _opaque.setdefault(made.device, made)


@contextmanager
def running(attention: Attention) -> Iterator[None]:
    """Let the operation call `attention`."""
    token = active.set(attention)
    try:
        yield
    finally:
        active.reset(token)
