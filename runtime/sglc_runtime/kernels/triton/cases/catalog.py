"""All cases of all kernels."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from sglc_runtime.kernels.triton.cases.case import Case

MODULES: tuple[str, ...] = (
    "attend",
    "begin",
    "choices",
    "decode",
    "norm",
    "one_row",
    "rope_store",
    "sampling",
    "split",
    "store",
    "swiglu",
)
"""Names of the modules beside this one that have a function `cases() -> Iterator[Case]`."""


def catalog() -> Iterator[Case]:
    """Every case, kernel by kernel."""
    for name in MODULES:
        yield from import_module(f"sglc_runtime.kernels.triton.cases.{name}").cases()
