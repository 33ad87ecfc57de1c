"""How many threads to use."""

from __future__ import annotations

import contextlib
import os

import torch

from sglc_runtime.kernels.build import CompilerUnavailable
from sglc_runtime.kernels.library import load_library

MIN_WEIGHTS_PER_THREAD = 10_000_000
"""Below this, a layer's work is shorter than the barrier that ends it."""


def free_cores() -> int:
    """
    Cores this process may use that nobody keeps busy now, at least one.

    Threads beyond the free cores wait for each other at every barrier, which costs far more than
    they give.
    """
    try:
        allowed = len(os.sched_getaffinity(0))
    except AttributeError:
        allowed = os.cpu_count() or 1
    allowed = min(allowed, _cgroup_limit() or allowed)
    try:
        load = os.getloadavg()[0]
    except OSError:
        load = 0.0
    return max(1, allowed - round(load))


def _cgroup_limit() -> int | None:
    """Whole CPUs of the control group's quota, None without one."""
    try:
        with open("/sys/fs/cgroup/cpu.max", encoding="ascii") as file:
            quota, period = file.read().split()
        return max(1, int(quota) // int(period))
    except (OSError, ValueError):
        return None


def choose_threads(weights: int) -> int:
    """Threads for a model of `weights` parameters: free cores, fewer for small models."""
    if override := os.environ.get("OMP_NUM_THREADS", ""):
        try:
            return max(1, int(override))
        except ValueError:
            pass
    return max(1, min(free_cores(), weights // MIN_WEIGHTS_PER_THREAD))


def use_threads(count: int, *, torch_too: bool) -> None:
    """
    Give the C kernels `count` threads, and torch as many or one.

    Torch's threads go on spinning for a while after each operation; beside a decoder in C they
    would only take the cores from its own.
    """
    torch.set_num_threads(count if torch_too else 1)
    with contextlib.suppress(CompilerUnavailable):
        load_library().sglc_set_threads(count)
