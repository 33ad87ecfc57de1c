"""Launches are made, or noted."""

from __future__ import annotations

from typing import Any

import pytest
import torch

pytest.importorskip("triton")

from sglc_runtime.kernels.triton.launch import interpreted, launch, recording


class _Kernel:
    """Notes how Triton is called."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __getitem__(self, grid: tuple[int, ...]) -> Any:
        return lambda *arguments, **named: self.calls.append((grid, arguments, named))


def test_a_launch_is_made_with_its_options() -> None:
    kernel = _Kernel()
    launch(kernel, (3, 2), 7, "x", warps=8, stages=3, SIZE=64)
    ((grid, arguments, named),) = kernel.calls
    assert (grid, arguments, named.pop("SIZE")) == ((3, 2), (7, "x"), 64)
    assert (named["num_warps"], named["num_stages"]) == (8, 3)


def test_a_recorded_launch_is_not_made() -> None:
    kernel = _Kernel()
    with recording() as outer:
        launch(kernel, (1,), 1)
        with recording() as inner:
            launch(kernel, (2,), 2, BLOCK=4)
        launch(kernel, (3,), 3)
    assert [noted.arguments for noted in outer] == [(1,), (3,)]
    assert [(noted.grid, noted.constants) for noted in inner] == [((2,), {"BLOCK": 4})]
    assert not kernel.calls
    launch(kernel, (1,), 1)
    assert len(kernel.calls) == 1


def test_recording_ends_with_an_error() -> None:
    kernel = _Kernel()
    with pytest.raises(KeyError), recording():
        raise KeyError
    launch(kernel, (1,))
    assert len(kernel.calls) == 1


def test_only_tensors_of_the_cpu_are_interpreted() -> None:
    assert interpreted(torch.empty(1))
    assert not interpreted(torch.empty(1, device="meta"))
