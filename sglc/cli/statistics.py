"""What `--stats` prints: tokens, cache, times, the engine."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sglc.programs.program import Outcome
    from sglc.programs.running import Running


ENGINE = (
    "model", "architecture", "implementation", "device", "dtype", "attention", "threads",
    "tp_size", "kv_slots", "deterministic", "speculation", "quantization",
)  # fmt: skip
"""What of an engine's description is shown."""


@dataclass(slots=True)
class Watch:
    """Times of a command, from the start of its process on."""

    started: float = field(default_factory=lambda: time.perf_counter() - _age())
    first: float | None = None
    """Seconds from the start of the process to the first text of the model on stdout."""
    usage: dict[str, int] = field(default_factory=dict)
    rows: int = 0
    engine: dict[str, Any] = field(default_factory=dict)
    counters: dict[str, Any] = field(default_factory=dict)
    """Of the engine since its start, where it is our own."""

    def first_answer(self) -> None:
        """Text of the model is about to be printed."""
        if self.first is None:
            self.first = time.perf_counter() - self.started

    def add(self, running: Running) -> None:
        """Count a finished run."""
        self.rows += 1
        for name, count in running.usage().items():
            self.usage[name] = self.usage.get(name, 0) + count
        self.engine = running.engine()
        self.counters = running.counters()

    def table(self) -> str:
        """Lines of `name value`, aligned."""
        seconds = time.perf_counter() - self.started
        prompt, cached = self.usage.get("prompt_tokens", 0), self.usage.get("cached_tokens", 0)
        produced = self.usage.get("completion_tokens", 0)
        lines = [
            ("prompt tokens", f"{prompt} ({cached} cached, {_percent(cached, prompt)})"),
            ("generated tokens", f"{produced} ({produced / seconds:.1f}/s)"),
            ("seconds", f"{seconds:.2f}" + self._first()),
            ("peak memory", _peak_memory()),
        ]
        if self.rows > 1:
            lines.insert(0, ("rows", str(self.rows)))
        lines += [(n.replace("_", " "), _shown(self.engine[n])) for n in ENGINE if n in self.engine]
        if "tree_tokens" in self.counters:
            held, lost = self.counters["tree_tokens"], self.counters["evicted_tokens"]
            lines.append(("cache", f"{held} tokens, {lost} evicted"))
        if drafted := self.counters.get("drafted_tokens", 0):
            kept = self.counters.get("accepted_tokens", 0)
            lines.append(("guessed tokens", f"{drafted} ({kept} kept, {_percent(kept, drafted)})"))
        width = max(len(name) for name, _ in lines)
        return "\n".join(f"{name:<{width}}  {value}" for name, value in lines)

    def _first(self) -> str:
        return "" if self.first is None else f" ({self.first:.2f} to the first answer)"


def _shown(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}%" if whole else "0%"


def _peak_memory() -> str:
    """Of this process, and of the engine's where there is one (Linux tells)."""
    here = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    engine = sum(_peak_of(pid) for pid in _children()) / 1024
    return f"{here:.0f} MB" + (f", {engine:.0f} MB in the engine" if engine else "")


def _age() -> float:
    """Seconds since this process was started (Linux tells), else 0."""
    with suppress(OSError, IndexError, ValueError, AttributeError):
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        started = ticks / os.sysconf("SC_CLK_TCK")
        return time.clock_gettime(time.CLOCK_BOOTTIME) - started
    return 0.0


def _children() -> Iterator[str]:
    for file in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):
            yield from file.read_text().split()


def _peak_of(pid: str) -> int:
    """Peak resident kilobytes of a process, 0 when it cannot be told."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return 0


def add_outcome(watch: Watch, outcome: Outcome) -> None:
    """Count a row that has a run."""
    if outcome.running is not None:
        watch.add(outcome.running)
