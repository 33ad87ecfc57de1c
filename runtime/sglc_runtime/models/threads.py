"""How many torch threads to use."""

from __future__ import annotations

import os

MIN_WEIGHTS_PER_THREAD = 20_000_000
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
    """Torch threads for a model of `weights` parameters: free cores, fewer for small models."""
    if override := os.environ.get("OMP_NUM_THREADS", ""):
        try:
            return max(1, int(override))
        except ValueError:
            pass
    return max(1, min(free_cores(), weights // MIN_WEIGHTS_PER_THREAD))
