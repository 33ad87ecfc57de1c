"""How many slots the KV pool gets: what was asked for, or a share of the free memory."""

from __future__ import annotations

from pathlib import Path

import torch

from sglc_runtime.models.base import ModelSpec

FEW_SLOTS = 64
"""A pool below this holds no useful prompt."""
UNKNOWN = 4 << 30
"""Bytes taken to be free where the system does not tell."""
SHARE = {"cpu": 0.5, "cuda": 0.85}
"""`mem_fraction_static` at most where nobody says it."""
WIDTHS = 24
"""
Numbers that a row of a pass holds at once, in hidden sizes: gate, up and their product of an MLP
four times as wide are twelve, queries, keys, values and residuals the rest.
"""
BESIDES = 512 << 20
"""Bytes for CUDA graphs, workspaces of libraries, and holes."""


def pass_bytes(spec: ModelSpec, rows: int, sequences: int) -> int:
    """About what passes of `rows` take on a GPU, and decode steps of `sequences`."""
    return _activations(spec, rows) + step_bytes(spec, sequences) + BESIDES


def step_bytes(spec: ModelSpec, rows: int) -> int:
    """About what a decode step of `rows` takes."""
    # Logits in the model's type, in float32, and what sampling makes of them.
    logits = 3 * rows * spec.vocab_size * torch.float32.itemsize
    return _activations(spec, rows) + logits


def _activations(spec: ModelSpec, rows: int) -> int:
    return rows * WIDTHS * spec.num_heads * spec.head_dim * spec.dtype.itemsize


def default_share(before: int | None, needed: int) -> float:
    """
    `mem_fraction_static` where nobody says it.

    On a GPU with `before` free bytes the rest is for passes, which take `needed`; on a CPU (None)
    the system keeps it.
    """
    if before is None:
        return SHARE["cpu"]
    return max(0.1, min(SHARE["cuda"], 1 - needed / max(1, before)))


def pool_slots(
    slot_bytes: int,
    free: int,
    *,
    kv_slots: int | None,
    mem_fraction_static: float,
    most: int,
    before: int | None = None,
) -> int:
    """
    Slots of the pool: `kv_slots`, or as many as `mem_fraction_static` of the memory holds.

    On a CPU that is a share of the `free` bytes. On a GPU, of which `before` bytes were free when
    nothing was loaded, the share is of those, and holds the weights too, as in SGLang: the rest is
    left for what passes need. Never more than `most`, what a full batch can use. Raises ValueError,
    naming the option to change, for a pool that is larger than the free memory or too small for a
    prompt.
    """
    if not 0 < mem_fraction_static <= 1:
        raise ValueError("mem_fraction_static must be in (0, 1]")
    if kv_slots is not None:
        if kv_slots * slot_bytes > free:
            raise ValueError(
                f"a KV pool of {kv_slots} slots takes {_size(kv_slots * slot_bytes)} and "
                f"{_size(free)} are free; lower kv_slots, {max(0, free) // slot_bytes} would fit"
            )
        return kv_slots
    if before is None:
        slots = int(free * mem_fraction_static) // slot_bytes
        what = f"{mem_fraction_static:.0%} of the free memory ({_size(free)}) hold"
    else:
        slots = int(free - before * (1 - mem_fraction_static)) // slot_bytes
        what = (
            f"{mem_fraction_static:.0%} of the GPU's free memory ({_size(before)}), the model's "
            f"{_size(before - free)} taken off, hold"
        )
    if slots < FEW_SLOTS:
        raise ValueError(
            f"{what} only {max(0, slots)} KV slots of {_size(slot_bytes)}; free some, raise "
            "mem_fraction_static, or choose a smaller kv_cache_dtype"
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
        torch.cuda.empty_cache()  # what loading has left behind
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
