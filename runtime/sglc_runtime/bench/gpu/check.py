"""Whether kernels compute what they must, on the device that is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from time import perf_counter
from typing import Any

import torch

from sglc_runtime.bench.gpu.timer import settle
from sglc_runtime.kernels.triton.cases.case import TOLERANCE, Case, relative_error
from sglc_runtime.kernels.triton.cases.making import poisoned_memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """How far one case is from float64."""

    name: str
    kernel: str
    dtype: str
    small: bool
    ok: bool
    error: float | None
    """Largest relative error of its outputs; None where one is not finite, or there are none."""
    tolerance: float
    message: str = ""
    seconds: float = 0.0


def check(case: Case, device: torch.device) -> Checked:
    """Run a case; what it raises becomes its message."""
    began = perf_counter()
    try:
        worst = largest_error(case, device)
    except Exception as error:  # one case's failure must not hide the others'
        lines = [line for line in str(error).splitlines() if line.strip()] or [""]
        return failed(case, f"{type(error).__name__}: {lines[0]}")
    tolerance = TOLERANCE[case.dtype]
    return Checked(
        name=case.name,
        kernel=case.kernel,
        dtype=case.dtype_name,
        small=case.small,
        ok=worst <= tolerance,
        error=worst if isfinite(worst) else None,
        tolerance=tolerance,
        message="" if isfinite(worst) else "not finite, not written, or another integer",
        seconds=perf_counter() - began,
    )


def failed(case: Case, message: str) -> Checked:
    """A case that gave no outputs."""
    return Checked(
        name=case.name,
        kernel=case.kernel,
        dtype=case.dtype_name,
        small=case.small,
        ok=False,
        error=None,
        tolerance=TOLERANCE[case.dtype],
        message=message,
    )


@torch.inference_mode()
def largest_error(case: Case, device: torch.device) -> float:
    """
    Of all outputs; infinite where one has another shape.

    Inputs are made twice, because a kernel may change them.
    """
    expected = case.expect(case.inputs(device))
    with poisoned_memory():
        got = case.run(case.inputs(device))
        settle(device)
    if got.keys() != expected.keys():
        raise ValueError(f"outputs {sorted(got)}, expected {sorted(expected)}")
    return max(
        relative_error(value, expected[name])
        if value.shape == expected[name].shape
        else float("inf")
        for name, value in got.items()
    )


def checking_order(cases: Iterable[Case]) -> list[Case]:
    """Small ones first, then what is measured; types in the order of use."""
    types = (torch.bfloat16, torch.float16, torch.float32)
    return sorted(cases, key=lambda case: (not case.small, types.index(case.dtype)))


def worst_of(found: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """For each kernel and type: cases, how many are wrong, the largest error and its case."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for entry in found:
        groups.setdefault((entry["kernel"], entry["dtype"]), []).append(entry)
    for (kernel, dtype), entries in groups.items():
        worst = max(
            entries, key=lambda entry: float("inf") if entry["error"] is None else entry["error"]
        )
        yield {
            "kernel": kernel,
            "dtype": dtype,
            "cases": len(entries),
            "wrong": sum(not entry["ok"] for entry in entries),
            "error": worst["error"],
            "tolerance": worst["tolerance"],
            "at": worst["name"],
        }
