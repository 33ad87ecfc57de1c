"""The check of what can be captured finds what cannot."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.runtime.capture_check import GPU, NotCapturable, capturable

WRONG: dict[str, Callable[[Tensor], object]] = {
    "a number": lambda x: x.sum().item(),
    "a list": lambda x: x.tolist(),
    "a truth value": lambda x: bool(x.any()),
    "an index": lambda x: range(int(x[0, 0])),
    "a mask": lambda x: x[x > 0],
    "a mask stored to": lambda x: x.index_put_((x > 0,), x[0, 0]),
    "places": lambda x: torch.where(x > 0),
    "a comparison": lambda x: torch.equal(x, x + 1),
    "repetitions": lambda x: torch.repeat_interleave(x, x[0].long(), 1),
    "a copy to the host": lambda x: x.cpu(),
    "a copy into the host": lambda x: torch.empty(2, 3).copy_(x),
    "a copy from the host": lambda x: x + torch.tensor([1.0, 2.0, 3.0]).to(x.device),
    "a tensor of numbers": lambda x: x + torch.tensor([1.0, 2.0, 3.0], device=x.device),
    "a number of the host": lambda x: x + torch.arange(3)[1],
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_captured(what: str) -> None:
    x = torch.empty(2, 3, device=GPU)
    with pytest.raises(NotCapturable), capturable():
        WRONG[what](x)


def test_what_can_be_captured() -> None:
    x = torch.empty(2, 3, device=GPU)
    at = torch.empty(2, dtype=torch.int64, device=GPU)
    with capturable() as captured:
        y = F.linear(x, x).masked_fill(x[:, :2] > 0, 1.0)[at, None]
        y.copy_(torch.where(y > 0, y, 2.0 * y))
    assert "aten.mm.default" in captured.operations
    assert not captured.launches
