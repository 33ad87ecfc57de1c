"""Runs parts in processes of their own, and again where one died on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import asdict
from pathlib import Path
from time import monotonic, time
from typing import IO, Any

from sglc_runtime.bench.gpu.ceilings import Ceilings
from sglc_runtime.bench.gpu.lab import Progress
from sglc_runtime.bench.gpu.outcome import Outcome, outcome
from sglc_runtime.bench.gpu.parts import Part
from sglc_runtime.bench.gpu.settings import GpuSettings

ATTEMPTS = 20
"""Processes of one part at most, each of which has to come further than the one before."""
STUCK = 60.0
"""Seconds after which a single kernel is taken to hang: checks of the largest take a few."""


def run_apart(
    part: Part,
    settings: GpuSettings,
    ceilings: Ceilings | None,
    previous: dict[str, Any] | None,
    report: Progress,
    *,
    deadline: float | None = None,
) -> Outcome:
    """
    Run a part in another process, which is ended at `deadline` (of `time.monotonic`).

    Where a process dies or its device breaks, a new one goes on behind what was being tried.
    """
    began = monotonic()
    done = outcome("not measured", previous)
    for attempt in range(ATTEMPTS):
        known = done["found"]
        done = _once(part, settings, ceilings, known or None, report, deadline)
        ended = done["status"] in ("measured", "failed", "not measured")
        late = deadline is not None and monotonic() >= deadline
        if ended or late or (attempt and done["found"] == known) or not done["found"]:
            break
        report(f"{part.name}: {done['message']}; going on in a new process")
    if done["status"] == "broken":
        done["status"] = "failed"
    return done | {"seconds": monotonic() - began}


def _once(
    part: Part,
    settings: GpuSettings,
    ceilings: Ceilings | None,
    previous: dict[str, Any] | None,
    report: Progress,
    deadline: float | None,
) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="sglc-bench-") as folder:
        request, result, errors = (Path(folder) / name for name in ("request", "result", "errors"))
        asked = {
            "part": part.name,
            "settings": asdict(settings),
            "ceilings": asdict(ceilings) if ceilings else None,
            "previous": previous,
        }
        request.write_text(json.dumps(asked), encoding="utf-8")
        command = [sys.executable, "-m", __name__.rpartition(".")[0] + ".child"]
        with errors.open("w", encoding="utf-8") as stderr:
            process = subprocess.Popen(
                [*command, str(request), str(result)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                env=_environment(settings),
                start_new_session=True,
            )
            ended = _watched(process, report, deadline)
        if ended == "late":
            said = "the time that was given is over"
        else:
            lines = errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            said = f"the process ended with {process.returncode}: {lines[-1] if lines else ''}"
        if not result.exists():
            return outcome("partial" if ended == "late" else "failed", previous, message=said)
        found: Outcome = json.loads(result.read_text(encoding="utf-8"))
        if found["status"] == "partial":
            found["message"] = said
        age = time() - result.stat().st_mtime
        return unblamed(found, age) if ended == "late" else found


def unblamed(found: Outcome, age: float) -> Outcome:
    """
    What a part had found when its time was over, the last of it `age` seconds before.

    The kernel that was being tried is not to blame, unless it hung; it is tried again.
    """
    if age < STUCK and "trying" in found["found"]:
        return found | {"found": found["found"] | {"trying": None}}
    return found


def _environment(settings: GpuSettings) -> dict[str, str]:
    """Kernels are interpreted where there is no device for them."""
    known = dict(os.environ)
    known.pop("TRITON_INTERPRET", None)
    if not settings.device.startswith("cuda"):
        known["TRITON_INTERPRET"] = "1"
    return known


def _watched(process: subprocess.Popen[str], report: Progress, deadline: float | None) -> str:
    """Pass on what a process says until it ends; `late` where it had to be ended."""
    assert process.stdout is not None
    reader = threading.Thread(target=_pass_on, args=(process.stdout, report), daemon=True)
    reader.start()
    left = None if deadline is None else max(0.0, deadline - monotonic())
    try:
        process.wait(left)
        return "ended"
    except subprocess.TimeoutExpired:
        return "late"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        reader.join(5)


def _pass_on(lines: IO[str], report: Progress) -> None:
    for line in lines:
        report(line.rstrip())
