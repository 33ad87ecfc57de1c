"""What came of a part, as plain data; and parts that run in this process."""

from __future__ import annotations

import traceback
from time import perf_counter
from typing import Any, Literal

from sglc_runtime.bench.figures import MissingPeerError
from sglc_runtime.bench.gpu.lab import GpuLab
from sglc_runtime.bench.gpu.parts import BrokenDeviceError, Part

Status = Literal["measured", "partial", "failed", "broken", "not measured"]
Outcome = dict[str, Any]
"""`status`, `message`, `seconds`, `found`, and `traceback` of what failed."""


def outcome(
    status: Status,
    found: dict[str, Any] | None = None,
    *,
    message: str = "",
    seconds: float = 0.0,
    trace: list[str] | None = None,
) -> Outcome:
    """
    One part's outcome.

    `partial` kept what it had found when it was stopped; `broken` cannot go on in its process.
    """
    return {
        "status": status,
        "message": message,
        "seconds": seconds,
        "found": found or {},
        "traceback": trace or [],
    }


def run_here(part: Part, lab: GpuLab) -> Outcome:
    """Run a part in this process; what it raises becomes its outcome, but for Ctrl-C."""
    began = perf_counter()
    saved: dict[str, Any] = dict(lab.previous or {})

    def save(found: dict[str, Any]) -> None:
        saved.clear()
        saved.update(found)
        lab.save(found)

    watched = GpuLab(lab.settings, lab.report, save, lab.ceilings, lab.previous)
    try:
        found = part.run(watched)
    except MissingPeerError as error:
        return outcome("not measured", saved, message=str(error))
    except BrokenDeviceError as error:
        return outcome("broken", saved, message=str(error), seconds=perf_counter() - began)
    except Exception as error:  # one part's failure must not end the others
        return outcome(
            "failed",
            saved,
            message=f"{type(error).__name__}: {error}",
            seconds=perf_counter() - began,
            trace=traceback.format_exception(error),
        )
    return outcome("measured", found, seconds=perf_counter() - began)
