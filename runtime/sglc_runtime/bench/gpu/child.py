"""
A part in a process of its own: `python -m sglc_runtime.bench.gpu.child REQUEST RESULT`.

A kernel that reads where it must not makes its process's context useless for everything after it,
so every part has a process; the result file is replaced whenever there is something new.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import torch

from sglc_runtime.bench.gpu.ceilings import Ceilings
from sglc_runtime.bench.gpu.lab import GpuLab
from sglc_runtime.bench.gpu.outcome import Outcome, outcome, run_here
from sglc_runtime.bench.gpu.parts import PARTS
from sglc_runtime.bench.gpu.settings import GpuSettings


def main(request: Path, result: Path) -> None:
    """Run the part that a request names."""
    asked = json.loads(request.read_text(encoding="utf-8"))

    def write(found: Outcome) -> None:
        fresh = result.with_suffix(".new")
        fresh.write_text(json.dumps(found), encoding="utf-8")
        os.replace(fresh, result)

    def save(found: dict[str, Any]) -> None:
        write(outcome("partial", found, message="the process ended before the part was through"))

    settings = GpuSettings(**asked["settings"])
    if settings.torch_device.index is not None and settings.torch_device.type == "cuda":
        # Kernels and events go to the current device.
        torch.cuda.set_device(settings.torch_device)
    part = next(part for part in PARTS if part.name == asked["part"])
    lab = GpuLab(
        settings,
        lambda message: print(message, flush=True),
        save,
        Ceilings(**asked["ceilings"]) if asked["ceilings"] else None,
        asked["previous"],
    )
    write(run_here(part, lab))


def end_with_parent() -> None:
    """
    End this process and those it started when stdin does, whose other end its parent holds.

    It has a session of its own, so that whoever ends the parent alone would leave it running.
    """

    def watch() -> None:
        while os.read(0, 4096):
            pass
        os.killpg(0, signal.SIGKILL)

    # Started by hand, the group would be somebody else's too.
    if os.getsid(0) == os.getpid():
        threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    end_with_parent()
    main(Path(sys.argv[1]), Path(sys.argv[2]))
