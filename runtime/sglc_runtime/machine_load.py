"""How busy the machine was while something was measured, and by whom."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

DISTURBED = 5.0
"""Per cent of the machine's time taken by others above which a timing is in doubt."""


FEATURES = (
    "sse4_2",
    "avx2",
    "fma",
    "f16c",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "avx_vnni",
    "amx_bf16",
    "amx_int8",
    "asimd",
    "asimddp",
    "bf16",
    "i8mm",
    "sve",
)
"""Instruction sets that decide how fast a model's arithmetic is."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """What a measurement ran on."""

    cpu: str
    cores: int
    """That this process may use."""
    features: tuple[str, ...]
    """Of `FEATURES`, those that the processor has."""
    memory_gib: float | None


def hardware() -> Hardware:
    """This machine, as far as Linux describes it."""
    try:
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        pages = 0
    memory = round(pages / 2**30, 1) or None
    return Hardware(cpu_name(), len(os.sched_getaffinity(0)), _features(), memory)


@dataclass(frozen=True, slots=True)
class Load:
    """The machine over one stretch of time; shares are per cent of all its cores' time."""

    cores: int
    """Cores this process may use."""
    cpu: str
    average: tuple[float, float]
    """Load average of the last minute at the beginning and at the end."""
    steal: float | None
    """Taken by other virtual machines; None where the system does not tell."""
    others: float | None
    """Used by other processes of this machine."""

    @property
    def disturbed(self) -> bool:
        """Others took so much that timings may not repeat."""
        return max(self.steal or 0.0, self.others or 0.0) > DISTURBED


class LoadWatch:
    """Begins to watch when made; `read` tells what happened since."""

    def __init__(self) -> None:
        self._average = _average()
        self._own = _own_seconds()
        self._times = _cpu_seconds()

    def read(self) -> Load:
        """The load from the beginning until now."""
        steal = others = None
        now = _cpu_seconds()
        if self._times is not None and now is not None:
            total, busy, stolen = (b - a for a, b in zip(self._times, now, strict=True))
            if total > 0:
                own = _own_seconds() - self._own
                steal = 100 * stolen / total
                others = 100 * max(0.0, busy - own) / total
        return Load(
            len(os.sched_getaffinity(0)), cpu_name(), (self._average, _average()), steal, others
        )


def cpu_name() -> str:
    """The processor's name as Linux gives it, `unknown` elsewhere."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return "unknown"


def _features() -> tuple[str, ...]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ()
    # x86 calls them flags, Arm calls them Features.
    line = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    known = set(line.partition(":")[2].split())
    return tuple(name for name in FEATURES if name in known)


def _average() -> float:
    try:
        return os.getloadavg()[0]
    except OSError:
        return 0.0


def _own_seconds() -> float:
    return sum(os.times()[:4])


def _cpu_seconds() -> tuple[float, float, float] | None:
    """Seconds of all cores since the start: all, used by processes, stolen."""
    try:
        line = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0]
        user, nice, system, idle, waiting, irq, soft, steal = map(int, line.split()[1:9])
    except (OSError, ValueError):
        return None
    busy = user + nice + system + irq + soft
    tick = os.sysconf("SC_CLK_TCK")
    return (busy + idle + waiting + steal) / tick, busy / tick, steal / tick
