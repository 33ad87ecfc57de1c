"""The GPU and what drives it."""

from __future__ import annotations

import subprocess
from dataclasses import asdict
from platform import python_version
from typing import Any

import torch

from sglc_runtime.bench.packages import installed
from sglc_runtime.machine_load import hardware

PACKAGES = ("sglc", "torch", "triton", "transformers")
ASKED = (
    "driver_version",
    "clocks.sm",
    "clocks.max.sm",
    "clocks.mem",
    "clocks.max.mem",
    "power.draw",
    "power.limit",
    "temperature.gpu",
    "utilization.gpu",
    "memory.used",
    "memory.total",
)
"""What `nvidia-smi --query-gpu` is asked."""


def environment(device: torch.device) -> dict[str, Any]:
    """Device, driver, clocks, packages and the machine, as plain data."""
    return {
        "device": device_properties(device),
        "driver": driver(device),
        "versions": installed(PACKAGES)
        | {"python": python_version(), "cuda": torch.version.cuda or ""},
        "hardware": asdict(hardware()),
    }


def device_properties(device: torch.device) -> dict[str, Any]:
    """Name, size and architecture."""
    if device.type != "cuda":
        return {"name": hardware().cpu, "type": device.type}
    found = torch.cuda.get_device_properties(device)
    return {
        "name": found.name,
        "type": device.type,
        "architecture": 10 * found.major + found.minor,
        "multiprocessors": found.multi_processor_count,
        "memory": found.total_memory,
        "level_two_cache": getattr(found, "L2_cache_size", None),
    }


def driver(device: torch.device) -> dict[str, str]:
    """What nvidia-smi says now; empty without it."""
    if device.type != "cuda":
        return {}
    command = ["nvidia-smi", f"--query-gpu={','.join(ASKED)}", "--format=csv,noheader"]
    # Indices differ where CUDA_VISIBLE_DEVICES is set; ids do not.
    identity = getattr(torch.cuda.get_device_properties(device), "uuid", None)
    chosen = ["--id", f"GPU-{identity}"]
    for asked in ([*command, *chosen], command):
        try:
            done = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=20)
        except (OSError, subprocess.TimeoutExpired):
            return {}
        if done.returncode == 0:
            return parse_query(done.stdout)
    return {}


def parse_query(text: str) -> dict[str, str]:
    """The first line of nvidia-smi's table."""
    values = [value.strip() for value in text.partition("\n")[0].split(",")]
    return dict(zip(ASKED, values, strict=True)) if len(values) == len(ASKED) else {}
