"""Where a decode step's time goes on the device, and where the host waits for it."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from sglc_runtime.bench.gpu.engines import drawn, engine_of
from sglc_runtime.bench.gpu.lab import GpuLab
from sglc_runtime.bench.shapes import Shape

PROMPT, NEW = 128, 64
ROWS = 16
LARGEST = 10
WAITS = (
    "cudaStreamSynchronize",
    "cudaEventSynchronize",
    "cudaDeviceSynchronize",
    "cudaMemcpy",
    "cudaStreamWaitValue",
    "hipStreamSynchronize",
    "hipEventSynchronize",
)
"""Calls in which the host waits for the device."""


def profile_decode(lab: GpuLab) -> dict[str, Any]:
    """Both shapes: the small one's steps are short, so what the host does shows there."""
    shapes = [lab.settings.small]
    if lab.settings.large != lab.settings.small:
        shapes.append(lab.settings.large)
    found: dict[str, Any] = {}
    for shape in shapes:
        lab.report(f"profile of {shape.name}, {ROWS} sequences")
        found[shape.name] = _profiled(lab, shape)
        lab.save(found)
    return found


def _profiled(lab: GpuLab, shape: Shape) -> dict[str, Any]:
    settings = lab.settings
    prompt, new = settings.tokens(PROMPT), settings.tokens(NEW)
    rows = 2 if settings.tiny else ROWS
    side = engine_of(shape, settings, slots=rows * (prompt + new + 16), rows=rows)
    prompts = [drawn(shape, side, prompt, seed=n) for n in range(rows)]

    def decode() -> None:
        side.run(prompts, new)

    decode()
    activities = [ProfilerActivity.CPU]
    if lab.device.type == "cuda":
        activities.append(ProfilerActivity.CUDA)
    with profile(activities=activities) as watched:
        decode()
    events = [
        {
            "name": event.key,
            "calls": event.count,
            "seconds": _device_time(event, lab.device.type) / 1e6,
        }
        for event in watched.key_averages()
    ]
    return {
        "steps": new,
        "rows": rows,
        "largest": largest(events, LARGEST),
        "device_seconds": sum(float(event["seconds"]) for event in events),
        "waits": waits(events),
        "synchronisations": synchronisations(decode, lab.device),
    }


def _device_time(event: Any, kind: str) -> float:
    """
    Microseconds of the event itself: of a kernel on the device, or of an operation on a CPU.

    Operations also have the time of the kernels that they launched, which would count twice.
    """
    if kind != "cuda":
        return float(event.self_cpu_time_total)
    on_device = str(event.device_type).endswith("CUDA")
    return float(event.self_device_time_total) if on_device else 0.0


def largest(events: Iterable[Mapping[str, Any]], count: int) -> list[dict[str, Any]]:
    """Those that take most of the device's time, with their share of all."""
    ranked = sorted(events, key=lambda event: -event["seconds"])
    total = sum(event["seconds"] for event in ranked)
    return [
        dict(event) | {"share": event["seconds"] / total if total else 0.0}
        for event in ranked[:count]
        if event["seconds"]
    ]


def waits(events: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How often the host called what waits for the device."""
    return {event["name"]: event["calls"] for event in events if event["name"] in WAITS}


def synchronisations(call: Callable[[], object], device: torch.device) -> dict[str, int]:
    """
    Where operations synchronise without being asked to, as `torch.cuda.set_sync_debug_mode` sees.

    Waiting for an event, as whoever reads the sampled ids does, is not among them.
    """
    if device.type != "cuda":
        return {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            call()
        finally:
            torch.cuda.set_sync_debug_mode("default")
    places = Counter(
        f"{each.filename.rpartition('sglc_runtime/')[2]}:{each.lineno}"
        for each in caught
        if "synchroniz" in str(each.message)
    )
    return dict(places)
