"""How many slots the KV pool gets: what was asked for, or a share of the free memory."""

from __future__ import annotations

from pathlib import Path

import torch

FEW_SLOTS = 64
"""A pool below this holds no useful prompt."""
UNKNOWN = 4 << 30
"""Bytes taken to be free where the system does not tell."""


def pool_slots(
    slot_bytes: int,
    free: int,
    *,
    kv_slots: int | None,
    mem_fraction_static: float,
    most: int,
) -> int:
    """
    Slots of the pool: `kv_slots`, or as many as `mem_fraction_static` of `free` bytes hold.

    The share is cut to `most`, what a full batch can use. Raises ValueError, naming the option to
    change, for a pool that is larger than the free memory or too small for a prompt.
    """
    if not 0 < mem_fraction_static <= 1:
        raise ValueError("mem_fraction_static must be in (0, 1]")
    if kv_slots is not None:
        if kv_slots * slot_bytes > free:
            raise ValueError(
                f"a KV pool of {kv_slots} slots takes {_size(kv_slots * slot_bytes)} and "
                f"{_size(free)} are free; lower kv_slots, {free // slot_bytes} would fit"
            )
        return kv_slots
    slots = int(free * mem_fraction_static) // slot_bytes
    if slots < FEW_SLOTS:
        raise ValueError(
            f"{mem_fraction_static:.0%} of the free memory ({_size(free)}) hold only {slots} KV "
            f"slots of {_size(slot_bytes)}; free some, or raise mem_fraction_static"
        )
    return min(slots, most)


def _size(count: int) -> str:
    for unit, power in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if count >= 1 << power:
            return f"{count / 2**power:.1f} {unit}"
    return f"{count} bytes"


def free_memory(device: torch.device) -> int:
    """Bytes of `device` that can be allocated without swapping, as far as the system tells."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return min(_available(), _left_in_group())


def _available() -> int:
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return UNKNOWN


def _left_in_group(folder: Path = Path("/sys/fs/cgroup")) -> int:
    """What the control group's limit leaves; without a limit more than any machine has."""
    try:
        limit = (folder / "memory.max").read_text(encoding="ascii").strip()
        used = (folder / "memory.current").read_text(encoding="ascii").strip()
        return max(0, int(limit) - int(used))
    except (OSError, ValueError):  # "max": no limit
        return 1 << 62
