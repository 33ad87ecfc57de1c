"""
How long starting takes, as whole processes, beside `import typer, rich`.

Runs take turns, so that a slow moment of the machine hits all of them. Bytecode and the grammar's
tables are cached before anything is timed, in folders of the measurement's own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from sglc.benchmarks.generated import generate

BASELINE = "import typer, rich"
SCRIPT_STATEMENTS = 51
"""Three blocks: a script of 50 lines, its header not counted."""


@dataclass(frozen=True, slots=True)
class Start:
    """One way of starting."""

    name: str
    seconds: float
    """Median wall time of the process."""
    ratio: float
    """Median of the ratios to the baseline of the same turn."""


def measure(repeats: int, report: Callable[[str], None] = lambda _: None) -> list[Start]:
    """Time each way of starting this often; the first is the baseline."""
    with tempfile.TemporaryDirectory(prefix="sglc-bench-") as folder:
        script = Path(folder) / "bench.sgl"
        script.write_text(generate("sgl", "one", SCRIPT_STATEMENTS).text, encoding="utf-8")
        commands = {
            BASELINE: ("-c", BASELINE),
            "import sglc": ("-c", "import sglc"),
            "sglc check, 50 lines": ("-m", "sglc", "check", str(script)),
            "sglc check --json, 50 lines": ("-m", "sglc", "check", "--json", str(script)),
            "sglc --version": ("-m", "sglc", "--version"),
        }
        report(f"starting {len(commands)} commands {repeats} times in turn")
        times = _times(commands, repeats, _environment(folder))
    base = times[BASELINE]
    return [
        Start(name, median(taken), median(t / b for t, b in zip(taken, base, strict=True)))
        for name, taken in times.items()
    ]


def _environment(folder: str) -> dict[str, str]:
    """As ours, with caches that are writable and nobody else's."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    caches = {"PYTHONPYCACHEPREFIX": f"{folder}/pycache", "SGLC_CACHE": f"{folder}/cache"}
    paths = [p for p in sys.path if p]
    return kept | caches | {"PYTHONPATH": os.pathsep.join(paths)}


def _times(
    commands: dict[str, tuple[str, ...]], repeats: int, environment: dict[str, str]
) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(repeats + 1):
        for name, arguments in commands.items():
            start = time.perf_counter()
            subprocess.run(
                [sys.executable, *arguments], env=environment, check=True, capture_output=True
            )
            if turn:  # the first one fills the caches
                times[name].append(time.perf_counter() - start)
    return times
