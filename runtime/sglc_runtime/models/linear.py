"""Linear layers whose rows do not depend on how many rows there are."""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

MIN_ROWS = 2
"""
oneDNN's packed kernel gives a row the same bits for any number of rows from two up; a single row
may take another kernel, so the decoder pads it.
"""


@cache
def packing_works(dtype: torch.dtype) -> bool:
    """Whether oneDNN's packed linear exists here for `dtype` and computes what F.linear does."""
    if dtype not in (torch.float32, torch.bfloat16) or not torch._C._has_mkldnn:
        return False
    weight = torch.arange(32 * 32, dtype=torch.float32).remainder(7).reshape(32, 32).to(dtype)
    x = torch.ones(2, 32, dtype=dtype)
    try:
        packed = torch.ops.mkldnn._reorder_linear_weight(weight)
        got: Tensor = torch.ops.mkldnn._linear_pointwise(x, packed, None, "none", [], "")
    except (RuntimeError, AttributeError, TypeError):
        return False
    return torch.allclose(got.float(), F.linear(x, weight).float(), rtol=1e-2)


class Linear:
    """`x @ weight.T + bias` for x [rows, in], with the weight packed where the CPU supports it."""

    __slots__ = ("bias", "packed", "weight")

    def __init__(
        self, weight: Tensor, bias: Tensor | None = None, *, keep: bool = False, packed: bool = True
    ) -> None:
        """`keep` keeps the plain weight too, for a tied embedding; not `packed` has only that."""
        self.bias = bias
        pack = packed and weight.device.type == "cpu" and packing_works(weight.dtype)
        self.packed: Tensor | None = None
        if pack:
            self.packed = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous())
        self.weight: Tensor | None = weight if keep or not pack else None

    def __call__(self, x: Tensor) -> Tensor:
        """Return [rows, out]; `x` has at least `MIN_ROWS` rows."""
        if self.packed is not None:
            out: Tensor = torch.ops.mkldnn._linear_pointwise(
                x, self.packed, self.bias, "none", [], ""
            )
            return out
        assert self.weight is not None
        return F.linear(x, self.weight, self.bias)
